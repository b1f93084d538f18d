"Labelled pictures, from files through doctor, store, super-resolution and classifier to a Record that a page can show: made ones, and real ones where they are."
import json, os, shutil
from pathlib import Path
import numpy as np, pandas as pd, pytest
from PIL import Image
from srstudy.cli import app
from srstudy.data.doctor import doctor
from srstudy.data.index import get_dataset, read_index
from srstudy.data.folder import own_labels
from srstudy.params import Experiment, key
from srstudy.study import run
from srstudy.study.settings import name_settings, read_folder, sort_runs
from srstudy.study.steps import needs_run

REAL = os.environ.get('SRSTUDY_REALDATA')
real = pytest.mark.skipif(not REAL, reason='SRSTUDY_REALDATA is not set: real labelled images are not tested')
QUICK = dict(schedule=[[0, 12, .02]], bs=16, workers=0)

def paint(path, warm, rng):
    "A picture that is rather red, or rather blue."
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 120, (16, 16, 3), np.uint8) + np.array([90*warm, 0, 90*(not warm)], np.uint8)).save(path)

@pytest.fixture
def harbour(home):
    rng = np.random.default_rng(0)
    for i in range(100): paint(home/f'harbour/{("warm", "cold")[i % 2]}/{i:02d}.jpg', i % 2 == 0, rng)
    return home/'harbour'

def test_a_folder_through_every_room(harbour):
    index = get_dataset('folder').index(harbour)
    exp = Experiment(dataset='folder', root=str(harbour), labels=own_labels(index), sr='bicubic', **QUICK)
    rec = run(exp)
    assert rec.scores['f1'][0] > .9 and set(rec.classes) == {'warm', 'cold'}   # red or blue is easily learnt
    assert rec.counts == dict(train=60, val=20, test=20)
    assert rec.params['root'] == 'harbour' and str(harbour.parent) not in json.dumps(rec.params)
    assert not needs_run(exp)
    runs, = sort_runs(read_folder(Path(os.environ['SRSTUDY_RESULTS'])))         # as the pages read it
    assert list(name_settings([runs])) == ['Own images, small networks']
    assert 'Own images' in runs.provenance.data and '16 x 16 pixels' in runs.provenance.data
    single = run(Experiment(dataset='folder', root=str(harbour), labels=own_labels(index), task='singlelabel', split='fold1', **QUICK))
    assert single.counts['test'] == 20 and key(exp) != single.key

def test_a_record_of_a_folder_is_not_that_of_another(harbour):
    index = get_dataset('folder').index(harbour)
    exp = Experiment(dataset='folder', root=str(harbour), labels=own_labels(index), schedule=[[0, 1, .01]], workers=0)
    run(exp)
    assert not needs_run(exp)
    other = harbour.parent/'elsewhere/harbour'; shutil.copytree(harbour, other)
    moved = Experiment(**{f: getattr(exp, f) for f in ('labels', 'schedule', 'workers')}, dataset='folder', root=str(other))
    assert key(moved) == key(exp) and not needs_run(moved)                       # the same images
    paint(other/'warm/99.jpg', True, np.random.default_rng(1))
    assert needs_run(moved) and not needs_run(exp)

def test_the_doctor_and_its_command_look_at_pictures(harbour):
    from typer.testing import CliRunner
    said = CliRunner().invoke(app, ['doctor', str(harbour), '--dataset', 'folder', '--n', '16'])
    assert said.exit_code == 0 and 'fine  doubles' in said.output, said.output
    listed = CliRunner().invoke(app, ['data', 'list'])
    assert listed.exit_code == 0 and all(f'({n})' in listed.output for n in ('ucmerced', 'eurosat', 'folder'))

def through(index, n):
    "Take the first images of each split through store and bicubic."
    from srstudy.cards import BANDS
    from srstudy.images.pack import pack_chips
    from srstudy.sr.arms import get_sr
    from srstudy.sr.enlarge import super_resolve
    few = index.groupby('split').head(n).reset_index(drop=True)
    few.attrs = index.attrs
    chips = pack_chips(few, BANDS['rgb'], workers=0)
    images = super_resolve(get_sr('bicubic'), chips)
    for small, large in zip(chips, images):
        assert large.shape == (4*small.shape[0], 4*small.shape[1], 3)
        assert abs(small.mean() - large.mean()) < 2                              # neither darkened nor stretched
    return chips

@real
def test_real_uc_merced(home):
    from srstudy.cards import DATASETS
    from srstudy.data.pictures import load_picture
    from srstudy.data.overlaps import GROUP
    root = Path(REAL)/'ucmerced_multilabel'
    index, table = read_index('ucmerced', root), pd.read_csv(root/'labels.csv', keep_default_na=False)
    table = table.set_index(table.file.map(lambda f: Path(f).stem)).loc[index.patch_id]
    assert len(index) == DATASETS['ucmerced'].patches == 2100
    assert [set(l) for l in index.labels] == [{c for c, m in row.items() if m} for _, row in table.iloc[:, 5:].iterrows()]
    assert index.split.tolist() == table.split.tolist() and index.fold.tolist() == table.fold.tolist()
    assert [GROUP.get(n, '') for n in index.patch_id] == table.group.tolist()
    assert tuple(index.split.value_counts()[['train', 'val', 'test']]) == DATASETS['ucmerced'].splits
    odd = [p for p in index.path if Image.open(p).size != (256, 256)]
    assert len(odd) == 44 and all(load_picture(p, 256).shape == (256, 256, 3) for p in odd)
    through(index, 4)
    rec = run(Experiment(dataset='ucmerced', root=str(root), labels='ucm17', split='fold2', limit=16, **QUICK | dict(schedule=[[0, 1, .01]])))
    assert rec.counts == dict(train=16, val=16, test=16) and rec.scope['kind'] == 'other data'
    own = get_dataset('folder').index(root, cache=False)                          # the same, as a folder of one's own
    assert [set(l) for l in own.labels] == [set(l) for l in index.set_index('path').loc[own.path].labels]
    assert own.split.tolist() == index.set_index('path').loc[own.path].split.tolist()

@real
def test_real_eurosat(home):
    root = Path(REAL)/'eurosat_rgb_5600'
    index, table = read_index('eurosat', root), pd.read_csv(root/'labels.csv')
    table = table.set_index(table.file.map(lambda f: Path(f).stem)).loc[index.patch_id]
    assert len(index) == 5600 and index.attrs['counts']['absent'] == 27_000 - 5600
    assert index.single.tolist() == table['class'].tolist() and index.split.tolist() == table.split.tolist()
    assert '27,000' in get_dataset('eurosat').unlike(index)
    through(index, 4)
    rec = run(Experiment(dataset='eurosat', root=str(root), labels='eurosat10', task='singlelabel', limit=20, **QUICK | dict(schedule=[[0, 1, .01]])))
    assert rec.counts == dict(train=20, val=20, test=20) and len(rec.classes) == 10

@real
@pytest.mark.parametrize('dataset, folder', dict(ucmerced='ucmerced_multilabel', eurosat='eurosat_rgb_5600').items())
def test_the_doctor_finds_real_images_well(dataset, folder):
    table = doctor(Path(REAL)/folder, dataset, 32).set_index('check')
    assert table.fine.all(), table[~table.fine].found.to_dict()
