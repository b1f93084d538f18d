"A run that is killed again and again leaves the Record of the run that nobody disturbed."
import multiprocessing, random, signal, time
import pytest

fork = multiprocessing.get_context('fork')
LABELS = dict(scenes=48, size=12, bs=8, workers=0)
RADAR = LABELS | dict(dataset='synthetic_sen12ms', labels='igbp10', bands='s1s2', fusion='late', task='singlelabel', scenes=240)
BODY = 'labels: clc1\nscenes: 48\nsize: 12\nbs: 8\nschedule: [[0, 3, 0.003]]\n'
TRAININGS = dict(
    rows=LABELS | dict(schedule=[[-1, 4, .003], [0, 8, .01]]),
    patience=LABELS | dict(schedule=[[0, 12, .003]], policy='constant', wd=1e-5, patience=3),
    bf16=LABELS | dict(schedule=[[0, 12, .01]], precision='bf16', sr='bicubic'),
    fused=RADAR | dict(schedule=[[0, 3, .003]], bs=32),
    maps=LABELS | dict(dataset='synthetic_corine', task='segmentation', labels='clc1', scenes=100,
                       schedule=[[-1, 3, .003], [0, 3, .003]]))

def take(run, values):
    "Run it, as a process of its own does."
    import torch
    from srstudy.params import as_experiment
    torch.set_num_threads(1)
    run(as_experiment(values))

def taken(run, values, disturb=lambda p: None):
    "Run it in a process, which `disturb` may kill; return its exit code."
    p = fork.Process(target=take, args=(run, values)); p.start()
    disturb(p); p.join()
    return p.exitcode

def at_any_moment(seconds):
    "Kill a process of so many seconds at a random moment."
    def kill(p):
        p.join(random.uniform(.2, 1)*seconds)
        p.kill()
    return kill

def in_training(p):
    "Kill a process at a random moment after it has left another checkpoint."
    from srstudy.core import cache_dir
    def left(): return {c: c.stat().st_mtime_ns for c in (cache_dir()/'training').glob('*.pt')}
    before = left()
    while p.is_alive() and left().items() <= before.items(): time.sleep(.01)
    time.sleep(random.uniform(0, .3)); p.kill()

def epochs_kept():
    "How many epochs the checkpoints here have behind them."
    import torch
    from srstudy.core import cache_dir
    states = (torch.load(p, weights_only=True)['state'] for p in (cache_dir()/'training').glob('*.pt'))
    return sum(len(s['counts']['history']['epochs']) for s in states)

@pytest.mark.slow
@pytest.mark.parametrize('name', TRAININGS)
def test_a_run_killed_at_any_moment_leaves_the_same_record(name, tmp_path, monkeypatch):
    import torch
    from safetensors.torch import load_file
    from srstudy.core import cache_dir
    from srstudy.study.record import read_record, results_dir, same_result
    from srstudy.study.steps import run         # here, not in each of the processes
    def go_to(folder):
        monkeypatch.setenv('SRSTUDY_CACHE', str(tmp_path/folder/'cache'))
        monkeypatch.setenv('SRSTUDY_RESULTS', str(tmp_path/folder/'results'))
    def record(): return read_record(next(results_dir().glob('*.json')))
    def weights(): return {p.name: load_file(p) for p in (cache_dir()/'models').glob('*')}
    values, body = dict(TRAININGS[name]), tmp_path/'body.yaml'
    if name == 'maps': body.write_text(BODY); values['encoder'] = str(body)
    go_to('whole'); start = time.perf_counter()
    assert taken(run, values) == 0
    seconds = time.perf_counter() - start
    whole, trained = record(), weights()
    go_to('killed'); kept = []
    for disturb in (at_any_moment(seconds), in_training, at_any_moment(seconds), in_training):
        if taken(run, values, disturb) == -signal.SIGKILL: kept.append(epochs_kept())
    assert taken(run, values) == 0
    assert any(kept), 'it was killed while it trained'
    assert same_result(record(), whole)
    assert weights().keys() == trained.keys()
    for model, tensors in weights().items():
        assert all(torch.equal(v, trained[model][k]) for k, v in tensors.items()), 'to the last bit'
    assert not list((tmp_path/'killed/cache/training').iterdir()), 'the checkpoint goes when the Record stands'
    print(f'{name}: {seconds:.1f} s undisturbed; killed {len(kept)} times, with {kept} epochs behind it')
