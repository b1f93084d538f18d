"The committed Records stand for their parameters, and their classifiers have learnt."
import os, warnings
import pytest
from srstudy.core import repo_root
from srstudy.params import Experiment, as_experiment, run_name
from srstudy.study.record import check_record, read_predictions, read_record, same_result
from srstudy.study.steps import run
from srstudy.study.task import get_inputs

LEARNT = dict(multilabel=('f1', 'ap_macro', 'ap_micro'), singlelabel=('accuracy', 'f1_macro'),
              segmentation=('oa', 'miou'))
# on images unlike those that it has learnt from, a classifier orders, but need not decide
ORDERS = dict(multilabel=('ap_macro',), singlelabel=())
PATHS = sorted((repo_root()/'book/results').glob('*.json'))
REAL, FOLDERS = os.environ.get('SRSTUDY_REALDATA'), dict(ucmerced='ucmerced_multilabel', eurosat='eurosat_rgb_5600')

def experiment(rec):
    "Real images lie where the environment says, or nowhere."
    folder = FOLDERS.get(rec.params['dataset'])
    return as_experiment(rec.params | (dict(root=f'{REAL or "nowhere"}/{folder}') if folder else {}))

def test_there_are_records(): assert len(PATHS) >= 6

@pytest.mark.parametrize('path', PATHS, ids=lambda p: p.stem)
def test_record(path):
    rec = read_record(path); exp = experiment(rec)
    assert path.stem == run_name(exp)
    check_record(rec, exp, get_inputs(exp))
    for metric in LEARNT[exp.task] if exp.taught in ('', exp.sr) else ORDERS[exp.task]:
        value, gain, low, high = rec.prior[metric]
        assert low > 0, f'{path.stem} is not better than the label prior in {metric}: {gain} [{low}, {high}]'
    assert len(read_predictions(path)['ids']) == rec.counts['test']

@pytest.mark.slow
def test_a_committed_record_is_made_again(home):
    exp = Experiment(); rec = read_record(repo_root()/f'book/results/{run_name(exp)}.json')
    again = run(exp)
    for of in (lambda r: r.inputs, lambda r: r.counts, lambda r: r.key, lambda r: set(r.classes)):
        assert of(again) == of(rec)
    if same_result(again, rec): return
    warnings.warn(f'{rec.name} differs in its last digits: another kind of processor rounds differently')
    for metric, (value, *_) in again.scores.items():
        _, low, high = rec.scores[metric]
        assert low <= value <= high, f'{metric} is {value}, committed as {low} to {high}'
