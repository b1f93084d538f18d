"Real Sentinel-2 scenes and real land-cover maps, from files through builder, training step and map."
import json, os
from pathlib import Path
import numpy as np, pytest, rasterio
from rasterio.transform import from_bounds
from typer.testing import CliRunner

REAL = os.environ.get('SRSTUDY_REALDATA')
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not REAL, reason='SRSTUDY_REALDATA is not set: the real land-cover maps are not tested')]

# their own classes, and what CORINE would call them
SLOVENIA = {1: 211, 2: 313, 3: 231, 4: 324, 8: 112}
ESRI = {1: 512, 2: 313, 3: 411, 4: 211, 5: 112, 6: 332, 7: 335, 9: 321}

def write_slovenia(path):
    "The composite as a GeoTIFF: reflectance x 10,000, 0 where it has none."
    here = Path(REAL)/'eolearn_slovenia_s2_lulc'
    a = np.load(here/'REFERENCE_COMPOSITE_BLUE.npy')
    xy = np.array(json.loads((here/'bbox.geojson').read_text())['coordinates'][0])
    place = from_bounds(*xy.min(0), *xy.max(0), a.shape[1], a.shape[0])
    refl = np.nan_to_num(a*10_000).clip(0, 65_535).round().astype(np.uint16).transpose(2, 0, 1)
    with rasterio.open(path, 'w', driver='GTiff', count=13, height=a.shape[0], width=a.shape[1], dtype='uint16',
                       crs='EPSG:32633', transform=place, nodata=0) as f: f.write(refl)
    return here, refl[[3, 2, 1]], np.load(here/'LULC.npy')[..., 0]

def train_and_map(chips, src, dst, labels, bands, side, offset=None):
    "One epoch of a U-Net on real chips, and the map of the scene they were cut from."
    from srstudy.cards import BANDS
    from srstudy.data.index import read_index
    from srstudy.learn.landmap import draw_map
    from srstudy.learn.classifiers import get_classifier
    from srstudy.learn.train import fit_schedule
    from srstudy.params import Experiment
    from srstudy.study.segmentation import get_map_learner
    from srstudy.study.steps import get_data
    from srstudy.study.trained import save_trained
    from srstudy.images.pack import pack_chips
    index = read_index('corine', chips); images = pack_chips(index, BANDS['rgb'])
    exp = Experiment(dataset='corine', root=str(chips), task='segmentation', labels=labels, bs=4,
                     encoder='params/corine/level1.yaml')
    dls = get_data(exp, index, images)
    learn = get_map_learner(exp, dls, get_classifier('resnet50', 5))
    fit_schedule(learn, [(0, 1, .003)])
    assert np.isfinite(learn.history.losses).all() and learn.history.losses
    assert images[0].shape == (side, side, 3)
    return draw_map(src, dst, save_trained(exp, learn), bands=bands, offset=offset)

def test_slovenia_polygons_through_builder_training_and_map(home):
    from srstudy.data.chips import load_codes, make_chips
    here, rgb, lulc = write_slovenia(home/'slovenia.tif')
    found = make_chips(home/'slovenia.tif', here/'LULC.gpkg', home/'chips', size=24, bands=(4, 3, 2),
                       legend=SLOVENIA, column='LULC_ID')
    want = np.zeros(lulc.shape, np.uint16)
    for value, code in SLOVENIA.items(): want[lulc == value] = code
    want[~(rgb > 0).all(0)] = 0
    same = total = 0
    for p in found.itertuples():
        rows, cols = slice(24*p.row, 24*p.row + 24), slice(24*p.col, 24*p.col + 24)
        mask = load_codes(home/'chips'/p.mask)
        with rasterio.open(home/'chips'/p.image) as f: image = f.read()
        assert np.array_equal(image[:, mask > 0], rgb[:, rows, cols][:, mask > 0])
        same += (mask == want[rows, cols]).sum(); total += mask.size
    assert same/total > .97, same/total         # the mask was drawn by others, from the same polygons
    shares = train_and_map(home/'chips', home/'slovenia.tif', home/'land.tif', 'clc3', (4, 3, 2), 24)
    with rasterio.open(home/'land.tif') as f, rasterio.open(home/'slovenia.tif') as g:
        assert (f.crs, f.transform, f.shape) == (g.crs, g.transform, g.shape)
        assert np.array_equal(f.read(1) > 0, (rgb > 0).any(0))
    assert abs(sum(shares.values()) - 1) < 1e-6

@pytest.mark.parametrize('name,offset', [('282D_485L_3_3', 0), ('433D_629L_3_1', 1000)])
def test_chips_with_a_land_cover_raster_go_the_same_way(home, name, offset):
    from srstudy.data.chips import load_codes, make_chips
    here = Path(REAL)/'terramesh_s2_lulc'
    src, lulc = here/f'S2L2A/{name}.tif', here/f'LULC/{name}.tif'
    found = make_chips(src, lulc, home/'chips', size=32, bands=(4, 3, 2), offset=offset, legend=ESRI)
    with rasterio.open(src) as f: rgb = f.read([4, 3, 2]).astype(int)
    with rasterio.open(lulc) as f: truth = f.read(1)
    assert len(found) == 49
    p = found.iloc[24]; rows, cols = slice(32*p['row'], 32*p['row'] + 32), slice(32*p['col'], 32*p['col'] + 32)
    mask = load_codes(home/'chips'/p['mask'])
    assert all(set(mask[truth[rows, cols] == v]) <= {0, c} for v, c in ESRI.items()) and (mask > 0).any()
    with rasterio.open(home/'chips'/p['image']) as f: image = f.read()
    assert np.array_equal(image[:, mask > 0], (rgb[:, rows, cols] - offset).clip(1)[:, mask > 0])
    shares = train_and_map(home/'chips', src, home/'land.tif', 'clc1', (4, 3, 2), 32, offset)
    assert set(shares) <= {1, 2, 3, 4, 5} and abs(sum(shares.values()) - 1) < 1e-6

def test_the_commands_answer(home):
    from srstudy.cli import app
    here, rgb, _ = write_slovenia(home/'slovenia.tif')
    legend = home/'legend.yaml'; legend.write_text('\n'.join(f'{v}: {c}' for v, c in SLOVENIA.items()))
    args = ['chips', str(home/'slovenia.tif'), str(here/'LULC.gpkg'), str(home/'chips'), '--size', '20',
            '--bands', '4,3,2', '--column', 'LULC_ID', '--legend', str(legend), '--image', 'png']
    res = CliRunner().invoke(app, args)
    assert res.exit_code == 0 and '25 chips' in res.output, res.output
    assert len(list((home/'chips/images').glob('*.png'))) == 25
    res = CliRunner().invoke(app, ['map', str(home/'slovenia.tif'), str(home/'land.tif'), '--model', 'none'])
    assert res.exit_code == 1 and 'there is no model none' in res.output
