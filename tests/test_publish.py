"A limit of what can be written, at many sizes: a sentence, nothing half-written, nothing lost; and what nobody asked to replace."
import json, subprocess, sys
import numpy as np, pytest, rasterio
from rasterio.transform import from_origin

TRY = '''
import json, resource, sys, warnings; from pathlib import Path; from unittest.mock import patch
import torch
from srstudy.learn.landmap import draw_map
from srstudy.sr.arms import get_sr
from srstudy.sr.scene import upscale_scene
warnings.simplefilter('ignore')
class Net(torch.nn.Module):
    def forward(self, x): return torch.cat([x, x*0 - 9], 1)[:, :5]*50
notes = dict(labels='clc1', mean=[0]*3, std=[1]*3, white=2000, key='x')
def draw(src, dst):
    with patch('srstudy.learn.landmap.find_model', return_value=src), patch('srstudy.learn.landmap.load_map_model', return_value=(Net(), notes)):
        draw_map(src, dst, 'any', tile=64, overlap=0, overwrite=True)
def enlarge(src, dst): upscale_scene(src, dst, get_sr('nearest'), tile=32, overlap=0, overwrite=True)
root = Path(sys.argv[1]); most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]; found = []
for make in (draw, enlarge):
    make(root/'scene.tif', root/'whole.tif'); size = (root/'whole.tif').stat().st_size; right = (root/'whole.tif').read_bytes()
    for share in (.01, .2, .5, .7, .9, .97, .995, 1 - 1/size):
        dst = root/f'{make.__name__}{share}.tif'; dst.write_bytes(b'older')
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(size*share), most))
        try: make(root/'scene.tif', dst); said = ''
        except (ValueError, OSError) as e: said = str(e)
        finally: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        kept = dst.read_bytes() == b'older'; left = sorted(p.name for p in root.iterdir() if p.name.startswith('.'))
        make(root/'scene.tif', dst)
        found.append(dict(share=share, make=make.__name__, said=said, kept=kept, left=left, same=dst.read_bytes() == right))
    for p in root.glob('whole*'): p.unlink()
print(json.dumps(found))
'''

@pytest.mark.slow
def test_a_limit_at_any_size_is_a_sentence(tmp_path):
    im = np.random.default_rng(0).integers(1, 2200, (3, 96, 80)).astype(np.uint16)
    with rasterio.open(tmp_path/'scene.tif', 'w', driver='GTiff', count=3, height=96, width=80, dtype='uint16', crs='EPSG:32635',
                       transform=from_origin(5e5, 6.4e6, 10, 10)) as f: f.write(im)
    done = subprocess.run([sys.executable, '-c', TRY, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for case in json.loads(done.stdout.splitlines()[-1]):
        assert case['kept'] and case['same'] and not case['left'], case
        assert any(s in case['said'] for s in ('cannot be written', 'could not be written whole')), case
        assert 'ulimit -f' in case['said'], case
