"Frozen encoders and their probes: real networks see what they are known to see, and any of timm goes through a whole run."
import os
from dataclasses import replace
from pathlib import Path
import numpy as np, pytest, timm, torch
from safetensors.torch import save_file
from skimage import data
from torchvision.models import squeezenet1_1
from torchvision.transforms.v2.functional import normalize
from srstudy.core import repo_root, sha256_file
from srstudy.params import Experiment, key, load_grid
from srstudy.sr.cards import WEIGHTS, WeightsError
from srstudy.sr.checkpoints import read_checkpoint
from srstudy.sr.weights import add_weights, weights_dir
from srstudy.learn import encoders
from srstudy.learn.encoders import encoder_sha, get_features, load_encoder
from srstudy.learn.models import read_notes
from srstudy.study import seen
from srstudy.study.ask import ask_folder
from srstudy.study.costs import plan
from srstudy.study.elsewhere import score_model
from srstudy.study.record import load_predictions, results_dir
from srstudy.study.runs import Runs
from srstudy.study.settings import name_settings, sort_runs
from srstudy.study.steps import needs_run, run
from srstudy.study.trained import list_models, model_card
from srstudy.book.ask import write_page

REAL, IMAGES = os.environ.get('SRSTUDY_REALWEIGHTS'), os.environ.get('SRSTUDY_REALDATA')
needs_weights = pytest.mark.skipif(not REAL, reason='SRSTUDY_REALWEIGHTS is not set: no published encoder is tested')
needs_images = pytest.mark.skipif(not IMAGES, reason='SRSTUDY_REALDATA is not set: no encoder is shown real images')

@pytest.fixture(scope='module')
def squeezenet(shared_home):
    return add_weights(Path(REAL)/WEIGHTS['squeezenet1_1'].file)

@pytest.fixture(scope='module')
def arch(shared_home):
    "A small network of timm, whose random weights were saved with classes that nobody asks for."
    torch.manual_seed(0)
    save_file(timm.create_model('test_efficientnet', num_classes=5).state_dict(), file := shared_home/'my net.safetensors')
    return f'timm:test_efficientnet@{file}'

@needs_weights
def test_squeezenet_sees_what_torchvision_sees(squeezenet):
    cat = np.ascontiguousarray(data.chelsea()[:224, 100:324])
    net, maps = squeezenet1_1().eval(), []
    net.load_state_dict(read_checkpoint(squeezenet))
    net.features.register_forward_hook(lambda layer, x, y: maps.append(y))
    x = normalize(torch.from_numpy(cat).permute(2, 0, 1)[None]/255, (.485, .456, .406), (.229, .224, .225))
    with torch.no_grad(): classes = net(x)
    assert classes.argmax() in (281, 282, 285) # three kinds of cat
    np.testing.assert_allclose(get_features(cat[None], 'squeezenet1_1'), maps[0].mean((2, 3)), rtol=1e-5, atol=1e-4)
    assert encoder_sha('squeezenet1_1') == WEIGHTS['squeezenet1_1'].sha256 == sha256_file(squeezenet)

@needs_weights
@needs_images
@pytest.mark.parametrize('probe', ['linear', 'knn'])
def test_both_probes_of_a_real_network_know_more_than_the_labels_do(squeezenet, probe):
    first = next(e for e in load_grid(repo_root()/'params/real_ucmerced') if e.sr == 'bicubic' and not e.taught)
    rec = run(replace(first, arch='squeezenet1_1', probe=probe, limit=48, workers=0))
    assert rec.counts == dict(train=48, val=48, test=48)
    assert rec.scores['ap_macro'][0] > rec.prior['ap_macro'][0] + .1, (rec.scores, rec.prior)

@pytest.mark.parametrize('probe', ['linear', 'knn'])
def test_any_network_of_timm_goes_through_a_whole_run(arch, probe, monkeypatch):
    exp = Experiment(scenes=120, size=12, arch=arch, probe=probe, augment=False, sr='bicubic', workers=0)
    assert plan([exp]).iloc[-1].missing == 1
    rec = run(exp)
    assert plan([exp]).iloc[-1].there == 1 and not needs_run(exp)
    assert rec.inputs['features'] == sha256_file(arch.partition('@')[2]) and '/' not in rec.name
    assert rec.scores['ap_macro'][0] > rec.prior['ap_macro'][0] + .03, rec.scores # random filters see colours, too
    monkeypatch.setattr(seen, 'load_encoder', None) # another seed and another probe cost no encoding
    assert run(replace(exp, seed=1)).scores == rec.scores
    runs = Runs([rec], results_dir())
    assert list(name_settings(sort_runs(runs))) == ['Synthetic scenes, frozen networks'] and len(runs.by('arch')) == 1

@pytest.mark.parametrize('probe', ['linear', 'knn'])
def test_a_kept_probe_is_asked_about_the_same_scenes(arch, probe):
    exp = Experiment(scenes=120, size=12, arch=arch, probe=probe, augment=False, sr='bicubic', workers=0)
    rec = run(exp)
    kept = next(row for row in list_models().itertuples() if row.name == rec.name)
    assert score_model(kept.file)['scores'] == rec.scores
    assert 'test_efficientnet (my net.safetensors), frozen' in model_card(read_notes(kept.file))

def test_both_probes_name_one_class_of_an_image(arch):
    exp = Experiment(dataset='synthetic_sen12ms', labels='igbp10', task='singlelabel', scenes=240, size=12, arch=arch,
                     augment=False, workers=0)
    for probe in ('linear', 'knn'):
        rec = run(replace(exp, probe=probe))
        probs = load_predictions(results_dir()/f'{rec.name}.json').test.probs
        np.testing.assert_allclose(probs.sum(1), 1, atol=1e-4)
        assert rec.scores['accuracy'][0] > rec.prior['accuracy'][0], (probe, rec.scores, rec.prior)

def test_other_weights_under_the_same_name_make_a_record_stale(arch):
    exp = Experiment(scenes=120, size=12, arch=arch, augment=False, sr='bicubic', workers=0)
    run(exp)
    file = Path(arch.partition('@')[2])
    before = file.read_bytes()
    save_file(timm.create_model('test_efficientnet', num_classes=5).state_dict(), file)
    assert needs_run(exp)
    file.write_bytes(before)
    assert not needs_run(exp)

def test_somebody_s_own_images_are_asked_about_by_any_encoder(arch, tmp_path):
    from PIL import Image
    rng = np.random.default_rng(0)
    for label, most in dict(dark=90, light=250).items():
        (tmp_path/'mine'/label).mkdir(parents=True)
        for i in range(12): Image.fromarray(rng.integers(0, most, (24, 24, 3), np.uint8)).save(tmp_path/f'mine/{label}/{i}.png')
    asked = ask_folder(tmp_path/'mine', ('none',), arch, seeds=1)
    assert asked.probe == arch and (asked.own['none'][0].argmax(1) == asked.targs.argmax(1)).mean() > .9
    page = write_page(asked, tmp_path/'page.html').read_text()
    assert 'test_efficientnet (my net.safetensors)' in page and f'--probe &#x27;{arch}&#x27;' in page # it can be pasted

def test_dofa_is_given_the_wavelengths_of_red_green_and_blue(shared_home, monkeypatch):
    import torchgeo.models
    net = torchgeo.models.dofa_small_patch16_224(num_classes=0).eval()
    state = {k: v for k, v in net.state_dict().items() if not k.startswith('fc_norm.')} # as in the file
    save_file(state, file := weights_dir()/'small.safetensors')
    monkeypatch.setattr(torchgeo.models, 'dofa_base_patch16_224', torchgeo.models.dofa_small_patch16_224)
    monkeypatch.setitem(WEIGHTS, 'dofa', replace(WEIGHTS['dofa'], file=file.name, sha256=sha256_file(file)))
    cat = np.ascontiguousarray(data.chelsea()[:224, 100:324])
    x = normalize(torch.from_numpy(cat).permute(2, 0, 1)[None]/255, (.485, .456, .406), (.229, .224, .225))
    with torch.no_grad(): want = net.forward_features(x, [.665, .56, .49])
    np.testing.assert_allclose(get_features(cat[None], 'dofa'), want, atol=1e-3)
    assert get_features(cat[None, :50, :60], 'dofa').shape == (1, 384) # of any size

def test_dinov3_sat_sees_256_pixels_in_the_colours_of_its_training(shared_home, monkeypatch):
    small = 'vit_tiny_patch16_dinov3_qkvb'
    net = timm.create_model(small, num_classes=0).eval()
    save_file(net.state_dict(), file := weights_dir()/'dino.safetensors')
    monkeypatch.setattr(encoders, '_SAT', small)
    monkeypatch.setitem(WEIGHTS, 'dinov3_sat', replace(WEIGHTS['dinov3_sat'], file=file.name, sha256=sha256_file(file)))
    cat = np.ascontiguousarray(data.chelsea()[:256, 100:356])
    cfg = timm.get_pretrained_cfg(small)
    x = normalize(torch.from_numpy(cat).permute(2, 0, 1)[None]/255, cfg.mean, cfg.std)
    with torch.no_grad(): want = net(x)
    np.testing.assert_allclose(get_features(cat[None], 'dinov3_sat'), want, atol=1e-3)
    assert get_features(cat[None, :40, :40], 'dinov3_sat').shape == want.shape
    real = timm.get_pretrained_cfg('vit_large_patch16_dinov3.sat493m')
    assert real.mean == (.43, .411, .296) and real.input_size == (3, 256, 256) and real.fixed_input_size

@pytest.mark.parametrize('name, words', [('dinov3_sat', 'srstudy weights fetch dinov3_sat'), ('terramind', 'pip install terratorch'),
                                         ('dofa', 'https://huggingface.co/torchgeo/dofa')])
def test_what_is_not_here_costs_a_sentence(shared_home, name, words):
    with pytest.raises((WeightsError, ModuleNotFoundError), match=words): load_encoder(name)
    exp = Experiment(scenes=40, size=12, arch=name, augment=False, workers=0)
    with pytest.raises((WeightsError, ModuleNotFoundError)): run(exp)
    assert plan([exp]).iloc[-1].missing == 1 # a plan needs no weights
    assert key(exp) != key(replace(exp, probe='knn'))
