"Real BigEarthNet patches, from files through reader, store, SR and classifier."
import os, zipfile
from dataclasses import replace
from pathlib import Path
import numpy as np, pandas as pd, pytest, torch

REAL = os.environ.get('SRSTUDY_REALDATA')
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not REAL, reason='SRSTUDY_REALDATA is not set: the real BigEarthNet patches are not tested')]

@pytest.fixture
def root(home):
    "The 11 real patches as a user would have them: folders, split files, snow and cloud lists."
    here, root = Path(REAL)/'bigearthnet_v1_patches', home/'BigEarthNet'
    root.mkdir()
    (root/'BigEarthNet-v1.0').symlink_to(here/'S2'); (root/'BigEarthNet-S1-v1.0').symlink_to(here/'S1')
    table = pd.read_parquet(Path(REAL)/'bigearthnet_tables/bigearthnet_v1_patches.parquet')
    table = table[table.s2_name.isin(os.listdir(here/'S2'))]
    assert len(table) == 11
    for split in ('train', 'val', 'test'):
        rows = table[table.split19 == split]
        (root/f'{split}.csv').write_text(''.join(f'{a},{b}\n' for a, b in zip(rows.s2_name, rows.s1_name)))
    for flag, name in (('seasonal_snow', 'patches_with_seasonal_snow'), ('cloud_shadow', 'patches_with_cloud_and_shadow')):
        (root/f'{name}.csv').write_text(''.join(f'{n}\n' for n in table.s2_name[table[flag]]))
    return root

def test_real_patches_through_every_room(root):
    from srstudy.cards import BANDS
    from srstudy.data.bigearthnet import load_bands
    from srstudy.data.index import read_index
    from srstudy.data.labels import encode_targets
    from srstudy.learn.classifiers import get_classifier
    from srstudy.sr.arms import get_sr
    from srstudy.sr.enlarge import super_resolve
    from srstudy.images.pack import pack_chips
    index = read_index('bigearthnet', root)
    table = pd.read_csv(Path(REAL)/'bigearthnet_v1_patches/labels.csv').set_index('s2_name')
    assert len(index) == 10                            # eleven less one with seasonal snow
    for p in index.itertuples():
        assert sorted(p.labels) == sorted(table.labels_43[p.patch_id].split('|')) and p.split == table.split19[p.patch_id]
    assert encode_targets(index, 'ben19').sum(1).min() >= 1
    everything = pack_chips(index, BANDS['s2'], workers=0)
    assert everything[0].shape == (120, 120, 12)
    chips = pack_chips(index, BANDS['rgb'], workers=0)
    at = [BANDS['s2'].index(b) for b in BANDS['rgb']]
    assert all(np.array_equal(everything[i][..., at], chips[i]) for i in range(len(index)))
    assert np.array_equal(chips[0], load_bands(index.path[0], BANDS['rgb']))
    for name in ('bicubic', 'srresnet', 'hat', 'realesrgan'):
        images = super_resolve(get_sr(name), chips, white=2000)
        assert len(images) == len(index) and images[0].shape == (480, 480, 3) and images[0].dtype == np.uint8
        images.verify()
        x = torch.stack([torch.from_numpy(images[i].copy()).permute(2, 0, 1)/255. for i in range(2)])
        with torch.no_grad(): out = get_classifier('resnet50', 19).eval()(x)
        assert out.shape == (2, 19) and out.isfinite().all()

def test_real_patches_are_their_own_truth(root):
    "Wald's protocol, from files to a Record with fidelity and doses."
    from srstudy.params import Experiment
    from srstudy.study.runs import Runs
    from srstudy.study.steps import run
    exp = Experiment(dataset='bigearthnet', root=str(root), wald=True, sr='srresnet', doses=True, bs=2, workers=0,
                     schedule=((0, 1, .003),))
    records = {sr: run(replace(exp, sr=sr, doses=sr == 'srresnet')) for sr in ('bicubic', 'srresnet')}
    drawn, smooth = records['srresnet'], records['bicubic']
    assert set(drawn.fidelity) >= {'psnr', 'ssim', 'hallucination', 'consistency'}
    assert smooth.fidelity['hallucination'][0] == 0 < drawn.fidelity['hallucination'][0]
    assert 15 < smooth.fidelity['psnr'][0] < 60
    assert {r.scope['kind'] for r in records.values()} == {'other data'}
    assert 'the patches themselves are the truth' in Runs(records.values(), None, 'table1').provenance.data

def test_the_snow_patch_is_left_out_by_its_list(root):
    from srstudy.data.errors import DataError
    from srstudy.data.index import read_index
    (root/'patches_with_seasonal_snow.csv').write_text('')
    with pytest.raises(DataError, match='split'): read_index('bigearthnet', root)

def test_the_official_lists_give_the_published_numbers(home, monkeypatch):
    "All 590,326 names and the lists of their authors; only the disk is played by a dictionary."
    from srstudy.cards import DATASETS
    from srstudy.data import bigearthnet, index as data
    table = pd.read_parquet(Path(REAL)/'bigearthnet_tables/bigearthnet_v1_patches.parquet')
    s2 = home/'BigEarthNet-v1.0'; s2.mkdir()
    for split in ('train', 'val', 'test'):
        table.loc[table.split19 == split, ['s2_name', 's1_name']].to_csv(home/f'{split}.csv', header=False, index=False)
    for flag, name in (('seasonal_snow', 'patches_with_seasonal_snow'), ('cloud_shadow', 'patches_with_cloud_and_shadow')):
        table.loc[table[flag], ['s2_name']].to_csv(home/f'{name}.csv', header=False, index=False)
    bare = set(table.s2_name[table.no_19_class_target])
    on_disk = {n: str(s2/n) for n in table.s2_name}
    monkeypatch.setattr(bigearthnet, 'subfolders', lambda folder: dict(on_disk) if folder == s2 else {})
    monkeypatch.setattr(bigearthnet, '_read_labels',
                        lambda folder: ['Airports' if os.path.basename(folder) in bare else 'Pastures'])
    assert len(on_disk) == DATASETS['bigearthnet'].patches == 590_326
    index = data.read_index('bigearthnet', home)
    assert len(index) == DATASETS['bigearthnet'].used == 519_284
    assert tuple(index.split.value_counts()[['train', 'val', 'test']]) == (269_695, 123_723, 125_866)
    counts = index.attrs['counts']
    assert counts['no_label'] == 55 and sum(counts.values()) == 590_326
    whole = replace(data.get_dataset('bigearthnet'), chip=lambda row, bands: np.zeros((120, 120, 3)))
    assert whole.unlike(index) == ''
    swapped = index.replace({'split': dict(val='test', test='val')})
    assert 'val patches' in whole.unlike(swapped)

def test_the_cards_know_the_published_names():
    "What `names` of a card is made from: the lists of the authors."
    from srstudy.cards import DATASETS
    from srstudy.data.dataset import names_hash
    meta = pd.read_parquet(Path(REAL)/'bigearthnet_v2_metadata/metadata.parquet')
    card = DATASETS['bigearthnet_v2']
    for split, n, published in zip(('train', 'validation', 'test'), card.splits, card.names):
        ids = meta.patch_id[meta.split == split]
        assert (len(ids), names_hash(ids)) == (n, published)
    with zipfile.ZipFile(Path(REAL)/'sen12ms/sen12ms_test_split.zip') as z:
        ids = [r.removesuffix('.tif') for r in z.read('SEN12MS_test_list.txt').decode().split()]
    card = DATASETS['sen12ms']
    assert (len(ids), names_hash(ids)) == (card.splits[2], card.names[2])

def test_the_cards_of_files_know_the_published_files(tmp_path):
    "Hashes and lists of `srstudy data`, against the files of the authors."
    from srstudy.data.sources import SOURCES, check_file
    card = {(name, Path(f.file).name): f for name, files in SOURCES.items() for f in files}
    for name in ('metadata.parquet', 'metadata_for_patches_with_snow_cloud_or_shadow.parquet'):
        check_file('bigearthnet_v2', card['bigearthnet_v2', name], Path(REAL)/'bigearthnet_v2_metadata'/name)
    with zipfile.ZipFile(Path(REAL)/'sen12ms/sen12ms_test_split.zip') as z:
        (tmp_path/'test_list.txt').write_bytes(z.read('SEN12MS_test_list.txt'))
    check_file('sen12ms', card['sen12ms', 'test_list.txt'], tmp_path/'test_list.txt')
    table = pd.read_parquet(Path(REAL)/'bigearthnet_tables/bigearthnet_v1_patches.parquet')
    for flag, name in (('seasonal_snow', 'patches_with_seasonal_snow'), ('cloud_shadow', 'patches_with_cloud_and_shadow')):
        path = tmp_path/f'{name}.csv'; path.write_text('\r\n'.join(table.s2_name[table[flag]]))
        check_file('bigearthnet', card['bigearthnet', path.name], path)

def test_v2_patches_of_four_bands(home):
    "120 patches of the test split of version 2, of which only the bands of 10 m are there."
    from srstudy.cards import BANDS
    from srstudy.data.doctor import doctor
    from srstudy.data.errors import DataError
    from srstudy.data.index import read_index
    from srstudy.images.pack import pack_chips
    from srstudy.sr.arms import get_sr
    from srstudy.sr.enlarge import super_resolve
    root = Path(REAL)/'bigearthnet_v2_test120'
    with pytest.raises(DataError, match='no patch of the train split'): read_index('bigearthnet_v2', root)
    index = read_index('bigearthnet_v2', root, splits=('test',))
    table = pd.read_csv(root/'labels.csv').set_index('patch_id').loc[index.patch_id]
    assert len(index) == 120 and [sorted(l) for l in index.labels] == [sorted(l.split('|')) for l in table.labels]
    few = index.iloc[:6]
    assert pack_chips(few, (*BANDS['s1'], 'B02', 'B08'), workers=0)[0].shape == (120, 120, 4)
    images = super_resolve(get_sr('srresnet'), pack_chips(few, BANDS['rgb'], workers=0))
    assert len(images) == 6 and images[0].shape == (480, 480, 3)
    with pytest.raises(DataError, match='there is B02, B03, B04 and B08'): pack_chips(few, BANDS['s2'], workers=0)
    found = doctor(root, 'bigearthnet_v2', 64).set_index('check')
    assert found.found['bands'].startswith('4 of 12: B02, B03, B04, B08')
    assert found.fine.all(), found[~found.fine].found.to_dict()

@pytest.mark.parametrize('crs', ['EPSG:25830', 'EPSG:32630', 'EPSG:3035'])
def test_real_corine_polygons_lie_side_by_side(crs, tmp_path):
    "The extract of Lanjaron, in its own and in other systems: no pixel has two classes, none within it has no class."
    import pyogrio, rasterio, shapely
    from rasterio.crs import CRS
    from rasterio.transform import from_origin
    from rasterio.windows import Window
    from srstudy.data.corine import ClcVector, Tile
    from srstudy.data.place import project
    clc = Path(REAL)/'corine_lanjaron/clc.gpkg'
    (x,), (y,) = project(CRS.from_epsg(25830), CRS.from_user_input(crs), [(456_000, 4_097_000)]).T
    with rasterio.open(tmp_path/'s.tif', 'w', driver='GTiff', count=3, height=1200, width=600, dtype='uint16', crs=crs,
                       transform=from_origin(x, y, 10, 10)) as f: f.write(np.random.default_rng(0).integers(9, 999, (3, 1200, 600)).astype('uint16'))
    with Tile(tmp_path/'s.tif') as tile, ClcVector(clc, tile, layer='clc') as m: said, codes = repr(m), m.read(Window(0, 0, 600, 1200))
    assert 'over one another' not in said and (codes > 0).all() and len(np.unique(codes)) > 9
    _, _, wkb, (values,) = pyogrio.raw.read(clc, layer='clc', columns=['CODE_18'])
    shapes, rng = shapely.from_wkb(wkb), np.random.default_rng(1)
    for r, c in rng.integers(0, (1200, 600), (200, 2)):
        at, = project(CRS.from_user_input(crs), CRS.from_epsg(25830), [(x + 10*c + 5, y - 10*r - 5)])
        assert codes[r, c] in {int(v) for v in values[shapely.dwithin(shapes, shapely.Point(at), .1)]}
