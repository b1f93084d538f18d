"`srstudy export` as a person types it: ONNX Runtime gives what torch gives, and Deepness and STAC find what they read."
import json
import numpy as np, pytest, torch
from typer.testing import CliRunner
from srstudy.cli import app
from srstudy.sr.arms import get_sr

onnxruntime = pytest.importorskip('onnxruntime', reason='onnxruntime is not installed: no exported network is run')
pytest.importorskip('onnxscript', reason='onnxscript is not installed: no network is exported')

def shell(*args): return CliRunner().invoke(app, list(map(str, args)))

@pytest.mark.slow
@pytest.mark.parametrize('arm', ['srresnet', 'hat', 'realesrgan', 'bicubic'])
def test_an_exported_arm_is_the_arm_to_one_grey_level(arm, tmp_path):
    done = shell('export', arm, tmp_path/'arm.onnx', '--tile', 64)
    assert done.exit_code == 0, done.output
    session = onnxruntime.InferenceSession(tmp_path/'arm.onnx', providers=['CPUExecutionProvider'])
    bytes_ = np.random.default_rng(1).integers(0, 256, (1, 3, 64, 64)).astype(np.float32)
    there = session.run(None, {session.get_inputs()[0].name: bytes_/255})[0]
    here = get_sr(arm)(torch.from_numpy(bytes_/255)).numpy()
    assert there.shape == (1, 3, 256, 256) and 0 <= there.min() and there.max() <= 1
    assert np.abs(np.rint(there*255) - np.rint(here*255)).max() <= 1
    meta = {k: v if k.startswith('srstudy') else json.loads(v) for k, v in session.get_modelmeta().custom_metadata_map.items()}
    assert meta['model_type'].capitalize() == 'Superresolution' and meta['tile_size'] == 64 and meta['resolution'] == 1000
    assert [meta['class_names'][str(i)] for i in range(3)] == ['Red', 'Green', 'Blue'] and meta['srstudy_arm'] == arm

@pytest.mark.parametrize('args, sentence', [
    ('seesr x.onnx', 'draws at random'), ('hat x.onnx --tile 50', 'multiples of 4'), ('hta x.onnx', "did you mean 'hat'?"),
    ('bicubic x.json --to stac', 'unknown sr with weights of its own'), ('hat x.pdf --to pdf', 'choose from onnx, stac')])
def test_errors_are_sentences(args, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = shell('export', *args.split())
    assert done.exit_code == 1 and done.stderr.startswith('error: ') and done.stderr.count('\n') == 1, done.output
    assert sentence in done.stderr and not list(tmp_path.iterdir())
