"What paper 3 prints of BigEarthNet agrees with the archive's own lists, where they are at hand."
import os
from pathlib import Path
import pandas as pd, pytest
from srstudy.papers.paper3 import VALIDATION, archive_counts

@pytest.fixture(scope='module')
def tables():
    if not (real := os.environ.get('SRSTUDY_REALDATA')):
        pytest.skip('SRSTUDY_REALDATA is not set: the official label counts are not compared')
    return Path(real)/'bigearthnet_tables'

def test_table1_is_the_count_of_the_archive(tables):
    counts = pd.read_csv(tables/'label_counts_43.csv', names=['name', 'n'], skiprows=1,
                         skipinitialspace=True).set_index('name').n
    assert counts.to_dict() == archive_counts().to_dict()

def test_validation_is_a_fifth_of_what_snow_and_clouds_leave(tables):
    rows = pd.read_parquet(tables/'bigearthnet_v1_patches.parquet')
    clear = (~rows.cloud_shadow & ~rows.seasonal_snow).sum()
    assert (clear, int(.2*clear)) == (519_339, VALIDATION)
