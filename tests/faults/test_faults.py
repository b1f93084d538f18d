"""Jobs that are disturbed on purpose, and what is left of them: a few in `make test`, 1,000 and more by `make faults`."""
import argparse, errno, hashlib, os, pickle, random, resource, shutil, signal, subprocess, sys, tempfile, time, warnings
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import RLock
import numpy as np, pandas as pd, pytest, rasterio
from rasterio.transform import from_origin
from tqdm.auto import tqdm

COLUMNS = 'tried', 'disturbed', 'told', 'right', 'lost', 'mixed', 'silent', 'remains'

# ---- jobs: each makes something in a folder, and what it has made can be read ----

@dataclass(frozen=True)
class Job:
    do: Callable                            # folder, variant: make it
    read: Callable                          # folder -> what was made; fails where it is not there, or not whole
    prepare: Callable = lambda folder: None # folder: what lies there before
    variants: tuple = ('a',)                # that may meet in one folder
    damaged: tuple = ('**/*',)              # patterns of files in which a disk may turn a bit
    share: float = 1.                       # of the injections: less for what takes seconds

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 255, (8, 12, 12, 3), np.uint8)
PLACE = dict(crs='EPSG:32635', transform=from_origin(500_000, 6_400_000, 10, 10))

def write_tif(path, a, **place):
    with rasterio.open(path, 'w', driver='GTiff', count=len(a), height=a.shape[1], width=a.shape[2], dtype=a.dtype,
                       **PLACE | place) as f: f.write(a)

def read_tif(path):
    with rasterio.open(path) as f: return f.read().tobytes(), str(f.transform), f.tags().get('SRSTUDY_ARM')

def store_do(folder, variant):
    from srstudy.images.store import write_store
    write_store(folder/'images', {}, [f'i{k}' for k in range(8)], lambda at: [IMAGES[i] for i in at], 'htj2k', 3)

def store_read(folder):
    from srstudy.images.store import Store
    return [im.tobytes() for im in Store(folder/'images')]

def committed():
    "A small committed Record and its predictions."
    from srstudy.core import repo_root
    from srstudy.study.record import load_predictions, read_record
    path = min((repo_root()/'book/results').glob('*.npz'), key=lambda p: p.stat().st_size).with_suffix('.json')
    return read_record(path), load_predictions(path)

def record_do(folder, variant):
    from srstudy.study.record import save_record
    rec, preds = committed()
    scores, test = {'f1': [variant, 0, 0]}, replace(preds.test, **{k: np.roll(v, ord(variant)) for k, v in vars(preds.test).items()
                                                                   if k in ('probs', 'maps')})
    save_record(replace(rec, name='r', scores=scores), replace(preds, test=test), folder)

def record_read(folder):
    from srstudy.study.record import read_predictions, read_record
    rec = read_record(folder/'r.json')
    return rec.scores, {k: v.tobytes() for k, v in read_predictions(folder/'r.json').items()}

def scene_before(folder): write_tif(folder/'scene.tif', RNG.integers(1, 2000, (3, 40, 40)).astype(np.uint16))

def sr_do(folder, variant):
    from srstudy.sr.arms import get_sr
    from srstudy.sr.scene import upscale_scene
    upscale_scene(folder/'scene.tif', folder/'out.tif', get_sr(dict(a='nearest', b='bicubic')[variant]), tile=16, overlap=8)

def chips_before(folder):
    scene_before(folder)
    codes = np.array([111, 211, 312, 412, 512])[RNG.integers(0, 5, (1, 40, 40))].astype(np.uint16)
    write_tif(folder/'clc.tif', codes)

def chips_do(folder, variant):
    from srstudy.data.chips import make_chips
    make_chips(folder/'scene.tif', folder/'clc.tif', folder/'chips', size=10, bands=dict(a=(1, 2, 3), b=(3, 2, 1))[variant])

def chips_read(folder):
    from srstudy.data.index import read_index
    from srstudy.data.chips import load_chip, load_codes
    index = read_index('corine', folder/'chips')
    chips = [(load_chip(p, ('B04', 'B03', 'B02')).tobytes(), load_codes(m).tobytes()) for p, m in zip(index.path, index.mask_path)]
    return list(zip(index.patch_id, index.split, map(tuple, index.labels))), chips

def folder_do(folder, variant):
    from srstudy.core import folder_once, whole_folder
    def make(root):
        with whole_folder(root) as part:
            for k in range(4): (part/f'{k}.txt').write_text(str(k))
    folder_once(folder/'scenes', make)

def folder_read(folder): return [p.read_text() for p in sorted((folder/'scenes').iterdir())]

def scenes_do(folder, variant):
    from srstudy.core import folder_once
    from srstudy.synth.bigearthnet import write_synthetic
    folder_once(folder/'scenes', lambda root: write_synthetic(root, 20, size=12, workers=1))

def scenes_read(folder):
    from srstudy.cards import BANDS
    from srstudy.data.index import read_index
    from srstudy.synth.bigearthnet import SYNTHETIC_BIGEARTHNET as data
    index = read_index('synthetic', folder/'scenes', cache=False); rows = list(index.itertuples())
    pixels = [[data.chip(r, BANDS['s2']).tobytes(), data.load_truth(r).tobytes(), data.load_ground(r).tobytes()] for r in rows]
    return list(zip(index.patch_id, index.split, map(tuple, index.labels))), pixels

def map_before(folder):
    from srstudy.learn.classifiers import get_classifier
    from srstudy.learn.models import save_model
    from srstudy.learn.unet import get_unet
    import torch
    torch.manual_seed(0); scene_before(folder)
    net = get_unet(get_classifier('resnet50', 1), 5, 24)
    save_model(folder/'model.safetensors', net, arch='resnet50', width='mini', stem=2, labels='clc1', side=24, white=2000,
               mean=[.5]*3, std=[.2]*3, key='k', bands='rgb')

def map_do(folder, variant):
    from srstudy.learn.landmap import draw_map
    draw_map(folder/'scene.tif', folder/'map.tif', folder/'model.safetensors', 32, 0)

def map_read(folder): return read_tif(folder/'map.tif')

def run_do(folder, variant):
    from srstudy.params import Experiment
    from srstudy.study.steps import needs_run, run
    exp = Experiment(sr='bicubic', scenes=40, size=12, bs=8, workers=0, schedule=((0, 2, .003),))
    if needs_run(exp): run(exp)

def run_read(folder):
    from srstudy.study.record import read_predictions, read_record
    path, = folder.glob('results/*.json'); rec = read_record(path)
    return rec.key, rec.scores, rec.classes, rec.fidelity, {k: v.tobytes() for k, v in read_predictions(path).items()}

JOBS = dict(
    store=Job(store_do, store_read),
    record=Job(record_do, record_read, lambda d: record_do(d, 'b'), ('a', 'b')),
    folder=Job(folder_do, folder_read, damaged=()),
    chips=Job(chips_do, chips_read, chips_before, ('a', 'b'), ('chips/**/*',)),
    sr=Job(sr_do, lambda d: read_tif(d/'out.tif'), scene_before, ('a', 'b'), ('out.tif.parts/*.tif', 'out.tif'), .4),
    scenes=Job(scenes_do, scenes_read, damaged=('scenes/**/*',), share=.2),
    map=Job(map_do, map_read, map_before, damaged=('map.tif',), share=.2),
    run=Job(run_do, run_read, damaged=('results/*.json', 'results/*.npz', 'cache/chips/*/*', 'cache/sr/*/*', 'cache/index/*',
                                       'cache/fidelity/*', 'cache/moments/*'), share=.1))

MODULES = dict(store='images.store', record='study.record', folder='core', chips='data.chips', sr='sr.scene', scenes='synth.bigearthnet',
               map='learn.landmap', run='study.steps')

def preload(name):
    "Import what a job needs once, and not in each of its processes; small ones come first."
    import_module(f'srstudy.{MODULES[name]}')
    if torch := sys.modules.get('torch'): torch.set_num_threads(1)

# ---- one try, in a process of its own ----

def go_to(folder):
    os.environ.update(SRSTUDY_CACHE=str(folder/'cache'), SRSTUDY_RESULTS=str(folder/'results'))
    for fd in (1, 2): os.dup2(os.open(os.devnull, os.O_WRONLY), fd)
    tqdm.set_lock(RLock()) # who is killed while he holds the one that all share would stop them all
    warnings.simplefilter('ignore')

def begin(work, folder):
    "Start `work` in a process; return its number, and the pipe that tells what came of it."
    out, end = os.pipe(); pid = os.fork()
    if pid: os.close(end); return pid, out
    os.close(out)
    try: go_to(folder); told = 'done', work()
    except BaseException as e: told = 'error', f'{type(e).__name__}: {e}'
    with os.fdopen(end, 'wb') as f: pickle.dump(told, f)
    os._exit(0)

def end(pid, out):
    "Wait for a process; return what it told: done, error or killed, and with what."
    with os.fdopen(out, 'rb') as f: told = f.read()
    os.waitpid(pid, 0)
    return pickle.loads(told) if told else ('killed', None)

def ask(work, folder): return end(*begin(work, folder))
def digest(x): return hashlib.sha256(pickle.dumps(x)).hexdigest()

def known(job, name):
    "What undisturbed runs leave: of each variant the result, and the names of the files."
    results, files = {}, set()
    for v in reversed(job.variants):
        with scratch(job, name) as d:
            def work():
                met = []; at_call(0, lambda *call: met.append(call), d)
                job.do(d, v); calls = len(met)
                return digest(job.read(d)), calls
            start = time.perf_counter(); how, made = ask(work, d); SECONDS[name] = time.perf_counter() - start
            assert how == 'done', f'{name} fails undisturbed: {made}'
            results[v], CALLS[name] = made; files = names(d)
    return results, files

_KEPT = tempfile.TemporaryDirectory()
_PREPARED, SECONDS, CALLS = {}, {}, {} # of each job: its folder before, how long it takes, how often it touches the disk

@contextmanager
def scratch(job, name):
    "A folder as the job finds it."
    with tempfile.TemporaryDirectory() as d:
        d = Path(d).resolve()
        if name not in _PREPARED:
            _PREPARED[name] = Path(tempfile.mkdtemp(dir=_KEPT.name))
            RNG.bit_generator.state = np.random.default_rng(0).bit_generator.state
            how, said = ask(lambda: job.prepare(_PREPARED[name]), _PREPARED[name])
            assert how == 'done', f'{name} cannot be prepared: {said}'
        shutil.copytree(_PREPARED[name], d, dirs_exist_ok=True)
        yield d

def names(folder):
    "Names of all files, without what depends on the run: hashes in names, and the notes of papermill."
    return {str(p.relative_to(folder)) for p in folder.rglob('*') if p.is_file() or p.is_symlink()}

# ---- faults: each is armed in the process of the job, before it begins ----

_CALLS = {'open', 'os.rename', 'os.remove', 'os.mkdir', 'os.rmdir', 'os.symlink', 'os.chmod', 'os.listdir', 'os.scandir', 'fcntl.flock'}

def at_call(n, act, folder):
    "Do `act` at the `n`-th call that touches the folder, and at all later ones if it returns."
    left = iter(range(n))
    def meet(name, *args):
        if next(left, None) is None: act(name, args)
    def hook(event, args):
        if event in _CALLS and (event == 'fcntl.flock' or any(str(folder) in str(a) for a in args[:2])): meet(event, *args)
    def watched(f):
        def g(*a): meet(f.__name__, *a); return f(*a)
        return g
    for f in (os.fsync, os.write): setattr(os, f.__name__, watched(f))
    sys.addaudithook(hook)

def kill(*_): os.kill(os.getpid(), signal.SIGKILL)

def no_room(code):
    def act(name, args):
        opens = name == 'open' and isinstance(args[2], int) and args[2] & (os.O_CREAT | os.O_WRONLY | os.O_RDWR)
        if opens or name in ('os.mkdir', 'os.symlink', 'write', 'fsync'): raise OSError(code, os.strerror(code))
    return act

def limit(n):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (n, resource.RLIM_INFINITY))

# ---- verdicts ----

def judge(count, name, job, want, files, folder, told, before=()):
    "Look at what a fault has left, do the job again, and look again."
    how, said = told
    count['disturbed'] += how != 'done'; count['told'] += how == 'error'
    seen = ask(lambda: digest(job.read(folder)), folder)        # by whoever reads now
    fine = {want, *before}
    if how == 'done' and said != want or seen[0] == 'done' and seen[1] not in fine: count['silent'] += 1; note(name, told, seen)
    again = ask(lambda: job.do(folder, 'a') or digest(job.read(folder)), folder)
    finish(count, name, again, want)
    if again == ('done', want) and len(names(folder)) > len(files): count['remains'] += 1; note(name, sorted(names(folder) - files))

def finish(count, name, again, want):
    how, said = again
    count['right' if again == ('done', want) else 'mixed' if how == 'done' else 'lost'] += 1
    if again != ('done', want): note(name, again)

def note(*what): NOTES.append(what)
NOTES = []

def disturbed(draw):
    "A fault of one process: drawn here, armed in the process, judged after it."
    def fault(count, name, job, want, files, rng):
        with scratch(job, name) as d:
            before = {ask(lambda: digest(job.read(d)), d)[1]} if job.prepare is JOBS['record'].prepare else ()
            arm = draw(rng, d, CALLS[name])
            told = ask(lambda: arm() or job.do(d, 'a') or digest(job.read(d)), d)
            judge(count, name, job, want['a'], files, d, told, before)
    return fault

def killed_later(count, name, job, want, files, rng, ahead=False):
    "Kill a process at a random moment; with `ahead`, the clock then goes back by a day."
    with scratch(job, name) as d:
        before = {ask(lambda: digest(job.read(d)), d)[1]} if job.prepare is JOBS['record'].prepare else ()
        start = time.perf_counter(); pid, out = begin(lambda: job.do(d, 'a') or digest(job.read(d)), d)
        time.sleep(rng.random()*SECONDS[name])
        try: os.kill(pid, signal.SIGKILL)
        except ProcessLookupError: pass
        told = end(pid, out); SECONDS[name] = max(.02, .5*SECONDS[name] + .5*(time.perf_counter() - start)*1.1)
        if ahead:
            for p in d.rglob('*'):
                if p.is_symlink() or '/claims' in str(p) or 'cache' not in p.parts and p.suffix != '.tif':
                    os.utime(p, (time.time() + 86_400,)*2, follow_symlinks=False)
        judge(count, name, job, want['a'], files, d, told, before)

def together(count, name, job, want, files, rng):
    "Two to four processes make the same, or different things, in one folder."
    with scratch(job, name) as d:
        mix = rng.choice([('a',)*rng.randint(2, 4), (*job.variants, 'a')])
        tries = [begin(lambda: job.do(d, v), d) for v in mix]
        told = [end(*t) for t in tries]
        count['disturbed'] += 1; count['told'] += any(how == 'error' for how, _ in told)
        how, said = ask(lambda: digest(job.read(d)), d)
        good = said in want.values() if how == 'done' else False
        refused = len(set(mix)) > 1 and any(how == 'done' for how, _ in told)
        bad = [t for t in told if t[0] != 'done']
        if bad and not refused: count['lost'] += 1; note(name, 'together', bad)
        elif not good: count['mixed' if how == 'done' else 'lost'] += 1; note(name, 'together', mix, told, (how, said))
        else: count['right'] += 1

def unpublished():
    "Stop `srstudy sr` when all tiles are made."
    import srstudy.sr.scene
    def stop(*args): raise RuntimeError('stopped')
    srstudy.sr.scene._write_mosaic = stop

def finished(job, name, stopped):
    "A folder with all that a job has made, undisturbed; always at one place, which jobs remember."
    d, kept = (Path(_KEPT.name)/f'{name}{stopped}{what}' for what in ('', '_kept'))
    if not kept.exists():
        with scratch(job, name) as fresh: shutil.copytree(fresh, d)
        ask(lambda: (unpublished() if stopped else None) or job.do(d, 'a'), d)
        shutil.copytree(d, kept, symlinks=True)
    shutil.rmtree(d)
    return Path(shutil.copytree(kept, d, symlinks=True))

def turned(count, name, job, want, files, rng, cut=False):
    "A disk turns a bit of what was made, or cuts it short; whoever reads or makes it again must not be deceived."
    d = finished(job, name, name == 'sr' and rng.random() < .5)
    path = rng.choice(sorted(p for pattern in job.damaged for p in d.glob(pattern) if p.is_file() and p.stat().st_size))
    data, at = bytearray(path.read_bytes()), os.stat(path)
    if cut: data = data[:rng.randrange(len(data))]
    else: data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data); os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns))
    if name == 'run' and 'cache' in path.parts: shutil.rmtree(d/'results') # so that it is read again
    makes = name in ('sr', 'map') or 'cache' in path.parts
    again = lambda: (makes and job.do(d, 'a')) or digest(job.read(d))
    how, said = ask(again, d)
    count['disturbed'] += 1; count['told'] += how != 'done'
    if how == 'done' and said != want['a']: count['silent'] += 1; note(name, 'turned', path.relative_to(d), said)
    elif how != 'done' and path.name not in str(said) and path.stem not in str(said) and str(path.parent.name) not in str(said):
        count['lost'] += 1; note(name, 'file not named', path.relative_to(d), said)
    else: count['right'] += 1

def small_disk(count, name, job, want, files, rng):
    "A disk of some KiB, full before the job is done; then there is room."
    with scratch(job, name) as d, mounted(d) as (disk, resize):
        if not disk: return count.update(tried=-1)
        used = sum(-(-p.stat().st_size//4096) for p in disk.rglob('*') if p.is_file())
        resize(4096*(used + rng.randint(1, 10)))
        told = ask(lambda: job.do(disk, 'a') or digest(job.read(disk)), disk)
        resize(2**28)
        before = {want['b']} if job.prepare is JOBS['record'].prepare else ()
        judge(count, name, job, want['a'], files, disk, told, before)

@contextmanager
def mounted(folder):
    "A disk of its own with a copy of a folder, where that is allowed."
    call = lambda *a: subprocess.run(a, capture_output=True).returncode == 0
    disk = folder.with_name(f'{folder.name}_disk'); disk.mkdir()
    try:
        if os.geteuid() or not call('mount', '-t', 'tmpfs', '-o', 'size=256m', 'tmpfs', disk): yield None, None; return
        shutil.copytree(folder, disk, dirs_exist_ok=True)
        try: yield disk, lambda n: call('mount', '-o', f'remount,size={n}', disk)
        finally: call('umount', '-l', disk)
    finally: disk.rmdir()

FAULTS = {
    'kill -9 at a system call': disturbed(lambda rng, d, calls: partial(at_call, rng.randrange(calls), kill, d)),
    'kill -9 at a random moment': killed_later,
    'kill -9, then the clock goes back': lambda *a: killed_later(*a, ahead=True),
    'disk full at a call': disturbed(lambda rng, d, calls: partial(at_call, rng.randrange(calls), no_room(errno.ENOSPC), d)),
    'disk read-only from a call on': disturbed(lambda rng, d, calls: partial(at_call, rng.randrange(calls), no_room(errno.EROFS), d)),
    'limit on the size of files': disturbed(lambda rng, d, calls: partial(limit, rng.choice([1, 10, 100, 1000, 4096, 10_000]))),
    'small disk': small_disk,
    'two to four processes': together,
    'a bit turned': turned,
    'a file cut short': lambda *a: turned(*a, cut=True)}
def inject(n, seed=0, jobs=JOBS, faults=FAULTS):
    "Make `n` injections, shared among jobs and faults; return the table."
    rows, total = [], sum(JOBS[j].share for j in jobs)*len(faults)
    for name in jobs:
        preload(name); job = JOBS[name]; want, files = known(job, name)
        for fault, f in faults.items():
            if f in (turned, FAULTS['a file cut short']) and not job.damaged: continue
            count, rng = Counter(), random.Random(f'{seed} {name} {fault}')
            for _ in range(max(1, round(n*job.share/total))):
                count['tried'] += 1; f(count, name, job, want, files, rng)
            if count['tried']: rows.append(dict(job=name, fault=fault, **{c: count[c] for c in COLUMNS}))
            print(f'{name:8} {fault:34} ' + ' '.join(f'{c} {count[c]}' for c in COLUMNS), flush=True)
    return pd.DataFrame(rows)

# ---- a few of each in `make test` ----

SMALL = [(('store', 'folder', 'record', 'chips'), 76, FAULTS), (('sr',), 10, FAULTS), (('scenes',), 6, {f: FAULTS[f] for f in ('a bit turned',)}),
         (('run',), 2, {f: FAULTS[f] for f in ('kill -9 at a system call', 'a bit turned')})]

@pytest.mark.slow
@pytest.mark.parametrize('jobs, n, faults', SMALL, ids=lambda x: ' '.join(x) if type(x) is tuple else '')
def test_nothing_is_lost_mixed_or_silent(jobs, n, faults):
    NOTES.clear(); table = inject(n, random.randrange(10**6), jobs, faults)
    assert not table[['lost', 'mixed', 'silent', 'remains']].to_numpy().any(), (table, NOTES)

if __name__ == '__main__':
    ask_for = argparse.ArgumentParser(); ask_for.add_argument('-n', type=int, default=1200); ask_for.add_argument('--out')
    ask_for.add_argument('--seed', type=int, default=0); ask_for.add_argument('--jobs', default=','.join(JOBS))
    ask_for.add_argument('--faults', default='', help='words of their names')
    given = ask_for.parse_args(); faults = {k: v for k, v in FAULTS.items() if any(w in k for w in given.faults.split(','))}
    table = inject(given.n, given.seed, given.jobs.split(','), faults)
    for what in NOTES: print(*what)
    if given.out: table.to_csv(given.out, index=False)
    sys.exit(int(table[['lost', 'mixed', 'silent']].to_numpy().any()))
