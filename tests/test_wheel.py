"A wheel of this repository works where only the core is installed."
import os, re, shutil, subprocess, sys, zipfile
from importlib.metadata import packages_distributions, requires
from pathlib import Path
import numpy as np, pytest, rasterio, tomllib
from packaging.requirements import Requirement
from rasterio.transform import from_origin
from srstudy.synth.sen12ms import write_sen12ms

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow

def normal(name): return re.sub('[-_.]+', '-', name).lower()

def needed(lines, seen):
    "Add the distributions that some requirements bring, and what these require in turn."
    for r in map(Requirement, lines):
        if r.marker and not r.marker.evaluate({'extra': ''}) or normal(r.name) in seen: continue
        seen.add(normal(r.name))
        needed(requires(r.name) or (), seen)
        for extra in r.extras: needed([q for q in requires(r.name) if f"extra == '{extra}'" in q.replace('"', "'")], seen)
    return seen

def outside_core():
    "List the modules installed here that an environment with the core alone does not have."
    core = needed(tomllib.loads((ROOT/'pyproject.toml').read_text())['project']['dependencies'], {'setuptools', 'srstudy'})
    return sorted(m for m, dists in packages_distributions().items() if not {*map(normal, dists)} & core)

# Python runs this before anything else: such an environment, without a second copy of torch on the disk
HIDE = '''
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = classmethod(lambda cls, name, *args: None if name in {absent} else find(name, *args))
'''

@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    copy = tmp_path_factory.mktemp('wheel')
    for name in ('pyproject.toml', 'README.md', 'LICENSE', 'NOTICE'): shutil.copy(ROOT/name, copy)
    shutil.copytree(ROOT/'srstudy', copy/'srstudy', ignore=shutil.ignore_patterns('__pycache__'))
    done = subprocess.run([sys.executable, '-m', 'build', '--wheel', '--no-isolation', copy], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next((copy/'dist').glob('*.whl'))

@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory):
    site = tmp_path_factory.mktemp('site')
    subprocess.run([sys.executable, '-m', 'pip', 'install', '--quiet', '--no-index', '--no-deps', '--target', site, wheel],
                   check=True)
    absent = outside_core()
    assert {'fastai', 'papermill', 'IPython', 'nbdev', 'diffusers'} <= {*absent}
    (site/'sitecustomize.py').write_text(HIDE.format(absent={*absent}))
    return site

def shell(site, *args):
    "Run the installed command in a folder that is no clone."
    env = {k: v for k, v in os.environ.items() if not k.startswith('SRSTUDY_')}
    env |= dict(PYTHONPATH=str(site), HOME=str(site.parent))
    return subprocess.run([site/'bin/srstudy', *map(str, args)], cwd=site.parent, env=env, capture_output=True, text=True)

def test_the_wheel_holds_the_library_and_its_weights(wheel):
    ours = {str(p.relative_to(ROOT)) for p in (ROOT/'srstudy').rglob('*') if p.is_file() and '__pycache__' not in p.parts}
    with zipfile.ZipFile(wheel) as f: names = set(f.namelist())
    assert {n for n in names if '.dist-info' not in n} == ours
    assert {f'srstudy/sr/mini/{arm}.safetensors' for arm in ('srresnet', 'hat', 'realesrgan', 'seesr')} <= names
    assert any(n.endswith('licenses/NOTICE') for n in names)

@pytest.mark.parametrize('arm', ['bicubic', 'srresnet'])
def test_sr_with_the_core_alone(installed, arm, tmp_path):
    scene = np.random.default_rng(0).integers(1, 2000, (3, 24, 32)).astype('uint16')
    place = dict(crs='EPSG:32633', transform=from_origin(404_400, 5_342_400, 10, 10))
    with rasterio.open(tmp_path/'a.tif', 'w', driver='GTiff', count=3, height=24, width=32, dtype='uint16', **place) as f:
        f.write(scene)
    done = shell(installed, 'sr', tmp_path/'a.tif', tmp_path/'b.tif', '--arm', arm)
    assert done.returncode == 0, done.stderr
    with rasterio.open(tmp_path/'b.tif') as f: assert f.shape == (96, 128) and f.res == (2.5, 2.5)

def test_doctor_with_the_core_alone(installed, tmp_path):
    root = write_sen12ms(tmp_path/'sen', 80, size=12, workers=1)
    done = shell(installed, 'doctor', root, '--dataset', 'synthetic_sen12ms', '--n', 16)
    assert 'fine ' in done.stdout and not done.stderr, done.stderr

def test_a_missing_extra_is_named(installed):
    done = shell(installed, 'map', 'a.tif', 'b.tif', '--model', 'x')
    assert done.returncode == 1 and re.fullmatch(r'error: \w+ is not installed; pip install "srstudy\[study\]" brings it\n', done.stderr)
