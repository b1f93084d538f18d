"The study as a graph: what Snakemake wants to do, and what it does again after a kill."
import os, re, shutil, signal, time
from pathlib import Path
import pytest, yaml
from ready import BIN, Command

ROOT = Path(__file__).parents[1]
assert (BIN/'snakemake').exists(), 'requirements.lock has snakemake, but it is not installed: make test installs it'

pytestmark = pytest.mark.slow
TINY = ['scenes=40', 'size=12', 'bs=8', 'workers=1', 'schedule=[[0, 1, 0.003]]']
SHARES = 2 # jobs that make the images of an arm

@pytest.fixture(scope='module')
def table(tmp_path_factory):
    "A table of two experiments."
    folder = tmp_path_factory.mktemp('table')
    for sr in ('none', 'srresnet'): (folder/f'{sr}.yaml').write_text(f'sr: {sr}\n')
    return folder

def start(args, table, env):
    # a book of its own: neither what the user has built is seen here, nor the reverse
    book = Path(env['SRSTUDY_RESULTS']).with_name('book')
    config = '--config', f'table={table}', f'book={book}', f'jobs={SHARES}', *TINY
    return Command('snakemake', '-c1', *args, *config, cwd=ROOT, env=env)

def said(command): # once it has succeeded
    code, text = command.end()
    assert code == 0, text[-3000:]
    return text

def snakemake(args, table, env): return said(start(args, table, env))

def jobs(text): # rule -> how many jobs
    total = re.search(r'\ntotal +(\d+)', text)
    if not total: assert 'Nothing to be done' in text, text[-2000:]; return {}
    block = text[text.index('Job stats:'):total.end()]
    return {rule: int(n) for rule, n in re.findall(r'\n(\w+) +(\d+)', block) if rule != 'total'}

def make_book(env):
    "Pretend that a book was built just now."
    page = Path(env['SRSTUDY_RESULTS']).with_name('book')/'_build/html/index.html'
    page.parent.mkdir(parents=True); page.write_text('built')
    return page

def records(env): return sorted(Path(env['SRSTUDY_RESULTS']).glob('*.json'))

def test_the_graph_of_table1(env):
    from srstudy.cards import ARMS
    from srstudy.params import load_grid
    from srstudy.study.plan import planned_grid
    runs = len(planned_grid(ROOT/'params/table1'))
    images = {e.sr for e in load_grid(ROOT/'params/table1')} - {'none'}
    shares = SHARES*sum(ARMS[sr].network and not ARMS[sr].of for sr in images)
    text = snakemake(['-n', '--profile', 'profiles/slurm'], 'table1', env)  # every option is one of the executor's
    assert jobs(text) == dict(chips=1, sr_share=shares, sr_shards=len(images), run=runs, book=1, all=1)
    assert not Path(env['SRSTUDY_CACHE']).exists()      # a dry run makes nothing

def test_a_book_that_is_there_replaces_no_record(env, tmp_path):
    here = env | dict(SRSTUDY_RESULTS=str(tmp_path/'results'))
    fresh = jobs(snakemake(['-n'], 'table1', here))
    make_book(here)
    assert jobs(snakemake(['-n'], 'table1', here)) == fresh

def test_a_unet_comes_after_its_classifier(env):
    from srstudy.params import run_name
    from srstudy.study.graph import get_graph, get_grid
    dot = snakemake(['runs', '--dag'], 'landcover', env)
    names = dict(re.findall(r'(\d+)\[label = "run\\nname: ([^"\\]+)', dot))
    edges = {(names.get(a), names.get(b)) for a, b in re.findall(r'(\d+) -> (\d+)', dot)}
    fields = {k: yaml.safe_load(v) for k, v in (text.split('=', 1) for text in TINY)}
    grid = get_grid(ROOT/'params/landcover', **fields); graph = get_graph(grid)
    for unet in map(run_name, grid):
        _, classifier = graph[unet].needs
        assert (classifier, unet) in edges, (unet, dot)

def test_the_papers_are_one_graph(env):
    from srstudy.cards import ARMS
    from srstudy.study.graph import get_graph, get_grid
    settings = yaml.safe_load((ROOT/'profiles/papers.yaml').read_text())
    tables, share = settings.pop('tables'), settings.pop('jobs')
    graph = {}
    for table, own in tables.items(): graph |= get_graph(get_grid(ROOT/'params'/table, None, **settings | own))
    found = jobs(said(Command('snakemake', '-n', 'runs', '--quiet', 'rules', '--profile', 'profiles/kubernetes',
                              '--configfile', 'profiles/papers.yaml', cwd=ROOT, env=env)))
    kinds = [node.kind for node in graph.values()]
    assert (found['chips'], found['sr_shards'], found['run']) == tuple(map(kinds.count, ('chips', 'images', 'run')))
    arms = [ARMS[node.exp.sr] for node in graph.values() if node.kind == 'images']
    assert found['sr_share'] == share*sum(arm.network and not arm.of for arm in arms) > 0
    unets = [node for node in graph.values() if node.kind == 'run' and node.exp.encoder]
    assert unets and all(graph[node.needs[1]].exp.root == tables['full/corine']['root'] for node in unets)

@pytest.mark.parametrize('name', ('slurm', 'kubernetes'))
def test_a_profile_fits_the_snakefile(name):
    profile = yaml.safe_load((ROOT/f'profiles/{name}/config.yaml').read_text())
    rules = set(re.findall(r'^rule (\w+)', (ROOT/'Snakefile').read_text(), re.M)) - {'all', 'runs', 'book'}
    assert profile['set-threads'].keys() == rules and profile['set-resources'].keys() <= rules
    assert profile['retries'] >= 2 and profile.get('slurm-requeue', name != 'slurm') is True

def test_a_killed_study_goes_on_with_what_is_missing(table, env):
    p = start(['runs'], table, env)
    while p.running and not records(env): time.sleep(.1)
    p.kill()
    assert p.end()[0] == -signal.SIGKILL and len(records(env)) == 1
    first, = records(env); before = first.read_bytes(), first.stat().st_mtime_ns
    left = jobs(snakemake(['-n', 'runs'], table, env))
    assert 'chips' not in left and left.pop('sr_share', 0) <= SHARES and left.pop('sr_shards', 0) <= 1
    assert left == dict(run=1, runs=1)
    assert jobs(snakemake(['runs'], table, env))['run'] == 1
    assert len(records(env)) == 2 and (first.read_bytes(), first.stat().st_mtime_ns) == before
    assert 'run' not in jobs(snakemake(['-n', 'runs'], table, env))

def test_a_book_of_these_records_is_left_alone(table, env):
    page = make_book(env)
    assert jobs(snakemake(['-n'], table, env)) == {}
    assert jobs(snakemake(['-n'], table, env)) == {}
    os.utime(page, (10**9, 10**9))      # of 2001, before any page
    assert jobs(snakemake(['-n'], table, env)) == dict(book=1, all=1)
    shutil.rmtree(page.parents[2])

def test_what_is_no_longer_true_is_made_again(table, env):
    one = records(env)[0]; text = one.read_text()
    one.write_text(text.replace('"synth": "', '"synth": "older'))
    for p in Path(env['SRSTUDY_CACHE'], 'sr').glob('*/*.arrow'): p.unlink()
    left = jobs(snakemake(['-n', 'runs'], table, env))
    assert left['run'] == 1 and left.get('sr_shards', 0) == ('srresnet' in one.name)
    assert not one.exists() and one.with_suffix('.json.stale').exists()
