"Scenes as people have them, through `srstudy sr`, `chips` and `map`: the same pixels whatever they come as, or a sentence."
import numpy as np, pytest, rasterio, torch, zipfile
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from typer.testing import CliRunner
from srstudy.cli import app

NAME = 'S2B_MSIL2A_20220510T094031_N0509_R036_T35VMF_20220510T114819'
ESA = [f'T35VMF_20220510T094031_{b}_10m' for b in ('B04', 'B03', 'B02')]
N = 48
rng = np.random.default_rng(0)
TRUTH = np.rint(np.array([798, 649, 382])[:, None, None]*rng.gamma(6, 1/6, (3, N, N))).clip(1, 1999).astype(np.uint16)
TRUTH[:, :9, :12] = 0
ADDED = np.where(TRUTH, TRUTH + 1000, 0).astype(np.uint16)
FRACTIONS = (TRUTH/1e4).astype(np.float32)
HOLES = np.where(TRUTH.any(0), FRACTIONS, np.nan).astype(np.float32)
SIGNED = np.where(TRUTH.any(0), TRUTH, -9999).astype(np.int16)
FOUR = np.concatenate([TRUTH, TRUTH[:1]*2])

def write(path, a, names=(), colours=(), scales=None, offsets=None, gcps=None, **kw):
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = dict(driver='GTiff', count=len(a), height=N, width=N, dtype=a.dtype, crs='EPSG:32635',
                   transform=from_origin(500_000, 6_400_000, 10, 10))
    with rasterio.open(path, 'w', **profile | kw) as f:
        f.write(a)
        if names: f.descriptions = names
        if colours: f.colorinterp = [ColorInterp[c] for c in colours]
        if scales: f.scales = scales
        if offsets: f.offsets = offsets
        if gcps: f.gcps = gcps, rasterio.CRS.from_epsg(4326)
    return path

def bands(folder, a, names=ESA, end='tif', **kw):
    for n, band in zip(names, a): write(folder/f'{n}.{end}', band[None], **kw)
    return folder

def safe(d):
    at = d/f'{NAME}.SAFE/GRANULE/L2A_T35VMF_A027033_20220510T094030/IMG_DATA/R10m'
    bands(at, ADDED, end='jp2', driver='JP2OpenJPEG', QUALITY='100', REVERSIBLE='YES')
    (d/f'{NAME}.SAFE/MTD_MSIL2A.xml').write_text('<a><BOA_ADD_OFFSET band_id="1">-1000</BOA_ADD_OFFSET></a>')
    return d/f'{NAME}.SAFE'

def packed(d):
    with zipfile.ZipFile(d/'got.zip', 'w') as z:
        for p in safe(d).rglob('*'): z.write(p, p.relative_to(d))
    return d/'got.zip'

def hidden(d):
    (bands(d/'mac', TRUTH, ['B4', 'B3', 'B2'])/'._B4.tif').write_text('x')
    return d/'mac'

# row of the list of reports -> how it is made, what is asked
WAYS = {
    'plain': (lambda d: write(d/'a.tif', TRUTH), ''), '1 bands of a product': (lambda d: bands(d/'x', ADDED), ''),
    '1 inside of it': (lambda d: next(safe(d).rglob('R10m')), ''),
    '2 scale and offset': (lambda d: write(d/'a.tif', ADDED, scales=[1e-4]*3, offsets=[-.1]*3), ''),
    '2 of each band': (lambda d: bands(d/'x', ADDED, ('B04', 'B03', 'B02'), scales=[1e-4], offsets=[-.1]), ''),
    '4 asked': (lambda d: write(d/'a.tif', ADDED), '--offset 1000'),
    '4 harmonised': (lambda d: write(d/f'{NAME}.tif', TRUTH), ''),
    '5 fractions in files': (lambda d: bands(d/'x', FRACTIONS, ('B04', 'B03', 'B02')), ''),
    '7 not a number': (lambda d: write(d/'a.tif', HOLES, nodata=np.nan), ''),
    '7 signed': (lambda d: write(d/'a.tif', SIGNED, nodata=-9999), ''), '7 undeclared': (lambda d: write(d/'a.tif', SIGNED), ''),
    '8 by name': (lambda d: write(d/'a.tif', TRUTH[::-1], names=['B2', 'B3', 'B4']), ''),
    '8 by colour': (lambda d: write(d/'a.tif', TRUTH[::-1], colours=['blue', 'green', 'red']), ''),
    '9 asked': (lambda d: write(d/'a.tif', FOUR), '--bands 1,2,3'),
    '37 SAFE': (safe, ''), '37 zip': (packed, ''), '37 metadata': (lambda d: safe(d)/'MTD_MSIL2A.xml', ''),
    '38 names': (hidden, ''), 'its name is no baseline': (lambda d: write(d/'_N0509_/a.tif', TRUTH), '')}

def run(*args):
    return CliRunner().invoke(app, [str(a) for a in args])

@pytest.mark.parametrize('way', WAYS)
def test_whatever_it_comes_as(way, tmp_path):
    make, asked = WAYS[way]; src = make(tmp_path); valid = TRUTH.any(0)
    done = run('sr', src, tmp_path/'out.tif', '--arm', 'nearest', *asked.split())
    assert done.exit_code == 0 and 'read: ' in done.stderr and 'offset' in done.stderr, done.output
    with rasterio.open(tmp_path/'out.tif') as f: out, mask = f.read(), f.read_masks(1)
    grown = lambda a: a.repeat(4, -2).repeat(4, -1)
    assert ((mask > 0) == grown(valid)).all() and np.abs(out - grown(TRUTH).astype(int))[:, grown(valid)].max() <= 1
    clc = write(tmp_path/'clc.tif', np.full((1, N, N), 211, np.uint16))
    done = run('chips', src, clc, tmp_path/'chips', '--size', N, '--legend', 'codes', *asked.split())
    assert done.exit_code == 0 and 'read: ' in done.stderr, done.output
    with rasterio.open(next((tmp_path/'chips/images').iterdir())) as f: chip = f.read()
    assert np.abs(chip.astype(int) - TRUTH).max() <= 1
    # what is written is read again as what it is
    done = run('sr', tmp_path/'out.tif', tmp_path/'again.tif', '--arm', 'none')
    assert done.exit_code == 0 and 'offset 0 (made by srstudy)' in done.stderr, done.output
    with rasterio.open(tmp_path/'again.tif') as f: assert (f.read() == out).all()

def test_a_map_of_what_was_added_is_that_without(tmp_path, monkeypatch):
    from srstudy.learn import landmap
    net = lambda x: torch.cat([x.mean(1, keepdim=True)*k - k*k/20 for k in range(5)], 1) # brighter is a later class
    notes = dict(white=2000, mean=[0.]*3, std=[1.]*3, labels='clc1', key='x')
    monkeypatch.setattr(landmap, 'find_model', lambda model: __file__)
    monkeypatch.setattr(landmap, 'load_map_model', lambda model, device: (net, notes))
    drawn = {}
    for way in ('plain', '1 bands of a product', '2 scale and offset', '5 fractions in files', '8 by name', '37 zip'):
        home = tmp_path/way.replace(' ', '_'); home.mkdir()
        done = run('map', WAYS[way][0](home), home/'map.tif', '--model', 'x')
        assert done.exit_code == 0 and 'read: ' in done.stderr, done.output
        with rasterio.open(home/'map.tif') as f: drawn[way] = f.read(1)
    plain = drawn.pop('plain')
    assert len(np.unique(plain)) > 2 and all((a == plain).mean() > .999 for a in drawn.values())

def test_pictures(tmp_path):
    eight = (TRUTH//8).clip(1, 255).astype(np.uint8)
    alpha = np.where(TRUTH.any(0), 255, 0).astype(np.uint8)[None]
    shine = (eight[:1]//2*(np.arange(N) % 3 > 0)).astype(np.uint8) # near infrared, black over water
    for stored, gone in ((alpha, ~TRUTH.any(0)), (shine, np.zeros((N, N), bool))):
        src = write(tmp_path/'a.tif', np.concatenate([eight, stored]), photometric='RGB', alpha='YES')
        done = run('sr', src, tmp_path/'out.tif', '--arm', 'none')
        assert done.exit_code == 0 and ('not taken as a mask' in done.stderr) == (stored is shine), done.output
        with rasterio.open(tmp_path/'out.tif') as f:
            assert (f.read() == np.where(gone, 0, eight)).all() and ((f.read_masks(1) == 0) == gone).all()
        (tmp_path/'out.tif').unlink()
        clc = write(tmp_path/'clc.tif', np.full((1, N, N), 211, np.uint16))
        for k, asked in enumerate(('', '--bands 1,2,3')):
            done = run('chips', src, clc, tmp_path/f'{stored is shine}{k}', '--size', N, '--legend', 'codes', *asked.split())
            assert done.exit_code == 0, done.output
    framed = write(tmp_path/'T35VMF_20220510T094031_TCI_10m.tif', np.where(TRUTH.any(0), eight, 0).astype(np.uint8))
    assert run('sr', framed, tmp_path/'tci.tif', '--arm', 'nearest').exit_code == 0
    with rasterio.open(tmp_path/'tci.tif') as f: assert (f.read_masks(1)[::4, ::4] > 0).sum() == TRUTH.any(0).sum()

def test_one_band_and_control_points(tmp_path):
    grey = write(tmp_path/'grey.tif', TRUTH[:1])
    done = run('sr', grey, tmp_path/'out.tif', '--arm', 'nearest')
    assert done.exit_code == 1 and '--bands 1,1,1' in done.stderr, done.output
    assert run('sr', grey, tmp_path/'out.tif', '--arm', 'nearest', '--bands', '1,1,1').exit_code == 0 # the advice
    points = [GroundControlPoint(r, c, 10 + c/N, 50 - r/N, 0.) for r in (0, N) for c in (0, N)]
    src = write(tmp_path/'s1.tif', TRUTH, crs=None, transform=None, gcps=points)
    done = run('sr', src, tmp_path/'gcps.tif', '--arm', 'nearest')
    assert done.exit_code == 0 and 'no coordinate system' not in done.stderr, done.output
    with rasterio.open(tmp_path/'gcps.tif') as f: found, crs = f.gcps
    assert crs.to_epsg() == 4326 and [(p.row, p.col, p.x, p.y) for p in found] == [(4*p.row, 4*p.col, p.x, p.y) for p in points]

@pytest.mark.parametrize('make, sentence', [
    (lambda d: write(d/'a.tif', ADDED), 'give --offset 1000'),
    (lambda d: bands(d/'x', ADDED, [n.replace('2022', '2018') for n in ESA]), 'give --offset 1000'),
    (lambda d: write(d/'a.tif', FRACTIONS*100), 'neither reflectance from 0 to 1'),
    (lambda d: write(d/'a.tif', (TRUTH > 600).astype(np.uint16)), 'below .0001'),
    (lambda d: write(d/'a.tif', np.minimum(TRUTH*60., 65_535).astype(np.uint16)), 'above 1.6'),
    (lambda d: write(d/'a.tif', FOUR), 'has 4 bands, expected 3'),
    (lambda d: write(d/'a.tif', TRUTH, names=['B8', 'B4', 'B3']), 'called B08, B04, B03')])
def test_what_nobody_can_know_is_asked(make, sentence, tmp_path):
    src = make(tmp_path); clc = write(tmp_path/'clc.tif', np.full((1, N, N), 211, np.uint16))
    for command in (('sr', src, tmp_path/'out.tif', '--arm', 'nearest'), ('chips', src, clc, tmp_path/'chips', '--size', N, '--legend', 'codes')):
        done = run(*command)
        assert done.exit_code == 1 and sentence in done.stderr, done.output
    assert not (tmp_path/'out').exists()
