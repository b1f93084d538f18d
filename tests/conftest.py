"What tests share: folders of their own, so that they neither see nor touch what a user has made."
import os, sys
from pathlib import Path
import pytest

@pytest.fixture(scope='module')
def env(tmp_path_factory):
    "The environment of a command: the tools of this Python, a cache and results of the module's own."
    home = tmp_path_factory.mktemp('study')
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    return {**os.environ, 'PATH': path, 'SRSTUDY_CACHE': str(home/'cache'), 'SRSTUDY_RESULTS': str(home/'results'),
            'OMP_NUM_THREADS': '1'}

@pytest.fixture
def home(tmp_path, monkeypatch):
    "A folder for one test in this process, with its cache and results inside."
    monkeypatch.setenv('SRSTUDY_CACHE', str(tmp_path/'cache'))
    monkeypatch.setenv('SRSTUDY_RESULTS', str(tmp_path/'results'))
    return tmp_path

@pytest.fixture(scope='module')
def shared_home(tmp_path_factory):
    "A folder for all tests of a file, with one cache, results and weights inside."
    home = tmp_path_factory.mktemp('shared')
    with pytest.MonkeyPatch.context() as patch:
        for name in ('cache', 'results', 'weights'): patch.setenv(f'SRSTUDY_{name.upper()}', str(home/name))
        yield home
