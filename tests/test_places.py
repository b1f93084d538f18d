"Grids turned, upside down, over a pole and across the antimeridian: every pixel keeps its place in sr, chips and map."
from types import SimpleNamespace
from unittest.mock import patch
import numpy as np, pyogrio, pytest, rasterio, shapely, torch
from rasterio import Affine
from rasterio.crs import CRS
from rasterio.transform import from_origin
from srstudy.data.chips import make_chips
from srstudy.data.labels import CORINE
from srstudy.data.place import boxes, project
from srstudy.learn.landmap import draw_map, get_legend
from srstudy.sr.arms import get_sr
from srstudy.sr.scene import upscale_scene

H, W = 44, 56
# system, and a place in it: UTM, both poles, both sides of the antimeridian, degrees, Mercator, Lambert, an oblique one
PLACES = {'EPSG:32635': (510_000, 6_400_000), 'EPSG:32733': (480_000, 7_100_000), 'EPSG:3413': (20_000, -15_000), 'EPSG:3031': (-9_000, 5_000),
          'EPSG:32701': (163_000, 8_200_000), 'EPSG:32660': (815_000, 5_600_000), 'EPSG:4326': (24.3, 58.1), 'EPSG:3857': (2_700_000, 8_000_000),
          'EPSG:3035': (5_100_000, 4_100_000), 'EPSG:2056': (2_600_000, 1_200_000)}

def draw_grid(seed):
    "A grid at one of the places: turned, mirrored and sheared at random."
    rng = np.random.default_rng(seed); crs = list(PLACES)[seed % len(PLACES)]
    size = rng.choice([10, 60, 900])/(111_000 if crs == 'EPSG:4326' else 1)
    turn = Affine.rotation(rng.uniform(0, 360)) if rng.random() < .7 else Affine.scale(*rng.choice([-1, 1], 2))
    place = Affine.translation(*PLACES[crs]) @ turn @ Affine.scale(size, -size*rng.uniform(.7, 1.4)) @ Affine.shear(rng.uniform(-9, 9))
    return SimpleNamespace(crs=CRS.from_user_input(crs), transform=place, shape=(H, W), rng=rng)

def centres(place, shape=(H, W)):
    rows, cols = (a.ravel() + .5 for a in np.mgrid[:shape[0], :shape[1]])
    return np.stack(place @ (cols, rows), -1)

def write(path, a, grid, **kw):
    with rasterio.open(path, 'w', driver='GTiff', count=len(a), height=a.shape[1], width=a.shape[2], dtype=a.dtype, crs=grid.crs,
                       transform=grid.transform, **kw) as f: f.write(a)
    return path

def draw_scene(path, g): return write(path, g.rng.integers(1, 2000, (3, H, W)).astype(np.uint16), g, **{'AREA_OR_POINT': 'Point'} if g.rng.random() < .3 else {})

def sample(path, xy, band=1):
    with rasterio.open(path) as f: return np.array([v[band - 1] for v in f.sample(xy)])

@pytest.mark.parametrize('seed', range(10))
def test_super_resolved_pixels_stay(seed, tmp_path):
    g = draw_grid(seed); src = draw_scene(tmp_path/'s.tif', g)
    upscale_scene(src, tmp_path/'o.tif', get_sr('nearest'), tile=32, overlap=8)
    with rasterio.open(src) as f, rasterio.open(tmp_path/'o.tif') as o: assert f.crs == o.crs and o.shape == (4*H, 4*W)
    small = g.transform @ Affine.scale(.25)
    xy = centres(small, (4*H, 4*W))[::7]
    assert (sample(tmp_path/'o.tif', xy) == sample(src, xy)).all()

def cell_classes(xy, origin, cell, turn): # of a board with cells of some size, turned in its own system
    at = np.stack(~turn @ tuple((xy - origin).T), -1)/cell
    k, edge = np.floor(at).astype(int), np.minimum(at - np.floor(at), np.ceil(at) - at).min(1)
    return (k[:, 0]*7 + k[:, 1]*5) % 44, edge

@pytest.mark.parametrize('kind', ['raster', 'polygons'])
@pytest.mark.parametrize('seed', range(10))
def test_chips_take_the_class_of_their_place(seed, kind, tmp_path):
    "The map is a chessboard in a system of its own; a pixel takes the class of the cell in which it lies."
    g = draw_grid(seed); src = draw_scene(tmp_path/'s.tif', g)
    own = 'EPSG:4326' if seed % 3 else dict(zip(PLACES, ['EPSG:3857', 'EPSG:4326', 'EPSG:4326', 'EPSG:3031', 'EPSG:4326'])).get(g.crs.to_string(), 'EPSG:3035')
    own = CRS.from_user_input(own)
    places = boxes(g, own); w, s, e, n = places[0]
    if len(places) > 1: e = 360 + places[1][2]          # counted on across the antimeridian
    cell = np.array([e - w, n - s])/6; origin = np.array([w, s])
    codes = np.array(list(CORINE))
    turn = Affine.identity() if own.is_geographic or kind == 'polygons' else Affine.rotation(float(g.rng.uniform(0, 40)))
    if kind == 'raster':
        if own.is_geographic and (len(places) > 1 or e - w == 360): pytest.skip('a raster in degrees around the world: see below')
        first, last = (0, 6) if own.is_geographic else (-9, 15)                 # columns and rows of the board
        ij = np.mgrid[first:last, first:last]; a = codes[(ij[0]*7 + ij[1]*5) % 44].T
        place = Affine.translation(*origin) @ turn @ Affine.scale(*cell) @ Affine.translation(first, first)
        if seed % 2: place, a = place @ Affine.translation(0, last - first) @ Affine.scale(1, -1), a[::-1]
        clc = write(tmp_path/'clc.tif', a.astype(np.uint16)[None], SimpleNamespace(crs=own, transform=place))
    else:
        shapes, values = [], []
        for i in range(0, 6):
            for j in range(0, 6):
                x, y = origin + cell*(i, j); box = shapely.box(x, y, *(origin + cell*(i + 1, j + 1)))
                west = shapely.intersection(box, shapely.box(-180, -90, 180, 90)) if own.is_geographic else box
                beyond = shapely.intersection(box, shapely.box(180, -90, 540, 90)) if own.is_geographic else shapely.Polygon()
                for part in (west, shapely.transform(beyond, lambda p: p - (360, 0))):
                    if not part.is_empty: shapes.append(part); values.append(int(codes[(i*7 + j*5) % 44]))
        clc = tmp_path/'clc.gpkg'
        pyogrio.raw.write(clc, shapely.to_wkb(np.array(shapes)), [np.array(values)], ['Code_18'], crs=own.to_string(), geometry_type='Polygon')
    made = make_chips(src, clc, tmp_path/'chips', size=H//2, legend='codes')
    seen = np.zeros((H, W), int)
    for p in made.itertuples():
        with rasterio.open(tmp_path/'chips'/p.mask) as f: seen[p.row*22:p.row*22 + 22, p.col*22:p.col*22 + 22] = f.read(1)
    xy = project(g.crs, own, centres(g.transform))
    if own.is_geographic and len(places) > 1: xy[:, 0] %= 360
    want, edge = cell_classes(xy, origin, cell, turn)
    far = (edge > .16) & np.isfinite(xy).all(1); far = far.reshape(H, W) & (np.arange(W) < 44)
    assert far.mean() > .2 and (seen[far] == codes[want].reshape(H, W)[far]).all()

@pytest.mark.parametrize('crs', ['EPSG:32701', 'EPSG:32660', 'EPSG:3413', 'EPSG:3031'])
def test_a_raster_in_degrees_goes_round_the_world(crs, tmp_path):
    g = draw_grid(list(PLACES).index(crs)); g.transform = from_origin(*np.subtract(PLACES[crs], (20_000, -20_000)), 900, 900)
    src = draw_scene(tmp_path/'s.tif', g); codes = np.array(list(CORINE))
    a = codes[g.rng.integers(0, 44, (900, 1800))].astype(np.uint16)
    clc = write(tmp_path/'clc.tif', a[None], SimpleNamespace(crs='EPSG:4326', transform=from_origin(-180, 90, .2, .2)), compress='deflate')
    made = make_chips(src, clc, tmp_path/'chips', size=22, legend='codes')
    xy = project(g.crs, CRS.from_epsg(4326), centres(g.transform)); at = (xy - (-180, 90))/(.2, -.2)
    want = a[np.floor(at[:, 1]).astype(int), np.floor(at[:, 0]).astype(int) % 1800].reshape(H, W)
    far = (np.abs(at - np.rint(at)).min(1) > .16).reshape(H, W)
    for p in made.itertuples():
        here = np.s_[p.row*22:p.row*22 + 22, p.col*22:p.col*22 + 22]
        with rasterio.open(tmp_path/'chips'/p.mask) as f: mask = f.read(1)
        assert (mask == want[here])[far[here]].all()
    assert len(made) == 4
    turned = write(tmp_path/'from0.tif', np.roll(a, 900, 1)[None], SimpleNamespace(crs='EPSG:4326', transform=from_origin(0, 90, .2, .2)), compress='deflate')
    with pytest.raises(ValueError, match='counts its longitudes from 0 to 360'): make_chips(src, turned, tmp_path/'more', size=22, legend='codes')

class Strongest(torch.nn.Module): # the class of a pixel is its brightest band
    def forward(self, x): return torch.cat([x, x[:, :1]*0 - 9, x[:, :1]*0 - 9], 1)*50

@pytest.mark.parametrize('seed', range(10))
def test_maps_lie_where_their_scene_lies(seed, tmp_path):
    g = draw_grid(seed); src = draw_scene(tmp_path/'s.tif', g); notes = dict(labels='clc1', mean=[0]*3, std=[1]*3, white=2000, key='x')
    with patch('srstudy.learn.landmap.find_model', return_value=src), patch('srstudy.learn.landmap.load_map_model', return_value=(Strongest(), notes)):
        draw_map(src, tmp_path/'m.tif', 'any', tile=32, overlap=0)
    xy = centres(g.transform)[::3]
    bands = np.stack([sample(src, xy, b) for b in (1, 2, 3)]); clear = np.diff(np.sort(bands, 0), axis=0)[-1] > 20
    assert (np.array(list(get_legend('clc1')))[bands.argmax(0)] == sample(tmp_path/'m.tif', xy))[clear].all() and clear.mean() > .9
