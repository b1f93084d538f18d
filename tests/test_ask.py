"`srstudy ask`: a folder in, a page out; what is planted is found, what is not is not claimed, and nothing is made twice."
import os, re, shutil
from pathlib import Path
import numpy as np, pytest, torch
from PIL import Image
from typer.testing import CliRunner
from srstudy.cli import app
from srstudy.sr import arms
from srstudy.study import ask

REAL, WEIGHTS = os.environ.get('SRSTUDY_REALDATA'), os.environ.get('SRSTUDY_WEIGHTS')

@pytest.fixture
def halves(home):
    "40 images, brighter above or below: colour and texture of the whole are alike."
    rng, ramp = np.random.default_rng(0), np.linspace(60, -60, 16)[:, None, None]
    for label, sign in dict(above=1, below=-1).items():
        (home/'halves'/label).mkdir(parents=True)
        for i in range(20):
            im = 128 + sign*ramp + rng.normal(0, 25, (16, 16, 3)) + rng.normal(0, 8)
            Image.fromarray(im.clip(0, 255).astype(np.uint8)).save(home/'halves'/label/f'{i:02d}.png')
    return home/'halves'

def command(*args):
    done = CliRunner().invoke(app, ['ask', *map(str, args)])
    return done.exit_code, ' '.join(done.output.split())

@pytest.fixture
def planted(monkeypatch):
    "Two arms of the same looks: one tells the halves apart by its brightness, one adds a pattern that knows nothing."
    bicubic = arms._RESAMPLE['bicubic']
    def tells(x):
        half = x.shape[2]//2
        above = (x[:, :, :half].mean((1, 2, 3)) > x[:, :, half:].mean((1, 2, 3))).float()
        return bicubic(x)*.8 + .2*above[:, None, None, None]
    pattern = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    monkeypatch.setitem(arms._RESAMPLE, 'lanczos', tells)
    monkeypatch.setitem(arms._RESAMPLE, 'nearest', lambda x: bicubic(x) + .02*pattern)

def test_a_planted_gain_is_found_and_nothing_else(halves, planted, home):
    page = home/'page.html'
    code, text = command(halves, '--arms', 'nearest,lanczos', '--probe', 'plain', '--seeds', 4, '--out', page)
    assert code == 0, text
    assert 'Yes, with this probe: Lanczos beats bicubic enlargement on these 40 images' in text
    said = page.read_text('utf-8')
    row = dict(re.findall(r'<tr><td><b>(\w+)</b>(?:(?!</td>).)*</td><td>([a-z ]+)</td>', said))
    assert row['Lanczos'] == 'better' and row['Nearest'] in ('cannot be told', 'equivalent')
    made = ask.ask_folder(halves, ('nearest', 'lanczos'), 'plain', 4)
    table = ask.score_arms(made)
    assert table.score['lanczos'].value > .95 and table.score['bicubic'].value < .75
    assert table.gain['lanczos'].lo > .1 and table.gain['nearest'].lo < 0 < table.gain['nearest'].hi
    assert table.moved['lanczos'].value < .5*table.gain['lanczos'].value     # who learnt from bicubic does not look there

def test_the_page_stands_alone(halves, planted, home):
    code, _ = command(halves, '--arms', 'lanczos', '--probe', 'plain', '--seeds', 1, '--out', home/'page.html')
    said = (home/'page.html').read_text('utf-8')
    assert code == 0 and len(said) < 3e6 and str(home) not in said
    assert not re.search(r'(?:src|href)="(?!data:)|url\(|@import|<script', said)
    assert said.count('<img') == said.count(' alt="') >= 8

def test_an_interruption_costs_a_part(halves, monkeypatch):
    calls, encode = [], ask.get_features
    def once(images, *args):
        if len(calls) == 3: raise KeyboardInterrupt
        calls.append(len(images))
        return encode(images, *args)
    monkeypatch.setattr(ask, '_PART', 16)
    monkeypatch.setattr(ask, 'get_features', once)
    with pytest.raises(KeyboardInterrupt): ask.ask_folder(halves, ('none',), 'plain', 1)
    monkeypatch.setattr(ask, 'get_features', lambda images, *args: calls.append(len(images)) or encode(images, *args))
    ask.ask_folder(halves, ('none',), 'plain', 1)
    assert calls == [16, 16, 8]*2

def test_too_few_images_or_labels_say_how_many_are_needed(halves):
    code, text = command(halves, '--arms', 'lanczoz')
    assert code == 1 and "did you mean 'lanczos'?" in text and text.startswith('error: ')
    for p in sorted((halves/'below').iterdir())[4:]: p.unlink()
    code, text = command(halves)
    assert code == 1 and "with 'below' (4): expected 10 of each" in text and 'add images' in text
    shutil.rmtree(halves/'below')
    code, text = command(halves)
    assert code == 1 and "have the one label 'above': expected two labels or more" in text

@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason='SRSTUDY_REALDATA is not set: no real images are asked about')
@pytest.mark.skipif(not WEIGHTS or not (Path(WEIGHTS)/'efficientnet-lite0-57934424.pth').exists(),
                    reason='SRSTUDY_WEIGHTS holds no efficientnet_lite0: no real encoder is asked')
def test_real_chips_by_the_real_encoder(home):
    for c in ('Forest', 'Highway', 'River', 'Residential'):
        (home/'chips'/c).mkdir(parents=True)
        for p in sorted((Path(REAL)/'eurosat_rgb_5600/images'/c).iterdir())[:12]: shutil.copy(p, home/'chips'/c)
    code, text = command(home/'chips', '--arms', 'none,srresnet_photo', '--seeds', 2, '--out', home/'page.html')
    assert code == 0, text
    made = ask.ask_folder(home/'chips', ('none', 'srresnet_photo'), seeds=2)
    table = ask.score_arms(made, n=100)
    assert made.probe == 'efficientnet_lite0' and made.targs.shape == (48, 4)
    assert table.score['bicubic'].lo > .4                  # one in four, by chance
    assert 'ImageNet' in (home/'page.html').read_text('utf-8')
