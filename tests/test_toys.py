"A data set, an arm and a classifier of one's own: each is one row in the cards and one loader, and the study runs them together."
import numpy as np, pandas as pd, pytest, torch.nn.functional as F
from torch import nn
from srstudy.cards import ARMS, CLASSIFIERS, DATASETS, ArchCard, ArmCard, DatasetCard
from srstudy.data.dataset import Dataset
from srstudy.learn.classifiers import ArchSpec
from srstudy.params import Experiment, run_name
from srstudy.sr.arms import Arm, get_sr
from srstudy.study import run
from srstudy.study.record import read_record, results_dir

# the data set: squares of 12 x 12 pixels, bright or dark
def draw(root, n=60):
    rng = np.random.default_rng(0)
    for i in range(n): np.save(root/f'{i:03}.npy', rng.integers(100, 400, (12, 12, 3)).astype(np.uint16) + 1500*(i % 2))

def read(root, cache):
    paths = sorted(root.glob('*.npy'))
    bright = ['Urban fabric', 'Pastures']
    return pd.DataFrame(dict(patch_id=[p.stem for p in paths], split=[('train', 'train', 'train', 'val', 'test')[i//2 % 5] for i in range(len(paths))],
                             labels=[[bright[i % 2]] for i in range(len(paths))], path=[str(p) for p in paths], s1_path='', truth_path=''))

SQUARES = Dataset('squares', where=lambda root: root/'index.parquet', read=read, chip=lambda row, bands: np.load(row.path),
                  files=lambda row, bands: [row.path])

# the arm: every pixel four by four times, and a little brighter
def load_brighter(name, width, weights, device, dtype):
    return Arm(lambda x, names: F.interpolate(x, scale_factor=4)*1.01)

# the classifier: the mean colour, and a linear layer
class MeanColour(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__(); self.body, self.head = nn.Conv2d(n_in, 8, 1), nn.Linear(8, n_out)
    def get_classifier(self): return self.head
    def forward_features(self, x): return self.body(x).relu()
    def forward_head(self, maps): return self.head(maps.mean((2, 3)))
    def forward(self, x): return self.forward_head(self.forward_features(x))

MEAN_COLOUR = ArchSpec(lambda n_in, n_out, width, pretrained: MeanColour(n_in, n_out))

@pytest.fixture
def toys(monkeypatch):
    monkeypatch.setitem(DATASETS, 'squares', DatasetCard('Squares', 'bright or dark', f'{__name__}:SQUARES', side=12))
    monkeypatch.setitem(ARMS, 'brighter', ArmCard('Brighter', 'a little brighter', f'{__name__}:load_brighter'))
    monkeypatch.setitem(CLASSIFIERS, 'mean_colour', ArchCard('Mean colour', loader=f'{__name__}:MEAN_COLOUR'))

def test_three_rows_and_three_loaders_run_together(toys, tmp_path, monkeypatch):
    monkeypatch.setenv('SRSTUDY_CACHE', str(tmp_path/'cache')); monkeypatch.setenv('SRSTUDY_RESULTS', str(tmp_path/'results'))
    root = tmp_path/'squares'; root.mkdir(); draw(root)
    exp = Experiment(dataset='squares', root=str(root), sr='brighter', arch='mean_colour', schedule=[[0, 20, .05]], bs=8, workers=0)
    rec = run(exp)
    assert rec.counts == dict(train=36, val=12, test=12)
    assert rec.scores['f1'][0] > .9         # bright or dark is easily learnt
    assert read_record(results_dir()/f'{run_name(exp)}.json').scores == rec.scores

def test_a_row_that_is_not_there_is_refused_with_the_choices():
    with pytest.raises(ValueError, match='choose from'): get_sr('brighter')
    with pytest.raises(ValueError, match='choose from'): Experiment(arch='mean_colour')
