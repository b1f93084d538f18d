"The commands that the README promises, as a person types them."
import json, os, pty, subprocess, time
from pathlib import Path
import pytest
from ready import BIN, Command

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow
TINY = '-p scenes 40 -p size 12 -p bs 8'.split()

def papermill(args, env):
    "Run papermill in a terminal: there it behaves differently than in a pipe."
    out, inside = pty.openpty()
    p = subprocess.Popen([BIN/'papermill', *args], cwd=ROOT, env=env, stdin=inside, stdout=inside, stderr=inside)
    os.close(inside); text = b''
    while True:
        try: chunk = os.read(out, 4096)
        except OSError: break
        if not chunk: break
        text += chunk
    return p.wait(), text.decode(errors='replace')

def test_papermill_word_for_word_in_a_terminal(env):
    before = (ROOT/'nbs/run.ipynb').read_bytes()
    code, text = papermill(['nbs/run.ipynb', '-p', 'sr', 'hat', *TINY, '-y', 'schedule: [[0, 1, 0.003]]'], env)
    assert code == 0, text[-3000:]
    records = list(Path(env['SRSTUDY_RESULTS']).glob('hat_resnet50_seed0-*.json'))
    assert len(records) == 1 and records[0].with_suffix('.npz').exists()
    rec = json.loads(records[0].read_text())
    assert rec['params']['sr'] == 'hat' and rec['counts']['test'] > 0 and len(rec['scores']) == 12
    assert 'executed notebook:' in text
    assert (ROOT/'nbs/run.ipynb').read_bytes() == before

@pytest.mark.parametrize('args, sentence', [
    ('-p sr hta', "unknown sr 'hta'; did you mean 'hat'? choose from none"),
    ('-p srr hat', "unknown parameter srr='hat'"),
    ('-p bs banana', "bs='banana' is of type str"),
    ('-p size 40', 'size=40 is not a multiple of 6'),
    ('-p sr truth -p dataset bigearthnet -p root x', 'needs the true high resolution')])
def test_wrong_parameters_fail_before_any_work(args, sentence, env, tmp_path):
    here = {**env, 'SRSTUDY_CACHE': str(tmp_path/'cache'), 'SRSTUDY_RESULTS': str(tmp_path/'results')}
    p = Command('papermill', 'nbs/run.ipynb', *args.split(), '--no-progress-bar', cwd=ROOT, env=here).done()
    assert p.returncode != 0 and sentence in p.stderr
    assert not (tmp_path/'cache').exists()

def test_study_runs_only_what_is_missing(env, tmp_path, monkeypatch, capsys):
    for k in ('SRSTUDY_CACHE', 'SRSTUDY_RESULTS'): monkeypatch.setenv(k, env[k])
    from srstudy.params import Experiment
    from srstudy.study.launch import launch
    from srstudy.study.steps import run
    grid = [Experiment(sr=s, scenes=40, size=12, bs=8, schedule=[[0, 1, .003]]) for s in ('hat', 'bicubic')]
    assert launch(grid, run=run) == [] and launch(grid, run=run) == []
    out = capsys.readouterr().out; lines = [l for l in out.splitlines() if l.startswith('[')]
    assert '1 of 2 runs are there' in out and '2 of 2 runs are there' in out
    assert len(lines) == 1 and lines[0].startswith('[1/1] bicubic') and ' f1 ' in lines[0]

def test_a_killed_study_goes_on_and_leaves_the_same_records(env, tmp_path):
    table = tmp_path/'table'; table.mkdir()
    for sr in ('none', 'nearest', 'lanczos'): (table/f'{sr}.yaml').write_text(f'sr: {sr}\nscenes: 40\nsize: 12\nbs: 8\nschedule: [[0, 1, 0.003]]\n')
    here = {name: {**env, 'SRSTUDY_CACHE': str(tmp_path/name/'cache'), 'SRSTUDY_RESULTS': str(tmp_path/name/'results')} for name in ('killed', 'whole')}
    study = lambda name: Command('srstudy', 'study', table, cwd=ROOT, env=here[name])
    made = lambda name: sorted((tmp_path/name/'results').glob('*.json'))
    p = study('killed')
    while not made('killed') and p.running: time.sleep(.02)
    p.kill(); p.end(); assert 1 <= len(made('killed')) < 3
    code, said = study('killed').end(); assert code == 0 and ' of 3 runs are there' in said and '0 of 3' not in said
    code, said = study('whole').end(); assert code == 0, said
    from srstudy.study.record import read_predictions, read_record, same_result
    for a, b in zip(made('killed'), made('whole'), strict=True):
        assert same_result(read_record(a), read_record(b)) and (read_predictions(a)['probs'] == read_predictions(b)['probs']).all()
