"The committed Records stand for their parameters, and their classifiers have learnt."
import pytest
from srstudy.params import as_experiment
from srstudy.results import check_record, read_predictions, read_record
from srstudy.core import repo_root
from srstudy.run import get_inputs

PATHS = sorted((repo_root()/'book/results').glob('*.json'))

def test_there_are_records(): assert len(PATHS) >= 6

@pytest.mark.parametrize('path', PATHS, ids=lambda p: p.stem)
def test_record(path):
    rec = read_record(path); exp = as_experiment(rec.params)
    check_record(rec, exp, get_inputs(exp))
    for metric in ('f1', 'ap_macro', 'ap_micro'):
        value, gain, low, high = rec.prior[metric]
        assert low > 0, f'{path.stem} is not better than the label prior in {metric}: {gain} [{low}, {high}]'
    assert len(read_predictions(path)['ids']) == rec.counts['test']
