"""Real checkpoints and real Sentinel-2 images: do the networks give the numbers they are known for, and what do they do from orbit?"""
import hashlib, os, re
from pathlib import Path
import numpy as np, pandas as pd, pytest, rasterio, torch
from PIL import Image
from srstudy.cards import BANDS
from srstudy.data.bands import render_rgb
from srstudy.data.bigearthnet import load_bands
from srstudy.sr.fidelity import fidelity, psnr_y, wald_pair
from srstudy.sr.arms import SCALE, get_sr

WEIGHTS, DATA = os.environ.get('SRSTUDY_REALWEIGHTS'), os.environ.get('SRSTUDY_REALDATA')
pytestmark = [
    pytest.mark.skipif(not WEIGHTS, reason='SRSTUDY_REALWEIGHTS is not set: no published SR checkpoint is tested'),
    pytest.mark.filterwarnings('ignore::rasterio.errors.NotGeoreferencedWarning')]
needs_data = pytest.mark.skipif(not DATA, reason='SRSTUDY_REALDATA is not set: no real Sentinel-2 image is tested')

REGRESSION, GAN, LARGE = ('dctlsa_x4', 'ditn_real_x4'), 'realesr-general-x4v3', 'realesrgan_x4plus_fp16'
PLAIN, MINI = ('nearest', 'bicubic', 'lanczos'), ('srresnet', 'hat', 'realesrgan')

@pytest.fixture(scope='module')
def nets():
    "The published networks, as arms of the study."
    here = {p.stem: p for p in Path(WEIGHTS).glob('*x4*.safetensors')}
    assert set(here) == {*REGRESSION, GAN, LARGE}
    return {n: get_sr('any', weights=here[n]) for n in REGRESSION} | {GAN: get_sr('realesr_general', 'full', weights=here[GAN])}

def enlarge(sr, images):
    "Super-resolve 8-bit images (N,h,w,3) as the store does."
    x = torch.tensor(images).permute(0, 3, 1, 2)/255
    return torch.cat([sr(b) for b in x.split(4)]).mul(255).round().byte().permute(0, 2, 3, 1).numpy()

def test_the_files_are_the_listed_ones():
    for line in (Path(WEIGHTS)/'SHA256SUMS').read_text().splitlines():
        sha, name = line.split()
        assert hashlib.sha256((Path(WEIGHTS)/name).read_bytes()).hexdigest() == sha, name

def test_published_networks_give_their_known_psnr(nets, capsys):
    "On three photographs, reduced by bicubic with antialiasing; the expected values are read from PROVENANCE.md."
    from skimage import data
    text = (Path(WEIGHTS)/'PROVENANCE.md').read_text()
    known = {n: float(re.search(rf'^\| {n} .*\| (\d+\.\d+)[^|]*\|$', text, re.M)[1]) for n in nets}
    known['bicubic'] = float(re.search(r'bicubic up-sampling (\d+\.\d+) dB', text)[1])
    found = {n: [] for n in known}
    for photo in (data.astronaut(), data.chelsea(), data.coffee()):
        h, w = (n//SCALE for n in photo.shape[:2])
        truth = photo[None, :SCALE*h, :SCALE*w]
        small = Image.fromarray(truth[0]).resize((w, h), Image.BICUBIC)
        images = {n: enlarge(sr, np.asarray(small)[None]) for n, sr in nets.items()}
        images['bicubic'] = np.asarray(small.resize((SCALE*w, SCALE*h), Image.BICUBIC))[None]
        for n, x in images.items(): found[n].append(psnr_y(x, truth)[0])
    found = {n: np.mean(v) for n, v in found.items()}
    with capsys.disabled(): print('\n', pd.DataFrame(dict(found=found, known=known)).round(3).to_string())
    for n in known: assert abs(found[n] - known[n]) < .05, n
    for n in REGRESSION: assert found[n] > found['bicubic'] + 1
    assert found[GAN] < found['bicubic'] - .5

def test_paper_1s_own_realesrgan_draws():
    "RealESRGAN_x4plus on a part of a photograph: sharper than bicubic, and further from the truth."
    from skimage import data
    truth = data.astronaut()[None, :256, 128:384]
    small = np.asarray(Image.fromarray(truth[0]).resize((64, 64), Image.BICUBIC))[None]
    images = {'bicubic': enlarge(get_sr('bicubic'), small),
              LARGE: enlarge(get_sr('realesrgan', 'full', weights=Path(WEIGHTS)/f'{LARGE}.safetensors'), small)}
    found = {n: psnr_y(x, truth)[0] for n, x in images.items()}
    edges = {n: np.abs(np.diff(x.astype(float), axis=2)).mean() for n, x in images.items()}
    assert 18 < found[LARGE] < found['bicubic'] - .5, found
    assert edges[LARGE] > 1.1*edges['bicubic'], edges

def read_dsen2(side=144):
    "Return red, green and blue of the 10 m bands, in tiles; the file is in MATLAB's order, transposed."
    path = next(Path(DATA, 'dsen2_s2_multires').glob('*T33UUB.mat'))
    with rasterio.open(f'HDF5:"{path}"://im10') as f: refl = f.read([1, 2, 3]).transpose(2, 1, 0)
    n = refl.shape[0]//side
    tiles = refl[:n*side, :n*side].reshape(n, side, n, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    return render_rgb(tiles)

def read_terramesh(product, bands, offset=lambda name: 0):
    def read(path):
        with rasterio.open(path) as f: return np.moveaxis(f.read(bands), 0, -1) - offset(path.name)
    return np.stack([read(p) for p in sorted(Path(DATA, 'terramesh_s2_lulc', product).glob('*.tif'))])

def read_ben():
    return np.stack([render_rgb(load_bands(p, BANDS['rgb'])) for p in sorted(Path(DATA, 'bigearthnet_v1_patches/S2').iterdir())])

# the offset of processing baseline 04.00, which one of the L2A chips still carries
SOURCES = dict(dsen2=read_dsen2, terramesh_rgb=lambda: read_terramesh('S2RGB', [1, 2, 3]),
               terramesh_l2a=lambda: render_rgb(read_terramesh('S2L2A', [4, 3, 2], lambda name: 1000*name.startswith('433D')).clip(0)),
               bigearthnet=read_ben)

@needs_data
@pytest.mark.parametrize('source', SOURCES)
def test_walds_protocol_on_sentinel(source, nets, capsys):
    "What each arm does from 40 m to 10 m: said as it is, asserted where it is clear."
    lr, truth = wald_pair(SOURCES[source]())
    assert truth.dtype == np.uint8 and truth.std() > 5, 'an image with something to see'
    arms = {n: get_sr(n) for n in (*PLAIN, *MINI)} | nets
    images = {n: enlarge(sr, lr) for n, sr in arms.items()}
    for n, x in images.items(): assert x.shape == truth.shape and x.dtype == np.uint8, n
    scores = {n: fidelity(x, truth, lr) for n, x in images.items()}
    for n, s in scores.items(): assert all(np.isfinite(v).all() and len(v) == len(truth) for v in s.values()), n
    table = pd.DataFrame({n: {k: v.mean() for k, v in s.items()} for n, s in scores.items()}).T
    gain = table.psnr - table.psnr['bicubic']
    with capsys.disabled():
        print(f'\n{source}: {len(truth)} images of {truth.shape[1:3]}\n{table.round(3).to_string()}')
        for n in REGRESSION: print(f'{n} {"beats" if gain[n] > 0 else "does not beat"} bicubic: {gain[n]:+.2f} dB')
    # margins of a decibel or half of one: nets trained for fidelity gain, whatever the product; copying pixels loses
    for n in (*REGRESSION, 'srresnet'): assert gain[n] > .1, n
    for n in ('nearest', 'realesrgan'): assert gain[n] < -.1, n
    for n in REGRESSION:
        assert table.ssim[n] > table.ssim['bicubic'] and table.psnr[n] > table.psnr[GAN]
        assert table.hallucination[GAN] > table.hallucination[n] + .05, 'the GAN draws more that is false'

@needs_data
def test_real_patches_through_real_networks(nets, capsys):
    "From 10 m to 2.5 m there is no truth: the images must be whole, and seen from afar be their input."
    lr = read_ben()[:3]
    contrast = lr.std((1, 2, 3))/255
    found = {}
    for n, sr in nets.items():
        x = sr(torch.tensor(lr).permute(0, 3, 1, 2)/255)
        assert x.shape == (3, 3, 480, 480) and x.isfinite().all() and 0 <= x.min() and x.max() <= 1, n
        found[n] = fidelity(x.permute(0, 2, 3, 1).numpy(), None, lr, 'area')['consistency']
        assert (found[n] < contrast/4).all(), n
    with capsys.disabled(): print('\n', pd.DataFrame(found | dict(contrast=contrast)).round(4).to_string())
    for n in REGRESSION: assert (found[n] < found[GAN]).all(), n
