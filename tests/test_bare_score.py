"Scores are arrays in, numbers out: numpy, scipy and pandas are all they need."
import subprocess, sys

BARE = """
import importlib, sys
BLOCKED = ('torch', 'torchvision', 'timm', 'fastai', 'fastcore', 'rasterio', 'sklearn', 'skimage',
           'matplotlib', 'lmdb', 'PIL', 'nbdev', 'IPython')
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in BLOCKED: raise ImportError(name + ' is blocked')
sys.meta_path.insert(0, Block())
try: import torch
except ImportError: pass
else: raise AssertionError('the block does not hold')

import numpy as np, srstudy.score
for name in ('multilabel', 'single', 'levels', 'pixels', 'inference', 'noise'):
    importlib.import_module(f'srstudy.score.{name}')
rng = np.random.default_rng(0)
e = srstudy.score.Evaluation(rng.random((40, 3)), rng.random((40, 3)) < .4)
assert 0 < e.scores(np.ones((1, 40), np.int32))['f1'][0] < 1
"""


def test_scores_need_arrays_only():
    done = subprocess.run([sys.executable, '-c', BARE], capture_output=True, text=True)
    assert not done.returncode, done.stderr
