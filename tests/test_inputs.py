"`srstudy sr` takes a scene as people have it: bands in a folder, a product, its archive, an item of STAC, an address."
import json, re, threading, zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
import numpy as np, pytest, rasterio
from rasterio.transform import from_origin
from typer.testing import CliRunner
from srstudy.cli import app

pytestmark = pytest.mark.slow
NAME = 'S2B_MSIL2A_20220510T094031_N0400_R036_T35VMF_20220510T114819'
BANDS = dict(red='B04', green='B03', blue='B02', nir='B08')

def sr(*args): return CliRunner().invoke(app, ['sr', *map(str, args), '--arm', 'nearest'])
def enlarge(a): return a.repeat(4, -2).repeat(4, -1)

def write(path, im, **kw):
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = dict(driver='GTiff', count=len(im), height=im.shape[1], width=im.shape[2], dtype=im.dtype, crs='EPSG:32635',
                   transform=from_origin(404_400, 5_342_400, 10, 10))
    with rasterio.open(path, 'w', **profile | kw) as f: f.write(im)
    return path

@pytest.fixture
def refl(): return np.random.default_rng(0).integers(1, 1900, (4, 40, 48)).astype(np.uint16)

@pytest.fixture
def server(tmp_path):
    "The files of a folder on 127.0.0.1, whole or in parts."
    class Files(BaseHTTPRequestHandler):
        def do_HEAD(self): self.answer(False)
        def do_GET(self): self.answer(True)
        def log_message(self, *args): pass
        def answer(self, body):
            path = tmp_path/self.path.lstrip('/')
            if not path.is_file(): return self.send_error(404)
            data = path.read_bytes(); part = re.fullmatch(r'bytes=(\d+)-(\d*)', self.headers.get('Range', ''))
            first, last = (int(part[1]), min(int(part[2] or len(data)), len(data) - 1)) if part else (0, len(data) - 1)
            self.send_response(206 if part else 200)
            if part: self.send_header('Content-Range', f'bytes {first}-{last}/{len(data)}')
            self.send_header('Accept-Ranges', 'bytes'); self.send_header('Content-Length', str(last - first + 1))
            self.end_headers()
            if body: self.wfile.write(data[first:last + 1])
    http = ThreadingHTTPServer(('127.0.0.1', 0), Files)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{http.server_port}'
    http.shutdown()

def item(path, href, **properties):
    assets = {k: dict(href=href(b), type='image/tiff; application=geotiff', roles=['data']) for k, b in BANDS.items()}
    path.write_text(json.dumps(dict(type='Feature', id='S2A_35VMF', properties=properties, assets=assets)))
    return path

def test_the_same_scene_in_every_form(refl, tmp_path, server):
    dn = refl + 1000 # as baseline 04.00 writes it
    safe = tmp_path/f'{NAME}.SAFE'; inside = safe/'GRANULE/L2A_T35VMF_A027033_20220510T094030/IMG_DATA/R10m'
    for band, im in zip(BANDS.values(), dn):
        write(tmp_path/f'bands/{band}.tif', im[None])
        write(inside/f'T35VMF_20220510T094031_{band}_10m.jp2', im[None], driver='JP2OpenJPEG', quality=100, reversible=True)
    with zipfile.ZipFile(tmp_path/'whole.zip', 'w') as z:
        for p in sorted(safe.rglob('*.jp2')): z.write(p, p.relative_to(tmp_path))
    write(tmp_path/'plain.tif', refl[:3])
    latest = {'s2:processing_baseline': '04.00'}
    forms = dict(image=tmp_path/'plain.tif', safe=safe, zip=tmp_path/'whole.zip', part=inside,
                 beside=item(tmp_path/'a.json', lambda b: f'bands/{b}.tif', **latest),
                 far=item(tmp_path/'b.json', lambda b: f'{server}/bands/{b}.tif', **latest),
                 address=f'{server}/plain.tif', gdal=f'/vsicurl/{server}/plain.tif')
    for name, form in forms.items():
        done = sr(form, tmp_path/f'{name}_out.tif')
        assert done.exit_code == 0, (name, done.output)
        with rasterio.open(tmp_path/f'{name}_out.tif') as f: assert (f.read() == enlarge(refl[:3])).all(), name

def test_what_is_not_there_is_said(tmp_path, server, monkeypatch):
    for key in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE', 'AWS_NO_SIGN_REQUEST'): monkeypatch.delenv(key, raising=False)
    for key, value in dict(CPL_AWS_AUTODETECT_EC2='NO', HOME=str(tmp_path), AWS_EC2_METADATA_DISABLED='true').items(): monkeypatch.setenv(key, value)
    for src, sentence in ((f'{server}/none.tif', 'see whether a browser gets it'), ('s3://bucket/x.tif', 'set AWS_ACCESS_KEY_ID')):
        done = sr(src, tmp_path/'out.tif')
        assert done.exit_code == 1 and sentence in done.stderr and 'Traceback' not in done.stderr, done.stderr
        assert done.stderr.count('\n') == 1, done.stderr
    assert '/vsis3/bucket/x.tif' in done.stderr
    assert not [*Path(tmp_path).glob('out.tif*')]

def test_four_bands_of_a_product(refl, tmp_path):
    for band, im in zip(BANDS.values(), refl): write(tmp_path/f'bands/{band}.tif', im[None])
    done = sr(tmp_path/'bands', tmp_path/'out.tif', '--bands', 'rgbn')
    assert done.exit_code == 0, done.output
    with rasterio.open(tmp_path/'out.tif') as f: out, names = f.read(), f.descriptions
    assert names == ('Red', 'Green', 'Blue', 'B08: enlarged by bicubic, with the detail of red, green and blue')
    assert (out[:3] == enlarge(refl[:3])).all()
    mean = out[3].reshape(40, 4, 48, 4).mean((1, 3))
    assert np.corrcoef(mean.ravel(), refl[3].ravel())[0, 1] > .9 # its own values, not those of the others
    assert 'near infrared' in done.output and sr(tmp_path/'bands', tmp_path/'x.tif', '--bands', 'rgbx').exit_code == 2
