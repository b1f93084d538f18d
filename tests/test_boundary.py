"Every exception class of the libraries below, raised through the boundary, is one line with what to do."
import importlib, io
from contextlib import redirect_stderr, suppress
from unittest.mock import patch
import pytest
from typer.testing import CliRunner
from srstudy import cli
from srstudy.boundary import boundary

LIBRARIES = dict(rasterio=('rasterio.errors', 'rasterio._err', 'rasterio.merge', 'rasterio.warp'), pyogrio=('pyogrio.errors', 'pyogrio._err'),
                 sqlite3=('sqlite3',), safetensors=('safetensors',), torch=('torch', 'torch.cuda', 'torch.distributed', 'torch.jit'),
                 lmdb=('lmdb',), requests=('requests.exceptions',))
OTHERS = (MemoryError(), RecursionError('maximum recursion depth exceeded'), KeyError('B04'), StopIteration(), AssertionError(),
          TypeError('int() argument must be a string'), IndexError('list index out of range'), SystemError('Unknown GDAL Error'),
          UnicodeDecodeError('utf-8', b'\xff', 0, 1, 'invalid start byte'), ExceptionGroup('two', [ValueError('a'), OSError('b')]),
          ValueError('a\nb\n' + 'c'*5000), OSError(28, 'No space left on device', '/x/y.tif'), OSError(5, 'Input/output error'),
          Exception(), BaseException('pyo3_runtime.PanicException'), NotImplementedError())

def defined_by(library):
    "Return the exception classes that a library has defined, however deep."
    for module in LIBRARIES[library]: importlib.import_module(module)
    found, todo = set(), [BaseException]
    while todo:
        c = todo.pop(); todo += type.__subclasses__(c)
        if c.__module__.split('.')[0] == library: found.add(c)
    return sorted(found, key=lambda c: (c.__module__, c.__name__))

def answer(error, *more):
    with patch('srstudy.sr.weights.list_weights', side_effect=error): return CliRunner().invoke(cli.app, ['weights', 'list', *more])

def through(error):
    with redirect_stderr(io.StringIO()) as err:
        try:
            with boundary(): raise error
        except SystemExit as e: return e.code, err.getvalue()

def is_a_sentence(err):
    assert err.startswith('error: ') and err.count('\n') == 1 and 20 < len(err) < 900 and ';' in err and 'Traceback (' not in err, err
    return True

@pytest.mark.parametrize('library', LIBRARIES)
def test_every_class_of_a_library(library):
    classes = defined_by(library)
    assert classes, library
    for i, c in enumerate(classes):
        for args in ((), ('something\nin their words',)):
            error = c.__new__(c) # made by halves, as some can only be: they need arguments of their library's
            with suppress(Exception): error.args = args
            code, err = through(error)
            assert code == 1 and is_a_sentence(err) and c.__name__ in err, err
        if i%20 == 0: is_a_sentence(answer(error).stderr)

@pytest.mark.parametrize('error', OTHERS, ids=lambda e: type(e).__name__)
def test_what_python_itself_raises(error):
    assert answer(error).exit_code == 1 and is_a_sentence(answer(error).stderr)
    res = answer(error, '--debug')
    assert res.exit_code == 1 and 'Traceback' in res.stderr and res.stderr.splitlines()[-1].startswith('error: ')

def test_proj_of_another_installation_is_named(monkeypatch):
    monkeypatch.setenv('PROJ_LIB', '/opt/other/share/proj')
    from rasterio.errors import CRSError
    said = answer(CRSError('PROJ: proj_create: unrecognized format / ' + '{"$schema": "x"}\n'*40)).stderr
    assert 'unset PROJ_LIB' in said and '/opt/other/share/proj' in said and said.count('\n') == 1
