"Blocks of ground from the names of all 590,326 patches of BigEarthNet."
import os
from pathlib import Path
import numpy as np, pandas as pd, pytest

REAL = os.environ.get('SRSTUDY_REALDATA')
WHY = 'SRSTUDY_REALDATA is not set: the names of the real BigEarthNet patches are not tested'
pytestmark = pytest.mark.skipif(not REAL, reason=WHY)

@pytest.mark.slow
def test_every_real_name_has_its_block():
    from srstudy.score.inference import get_blocks
    table = pd.read_parquet(Path(REAL)/'bigearthnet_tables/bigearthnet_v1_patches.parquet')
    optical, radar = (get_blocks(table[c].tolist()) for c in ('s2_name', 's1_name'))
    sizes = np.unique(optical, return_counts=True)[1]
    assert len(optical) == 590_326 and sizes.max() <= 10*10     # an overpass sees a place once
    # Sentinel-1's names hold the tile: there the same ground on several days is one block
    assert len(set(radar)) < len(sizes) and np.unique(radar, return_counts=True)[1].max() > 10*10
    at = table.s2_name.str.extract(r'(.+)_(\d+)_(\d+)$')
    places = pd.DataFrame(dict(block=optical, scene=at[0], col=at[1].astype(int), row=at[2].astype(int)))
    whole = places.groupby('block')
    assert (whole.scene.nunique() == 1).all()
    assert (whole.col.agg(np.ptp) < 10).all() and (whole.row.agg(np.ptp) < 10).all()

def test_blocks_of_the_official_test_split_can_be_resampled():
    from srstudy.score.inference import get_blocks
    from srstudy.score.multilabel import bootstrap_ci
    table = pd.read_parquet(Path(REAL)/'bigearthnet_tables/bigearthnet_v1_patches.parquet')
    blocks = get_blocks(table.s2_name[table.split19 == 'test'].tolist())
    assert len(blocks) == 125_866
    # one number a block, as if the difficulty were the ground's: blocks tell apart less than patches seem to
    _, block = np.unique(blocks, return_inverse=True); rng = np.random.default_rng(0)
    right = rng.random(block.max() + 1)[block] < .7
    probs, targs = np.where(right, .9, .1)[:, None], np.ones((len(blocks), 1), bool)
    width = lambda ci: ci['f1'][1] - ci['f1'][0]
    by_patch, by_block = (width(bootstrap_ci(probs, targs, n=100, groups=g)) for g in (None, blocks))
    assert by_block > 2*by_patch
