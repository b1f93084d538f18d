"A file of weights as people have them: wrapped by a trainer, of another kind, cut, changed, in a folder of others."
import io, json, os, subprocess
from contextlib import contextmanager
from functools import cache
from pathlib import Path
import pytest, torch
from hypothesis import HealthCheck, given, settings, strategies as st
from safetensors.torch import load_file, save
from typer.testing import CliRunner
from srstudy.cli import app
from srstudy.core import write_atomic
from srstudy.sr.arms import get_sr
from srstudy.sr.cards import WEIGHTS, WeightsError
from srstudy.sr.checkpoints import read_checkpoint
from srstudy.sr.formats import read_tensors
from srstudy.sr.nets import NETS, mini_path
from srstudy.sr.weights import add_weights, lock_path, read_lock, stamp, verify_weights

# the keys and prefixes that spandrel 0.4.2 takes off (canonicalize.py), and more of trainers
KEYS = ('', 'model_state_dict', 'state_dict', 'params_ema', 'params-ema', 'params', 'model', 'net', 'netG', 'generator', 'mine')
PREFIXES = '', 'module.', 'netG.', 'model.', 'net.', 'generator.', 'module.model.', '_orig_mod.module.', 'lit.net_g.'
SOME = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

@cache
def states():
    "Arm -> its tensors, and what it makes of a picture."
    torch.manual_seed(0)
    own = {n: load_file(mini_path(n)) for n in ('srresnet', 'realesrgan')}
    own['any'] = NETS['realesr_general'].make()(3, 3, 16, 2, 4).state_dict()
    x, folder = torch.rand(1, 3, 8, 8), Path(os.environ['SRSTUDY_CACHE'])
    folder.mkdir(exist_ok=True)
    torch.save(own['any'], folder/'any.pth')
    return own, x, {n: get_sr(n, weights=mini_path(n) if n != 'any' else folder/'any.pth')(x) for n in own}

@SOME
@given(arm=st.sampled_from(('srresnet', 'realesrgan', 'any')), key=st.sampled_from(KEYS), prefix=st.sampled_from(PREFIXES),
       beside=st.booleans(), kind=st.sampled_from(('zip', 'old', 'safetensors')))
def test_every_wrapping_gives_the_same_picture(home, arm, key, prefix, beside, kind):
    own, x, wanted = states()
    state = {prefix + k: v for k, v in own[arm].items()}
    path = home/('x.safetensors' if kind == 'safetensors' else 'x.ckpt')
    more = dict(epoch=3, optimizer=dict(state={0: dict(m=x), 1: dict(m=x)}, param_groups=[dict(lr=.1)])) if beside and key else {}
    if kind == 'safetensors': path.write_bytes(save({k: v.contiguous() for k, v in state.items()}))
    else: torch.save({key: state} | more if key else state, path, _use_new_zipfile_serialization=kind == 'zip')
    assert torch.equal(get_sr(arm, weights=path)(x), wanted[arm])

@cache
def whole(kind):
    state = dict(a=torch.arange(60.).view(3, 20), b=torch.ones(4, dtype=torch.int64))
    if kind == 'safetensors': return save(state)
    torch.save(dict(params=state), out := io.BytesIO(), _use_new_zipfile_serialization=kind == 'zip')
    return out.getvalue()

@settings(SOME, max_examples=150)
@given(kind=st.sampled_from(('zip', 'old', 'safetensors')), cut=st.floats(0, 1), at=st.floats(0, 1), byte=st.integers(0, 255),
       how=st.sampled_from(('cut', 'byte', 'hole', 'more', 'noise')), noise=st.binary(max_size=200))
def test_a_changed_file_is_read_or_refused_in_a_sentence(home, kind, cut, at, byte, how, noise):
    data = whole(kind); n, i = int(cut*len(data)), int(at*(len(data) - 1))
    changed = dict(cut=data[:n], byte=data[:i] + bytes([byte]) + data[i+1:], hole=data[:i] + bytes(40) + data[i+40:],
                   more=data + noise, noise=noise)[how]
    (path := home/'x.bin').write_bytes(changed)
    try: state = read_tensors(path)
    except WeightsError as e: assert str(path) in str(e) and '\n' not in str(e).strip()
    else: # a zip knows its checksums, the other two have none
        assert kind != 'zip' or all(torch.equal(v, state[k]) for k, v in read_back(kind).items())

@cache
def read_back(kind): return torch.load(io.BytesIO(whole(kind)), weights_only=True)['params']

HOSTILE = dict(deep=b'{"a":' + b'[' * 5000, long=b'{' + b' ' * 90, backwards=b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}}',
               over=b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[4],"data_offsets":[8,24]}}',
               huge=b'{"a":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,24]}}', other=b'{"a":{"dtype":"X9","shape":[1],"data_offsets":[0,4]}}',
               text=b'{"a":{"dtype":"F32","shape":"4","data_offsets":["0","16"]}}', bare=b'{"a":7}')

@pytest.mark.parametrize('header', HOSTILE)
def test_a_hostile_header_is_refused(home, header):
    h = HOSTILE[header]
    (path := home/'x.safetensors').write_bytes(len(h).to_bytes(8, 'little') + h + bytes(24))
    with pytest.raises(WeightsError, match='x.safetensors'): read_tensors(path)

def test_nothing_is_pinned_or_called_right_that_is_no_weights(home, monkeypatch):
    monkeypatch.setenv('SRSTUDY_WEIGHTS', str(home/'weights'))
    for name in (n for n, c in WEIGHTS.items() if not c.sha256 and c.tensors):
        (file := home/WEIGHTS[name].file).write_bytes(b'<html>Quota exceeded</html>' + bytes(60))
        with pytest.raises(WeightsError, match='is a web page'): add_weights(file)
        assert read_lock() == {}
    lied = home/'weights'/WEIGHTS['srresnet_kair'].file # as an older version pinned it
    lied.parent.mkdir(exist_ok=True); lied.write_bytes(file.read_bytes())
    write_atomic(lock_path(), json.dumps(dict(srresnet_kair=dict(file=lied.name, sha256=stamp(lied), size=1))))
    assert 'is a web page' in verify_weights().result[0]

def test_a_folder_for_reading_only(home, monkeypatch):
    "Nothing is written beside a file; where nothing can be written at all, it is read each time."
    (shared := home/'shared').mkdir()
    torch.save(dict(params=dict(a=torch.arange(6.))), file := shared/'theirs.pth')
    monkeypatch.setenv('SRSTUDY_WEIGHTS', str(shared))
    want = read_checkpoint(file)
    assert os.listdir(shared) == ['theirs.pth']
    (home/'stop').write_bytes(b'') # a cache below a file: no folder can be made there, even by root
    monkeypatch.setenv('SRSTUDY_CACHE', str(home/'stop'/'cache'))
    assert torch.equal(read_checkpoint(file)['a'], want['a']) and os.listdir(shared) == ['theirs.pth']
    assert len(stamp(file)) == 64

@contextmanager
def shut(folder):
    "A folder into which nobody can write, not even root."
    if os.geteuid():
        folder.chmod(0o555)
        try: yield
        finally: folder.chmod(0o755)
        return
    bind = subprocess.run(['mount', '--bind', folder, folder]).returncode
    if bind or subprocess.run(['mount', '-o', 'remount,bind,ro', folder]).returncode: pytest.skip('root may not mount here')
    try: yield
    finally: subprocess.run(['umount', '-l', folder])

def test_a_folder_of_others_is_read_and_said_to_be_theirs(home, monkeypatch):
    (theirs := home/'theirs').mkdir()
    torch.save(dict(params=states()[0]['srresnet']), theirs/WEIGHTS['srresnet_basicsr'].file) # nobody has confirmed its hash
    torch.save(dict(params=states()[0]['any']), theirs/'own.pth')
    monkeypatch.setenv('SRSTUDY_WEIGHTS', str(theirs))
    def run(*args): return CliRunner().invoke(app, ['weights', *map(str, args)])
    with shut(theirs):
        before = sorted(os.listdir(theirs))
        assert torch.equal(get_sr('any', weights=theirs/'own.pth')(states()[1]), states()[2]['any'])
        done = run('verify')
        assert done.exit_code == 0 and 'srresnet_basicsr: right' in done.output and 'set SRSTUDY_WEIGHTS_LOCK' in done.stderr, done.output
        assert run('list').exit_code == 0
        assert run('add', theirs/WEIGHTS['srresnet_basicsr'].file).exit_code == 0 # it is there
        torch.save(dict(params=states()[0]['srresnet']), home/WEIGHTS['srresnet_kair'].file)
        for what in (('fetch', 'hat'), ('add', home/WEIGHTS['srresnet_kair'].file)):
            done = run(*what)
            assert done.exit_code == 1 and f'{theirs} may only be read' in done.stderr and 'set SRSTUDY_WEIGHTS to a folder' in done.stderr, done.output
        with pytest.raises(WeightsError, match='may only be read'): get_sr('hat', 'full')
        assert sorted(os.listdir(theirs)) == before
