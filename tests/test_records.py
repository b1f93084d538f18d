"A folder of Records becomes a book that says what they are of: real patches from files to a page, and two settings apart."
import html, os, re, shutil, subprocess, sys
from pathlib import Path
import pytest

ROOT, REAL = Path(__file__).parents[1], os.environ.get('SRSTUDY_REALDATA')
pytestmark = pytest.mark.slow

def book_of(folder, env):
    "Make the book of a folder as a person does; return its pages without their marks."
    command = [Path(sys.executable).parent/'srstudy', 'book', '--records', folder]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    pages = sorted((Path(folder)/'book/_build/html').rglob('*.html'))
    text = lambda p: ' '.join(html.unescape(re.sub(r'<[^>]+>', ' ', p.read_text())).split())
    return {p.relative_to(Path(folder)/'book/_build/html').as_posix(): text(p) for p in pages}

@pytest.mark.skipif(not REAL, reason='SRSTUDY_REALDATA is not set: the real BigEarthNet patches are not tested')
def test_real_patches_from_files_to_a_page(home):
    from srstudy.params import Experiment
    from srstudy.study.steps import run
    for sr in ('none', 'bicubic', 'srresnet'):
        run(Experiment(dataset='bigearthnet_v2', root=f'{REAL}/bigearthnet_v2_test120', split='random', sr=sr, limit=12,
                       schedule=[[0, 1, .01]]))
    pages = book_of(home/'results', os.environ)
    for page in ('intro.html', '1/table1.html', '1/chance.html', '1/ledger.html'):
        text = pages[page]
        assert "Other data than a paper's" in text and 'small networks on BigEarthNet v2 (reBEN)' in text
        assert 'there are 120 patches, where BigEarthNet v2 (reBEN) has 480,038' in text
        assert '12 training, 9 validation and 12 test scenes of 120 x 120 pixels' in text and 'seed 0;' in text
        assert 'Synthetic mini study' not in text and 'committed with the code' not in text
    assert '3 of the 28 experiments' in pages['1/table1.html'] and 'this needs runs of True 2.5 m' in pages['1/table1.html']
    assert 'split random, schedule [[0, 1, 0.01]], limit 12' in pages['intro.html']
    assert 'lie in' in pages['1/chance.html'] and '10 x 10 patches (12 km)' in pages['1/chance.html']

def test_two_settings_share_no_page(home):
    from srstudy.params import Experiment
    from srstudy.study.runs import Runs, committed
    from srstudy.study.steps import run
    folder = home/'results'; folder.mkdir()
    for r in Runs.of('table1', [committed()]).where(arch='resnet50', sr=['none', 'bicubic', 'hat', 'truth'], seed=(0, 1, 2)):
        for end in ('.json', '.npz'): shutil.copy(committed()/f'{r.name}{end}', folder)
    for sr in ('none', 'bicubic'): run(Experiment(sr=sr, scenes=60, size=12, schedule=[[0, 1, .01]]))
    pages = book_of(folder, os.environ)
    assert '14 Records of 2 settings' in pages['intro.html']
    assert '12 runs, made on this machine: seeds 0, 1, 2;' in pages['1/table1.html'] and '300 test scenes of 24 x 24' in pages['1/table1.html']
    assert '2 runs, made on this machine: seed 0;' in pages['2/table1.html'] and 'of 12 x 12 pixels' in pages['2/table1.html']
    assert 'Recovery' in pages['1/table1.html'] and '1/chance.html' in pages and '2/chance.html' not in pages
    assert 'no run of a network' in pages['intro.html']
