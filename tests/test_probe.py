"A frozen classifier goes through a whole run: trained on one arm, tested on another, dosed, kept, asked about other images."
from dataclasses import replace
import numpy as np, pytest, torch.nn.functional as F
from torch import nn
from srstudy.params import Experiment, run_name
from srstudy.study import seen
from srstudy.study.graph import get_graph, stage_name, taught_by
from srstudy.study.record import load_predictions, results_dir
from srstudy.study.steps import needs_run, run
from srstudy.study.trained import list_models
from srstudy.study.elsewhere import score_model

class Toy(nn.Module):
    "1,280 features of an image of any size: what is seen of it through half-closed eyes."
    def forward(self, x): return F.adaptive_avg_pool2d(x, (20, 22)).flatten(1)[:, :1280]

@pytest.fixture(scope='module')
def toy(shared_home):
    "The toy for the encoder."
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seen, 'load_encoder', lambda name: Toy())
        yield

PROBE = Experiment(scenes=120, size=12, arch='efficientnet_lite0', augment=False, sr='bicubic', taught='truth', workers=0)

def test_a_run_ends_in_a_record_and_repeats_itself(toy):
    rec = run(PROBE)
    assert not needs_run(PROBE)
    assert rec.inputs['taught'] == '' and len(rec.inputs['features']) == 64
    assert rec.scores['ap_macro'][0] > rec.prior['ap_macro'][0] + .05, rec.scores # it knows something
    assert run(PROBE).scores == rec.scores
    own = run(replace(PROBE, taught=''))
    assert own.name != rec.name and own.inputs.keys() == rec.inputs.keys() - {'taught'}
    patches = {'bicubic': rec, 'none': run(replace(PROBE, sr='none'))} # of 48 and of 12 pixels
    assert {r.params['taught'] for r in patches.values()} == {'truth'}

def test_the_graph_makes_the_images_of_both_arms_first():
    needs = get_graph([PROBE])[run_name(PROBE)].needs
    assert set(needs) == {stage_name(PROBE), stage_name(taught_by(PROBE))} and len(needs) == 2

def test_doses_are_asked_of_the_same_network(toy):
    drawing = replace(PROBE, sr='srresnet', taught='', doses=True)
    run(drawing)
    beside = load_predictions(results_dir()/f'{run_name(drawing)}.json')
    apart = {d: np.abs(p - beside.test.probs).mean() for d, p in beside.doses.items()}
    assert 0 < apart['0.5'] < apart['0'], apart

def test_its_last_layer_is_kept_and_asked_about_the_same_scenes(toy):
    rec = run(PROBE)
    kept = next(row for row in list_models().itertuples() if row.name == rec.name)
    assert kept.MB < 1
    assert score_model(kept.file)['scores'] == rec.scores
