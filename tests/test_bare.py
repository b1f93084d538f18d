"Super-resolution on a bare machine: arms need torch and their networks' packages, and nothing of the study."
import subprocess, sys
import pytest

STUDY = ('rasterio', 'lmdb', 'sklearn', 'skimage', 'fastai', 'fastcore', 'timm', 'diffusers', 'transformers', 'pandas',
         'pyarrow', 'joblib', 'papermill', 'nbformat', 'matplotlib', 'IPython', 'huggingface_hub')
CODE = f'''
import sys
from importlib.util import find_spec
sys.modules |= dict.fromkeys({STUDY}) # a None cannot be imported
assert not any(map(find_spec, {STUDY}))
import torch, srstudy.sr
x = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
for name in ('bicubic', 'srresnet'):
    y = srstudy.sr.get_sr(name)(x)
    assert y.shape == (1, 3, 32, 32) and 0 <= y.min() and y.max() <= 1, name
    print(name)
'''

@pytest.mark.slow
def test_bicubic_and_srresnet_run_without_the_study():
    done = subprocess.run([sys.executable, '-c', CODE], capture_output=True, text=True)
    assert done.stdout.split() == ['bicubic', 'srresnet'], done.stderr
