"`srstudy sr` as a person types it, on real Sentinel-2 patches, through kill -9 and past its errors."
import os, subprocess, sys, time
from dataclasses import replace
from pathlib import Path
import numpy as np, pytest, rasterio, torch
from rasterio.transform import from_origin
from ready import Command
from typer.testing import CliRunner
from srstudy.cli import app
from srstudy.cards import BANDS
from srstudy.data.bands import render_rgb
from srstudy.sr.nets import build_net
from srstudy.sr.scene import upscale_scene
from srstudy.sr.arms import get_sr
from srstudy.synth.landscape import make_scene

REAL = os.environ.get('SRSTUDY_REALDATA')
pytestmark = pytest.mark.slow

def write(path, im, **kw):
    profile = dict(driver='GTiff', count=len(im), height=im.shape[1], width=im.shape[2], dtype=im.dtype, crs='EPSG:32633',
                   transform=from_origin(404_400, 5_342_400, 10, 10))
    with rasterio.open(path, 'w', **profile | kw) as f: f.write(im)
    return path

@pytest.fixture
def scene(tmp_path):
    "Noise of 96 x 80 pixels, most of it below white."
    return write(tmp_path/'scene.tif', np.random.default_rng(0).integers(1, 2200, (3, 96, 80)).astype(np.uint16))

def sr(*args): return Command('srstudy', 'sr', *args, cwd='.', env=os.environ).done()
def enlarge(a): return a.repeat(4, -2).repeat(4, -1)

@pytest.mark.skipif(not REAL, reason='SRSTUDY_REALDATA is not set: no real Sentinel-2 patch goes through srstudy sr')
@pytest.mark.parametrize('arm', ['nearest', 'srresnet', 'hat'])
def test_real_patches_come_out_georeferenced(arm, tmp_path):
    patches = sorted((Path(REAL)/'bigearthnet_v1_patches/S2').iterdir())[:3 if arm == 'nearest' else 1]
    for patch in patches:
        bands = [rasterio.open(patch/f'{patch.name}_{b}.tif') for b in ('B04', 'B03', 'B02')]
        im = np.concatenate([b.read() for b in bands])
        src = write(tmp_path/f'{patch.name}.tif', im, crs=bands[0].crs, transform=bands[0].transform)
        dst = tmp_path/f'{patch.name}_sr.tif'
        done = sr(src, dst, '--arm', arm, '--tile', 64)
        assert done.returncode == 0, done.stderr
        assert ('to demonstrate' in done.stderr) == (arm != 'nearest')
        bright = (im > 2000).any(0).mean()
        assert f'{bright:.1%} of the pixels are brighter than 2000' in done.stdout, done.stdout
        with rasterio.open(dst) as f:
            out = f.read()
            assert f.crs == bands[0].crs and f.bounds == bands[0].bounds and f.res == (2.5, 2.5)
            assert f.shape == (480, 480) and f.dtypes == ('uint16',)*3 and f.descriptions == ('Red', 'Green', 'Blue')
            assert f.tags(ns='IMAGE_STRUCTURE')['LAYOUT'] == 'COG' and f.tags()['SRSTUDY_ARM'] == arm
        if arm == 'nearest': assert (out == enlarge(im.clip(0, 2000))).all()
        # every arm keeps the mean colour of a patch: what it invents are details
        assert abs(out.mean((1, 2)) - im.clip(0, 2000).mean((1, 2))).max() < 60

def test_the_8_bit_rendering_is_that_of_the_study(scene, tmp_path):
    done = sr(scene, tmp_path/'out.tif', '--arm', 'nearest', '--rgb8', '--white', 3000)
    assert done.returncode == 0, done.stderr
    with rasterio.open(scene) as a, rasterio.open(tmp_path/'out.tif') as b:
        assert (b.read() == enlarge(render_rgb(a.read(), 3000))).all()

def test_kill_9_and_go_on(scene, tmp_path):
    args = '--arm', 'hat', '--tile', 16, '--overlap', 8
    p = Command('srstudy', 'sr', scene, tmp_path/'out.tif', *args, cwd='.', env=os.environ)
    parts = tmp_path/'out.tif.parts'
    while len(list(parts.glob('[0-9]*.tif'))) < 3:
        assert p.running, 'it ended before it could be killed'
        time.sleep(.01)
    p.kill(); p.end()
    left = {q.name: q.stat().st_mtime_ns for q in parts.glob('[0-9]*.tif')}
    assert 3 <= len(left) < 30 and not (tmp_path/'out.tif').exists()
    done = sr(scene, tmp_path/'out.tif', *args)
    assert done.returncode == 0 and f'{len(left)}/30' in done.stderr, done.stderr      # the bar begins where it was
    assert not parts.exists()
    assert sr(scene, tmp_path/'straight.tif', *args).returncode == 0
    assert (tmp_path/'out.tif').read_bytes() == (tmp_path/'straight.tif').read_bytes()

def test_other_settings_start_anew(scene, tmp_path):
    parts = tmp_path/'out.tif.parts'; parts.mkdir()
    (parts/'job.json').write_text('{"white": 3000}'); (parts/'0_0.tif').write_text('of another job')
    done = sr(scene, tmp_path/'out.tif', '--arm', 'nearest')
    assert done.returncode == 0 and 'starting anew' in done.stderr
    with rasterio.open(scene) as a, rasterio.open(tmp_path/'out.tif') as b: assert (b.read() == enlarge(a.read().clip(0, 2000))).all()

def seam(path, border):
    "Compare the steps across the borders of tiles with the steps at the same places of their 32-pixel blocks."
    with rasterio.open(path) as f: a = f.read().astype(float)
    def ratio(axis):
        step = np.abs(np.diff(a, axis=axis)).mean((0, 3 - axis)); at = np.arange(1, len(step) + 1)
        there = at % border == 0
        return step[there].mean()/step[(at % 32 == 0) & ~there].mean()
    return ratio(1), ratio(2)

def test_a_diffusion_model_leaves_no_seams(tmp_path):
    "SeeSR draws neighbouring pieces differently; that shows where they are cut, and must not where they are blended."
    bands = make_scene(5, 96).bands; sr = get_sr('seesr')
    src = write(tmp_path/'scene.tif', np.stack([bands[k][:64] for k in BANDS['rgb']]))
    options = dict(sr=sr, tile=32, overlap=16)
    upscale_scene(src, tmp_path/'blended.tif', **options)
    sr.arm = replace(sr.arm, stochastic=False) # tiles of such an arm are cut
    upscale_scene(src, tmp_path/'cut.tif', **options)
    blended, cut = seam(tmp_path/'blended.tif', 128), seam(tmp_path/'cut.tif', 128)
    assert .7 < min(blended) and max(blended) < 1.2 and max(cut) > 2, (blended, cut)

def test_full_width_srresnet_in_two_gigabytes(tmp_path):
    "One tile with its whole margin, 160 + 2*32 pixels, is the most that is ever computed; more tiles take no more."
    torch.save(build_net('srresnet', 'full').state_dict(), tmp_path/'random.pth')
    src = write(tmp_path/'scene.tif', np.full((3, 224, 224), 700, np.uint16))
    # ru_maxrss would not do: it is handed down by the process that starts this one, and pytest is large
    code = ('import re, sys; from pathlib import Path; from srstudy.cli import app\n'
            'try: app(sys.argv[1:])\n'
            'finally: print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])')
    args = 'sr', src, tmp_path/'out.tif', '--arm', 'srresnet', '--width', 'full', '--weights', tmp_path/'random.pth', '--tile', 224, '--overlap', 0
    p = subprocess.run([sys.executable, '-c', code, *map(str, args)], capture_output=True, text=True)
    assert p.returncode == 0, p.stderr
    assert int(p.stdout.split()[-1]) < 2*2**20, f'{int(p.stdout.split()[-1])/2**20:.2f} GiB'

@pytest.mark.parametrize('args, sentence', [
    ('scene.tif out.tif --arm hta', "unknown sr 'hta'; did you mean 'hat'?"),
    ('scene.tif out.tif --arm hat --width full', 'weights'),
    ('scene.tif scene.tif --arm nearest', 'written over by its own result'),
    ('scene.tif no/out.tif --arm nearest', 'the folder no does not exist'),
    ('no.tif out.tif --arm nearest', 'no.tif does not exist'),
    ('text.tif out.tif --arm nearest', 'not an image that GDAL can read'),
    ('cut.tif out.tif --arm nearest', 'cut.tif is damaged: rows'),
    ('many.tif out.tif --arm nearest', 'many.tif has 4 bands, expected 3'),
    ('many.tif out.tif --arm nearest --bands 1,2,9', 'expected three numbers from 1 to 4'),
    ('percent.tif out.tif --arm nearest', 'neither reflectance from 0 to 1'),
    ('scene.tif out.tif --arm nearest --offset 1500', 'give --offset 0 if it was taken off before'),
    ('scene.tif out.tif --arm nearest --white 0', 'expected a white from 1 to 65535')])
def test_errors_are_sentences(args, sentence, scene, tmp_path, monkeypatch):
    with rasterio.open(scene) as f: im = f.read()
    write(tmp_path/'many.tif', np.concatenate([im, im[:1]]), photometric='MINISBLACK'); write(tmp_path/'percent.tif', im.astype(np.float32)/100)
    (tmp_path/'text.tif').write_text('x'); (tmp_path/'cut.tif').write_bytes(scene.read_bytes()[:20_000])
    before = sorted(tmp_path.iterdir()); monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ['sr', *args.split()])
    assert done.exit_code == 1 and done.stderr.splitlines()[-1].startswith('error: ') and sentence in done.stderr, done.output
    assert sorted(tmp_path.iterdir()) == before

def test_no_coordinate_system_is_a_warning(scene, tmp_path):
    with rasterio.open(scene) as f: im = f.read()
    bare = write(tmp_path/'bare.tif', im, crs=None)
    done = sr(bare, tmp_path/'out.tif', '--arm', 'nearest')
    assert done.returncode == 0 and f'note: {bare} has no coordinate system' in done.stderr
    with rasterio.open(tmp_path/'out.tif') as f: assert f.crs is None and f.res == (2.5, 2.5)

def test_a_tile_that_does_not_fit_is_refused_with_one_that_does(tmp_path):
    src = write(tmp_path/'wide.tif', np.ones((3, 40_000, 10), np.uint16), compress='deflate', tiled=True, blockxsize=16, blockysize=4096)
    done = sr(src, tmp_path/'out.tif', '--arm', 'srresnet', '--tile', 4_000_000)
    assert done.returncode == 1 and 'error: not enough memory for tiles of' in done.stderr and 'try --tile' in done.stderr, done.stderr
    assert 'Traceback' not in done.stderr
    assert not (tmp_path/'out.tif.parts').exists()

def test_an_output_that_has_moved_is_told(scene, tmp_path):
    "An arm that moves what it draws by two of its pixels, half a pixel of the input, is caught; bicubic is not."
    from srstudy.sr.scenes import upscale_scenes
    bands = make_scene(0, 96).bands
    src = write(tmp_path/'drawn.tif', np.stack([bands[k] for k in BANDS['rgb']]))
    moves = get_sr('bicubic'); f = moves.arm.f
    with pytest.warns(UserWarning, match='lies 0.5. pixels of the input beside it'):
        moves.arm = replace(moves.arm, f=lambda x, names: torch.roll(f(x, names), 2, -1))
        (made,) = upscale_scenes([src], tmp_path/'moved.tif', moves)
    assert abs(made['shift'][0]) < .05 and abs(made['shift'][1] - .5) < .05
    done = sr(src, tmp_path/'out.tif', '--arm', 'bicubic', '--trust', tmp_path/'trust.tif')
    assert done.returncode == 0 and 'shift 0.00 down, 0.00 right' in done.stdout and 'beside it' not in done.stderr, done.stdout
    with rasterio.open(tmp_path/'trust.tif') as t, rasterio.open(src) as s: assert (t.shape, t.bounds, t.crs) == (s.shape, s.bounds, s.crs)

def test_several_scenes_with_one_bar(scene, tmp_path):
    other = write(tmp_path/'other.tif', np.full((3, 64, 64), 700, np.uint16)); (tmp_path/'out').mkdir()
    done = sr(scene, other, tmp_path/'out', '--arm', 'nearest', '--tile', 32)
    assert done.returncode == 0 and '13/13' in done.stderr and len(done.stdout.splitlines()) == 2, done.stderr
    assert {p.name for p in (tmp_path/'out').iterdir()} == {'scene_nearest.tif', 'other_nearest.tif'}
    wrong = sr(scene, other, tmp_path/'out.tif', '--arm', 'nearest')
    assert wrong.returncode == 1 and 'expected a folder' in wrong.stderr.splitlines()[-1]
