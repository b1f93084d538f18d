# The study on many machines: chips -> SR shards of each arm -> runs -> book. What needs what is
# said once, in srstudy.study.graph; here each kind of step gets its command.
#
#     snakemake -c2                                   table1 on this machine, two jobs side by side
#     snakemake -n                                    what is missing
#     snakemake -c2 runs --config table=table1 seeds=3
#     snakemake --profile profiles/slurm runs --config table=full/table1 root=/data/BigEarthNet \
#               device=cuda workers=8 jobs=8
#     snakemake --profile profiles/slurm runs --configfile profiles/papers.yaml
#
# table and seeds choose the runs (without seeds, those of params/PLAN.yaml); tables, in a file,
# names several with fields of their own. jobs is how many jobs share the images of an arm, book
# the folder that gets _build/html (book/ itself by default); every other name is a field of all
# experiments.
# A job is done when what it leaves is whole: a Record in results/, or a marker that names a store
# and the hash of its content. What is whole when this file is read is left alone, whoever made it,
# for then no rule here makes it; what is no longer true is put aside. So the same command after
# any interruption does what is missing, and nothing else.
import json, os, shlex
from itertools import chain
from pathlib import Path
from srstudy.core import cache_dir, read_yaml
from srstudy.cards import ARMS
from srstudy.params import run_name, to_yaml
from srstudy.study.graph import get_graph, get_grid, settle
from srstudy.study.record import results_dir

def typed(v): # --config leaves the numbers in a list as text
    if isinstance(v, list): return [typed(x) for x in v]
    return read_yaml(v, f'--config {v}') if isinstance(v, str) and v else v

OF_THIS_FILE = 'table', 'tables', 'seeds', 'jobs', 'book'
SEEDS, JOBS, OUT = int(config.get('seeds', 0)) or None, int(config.get('jobs', 1)), str(config.get('book', 'book'))
FIELDS = {k: typed(v) for k, v in config.items() if k not in OF_THIS_FILE}
TABLES = {t: FIELDS | (own or {}) for t, own in (config.get('tables') or {config.get('table', 'table1'): {}}).items()}
GRIDS = {t: get_grid(Path('params')/t, SEEDS, **fields) for t, fields in TABLES.items()}
GRAPHS = {t: get_graph(grid) for t, grid in GRIDS.items()}
GRID = list(dict.fromkeys(chain.from_iterable(GRIDS.values())))
GRAPH = {name: node for graph in GRAPHS.values() for name, node in graph.items()}   # what it needs, what it makes
LEFT = settle(GRAPH, GRID)          # the part of it that is missing

MARKERS, RESULTS = os.path.relpath(cache_dir()/'stages'), os.path.relpath(results_dir())
RECORDS = [f'{RESULTS}/{run_name(e)}.json' for e in GRID]
BOOK = f'{OUT}/_build/html/index.html'

def needs(name): return [os.path.relpath(GRAPH[n].makes) for n in GRAPH[name].needs]
def gpu(name): return int(GRAPH[name].exp.device != 'cpu')
def asked(name): # the table that a stage is in, as `srstudy prepare` wants it
    table = next(t for t, graph in GRAPHS.items() if name in graph)
    sets = (f'--set {shlex.quote(f"{k}={json.dumps(v)}")}' for k, v in TABLES[table].items())
    return ' '.join([shlex.quote(str(Path('params')/table)), '--sr', GRAPH[name].exp.sr, *sets])
def shares(name): # flags of the jobs that make an arm's images; what is quickly made is made by one
    arm = ARMS[GRAPH[name].exp.sr]
    return [f'{MARKERS}/{name}.{i + 1}of{JOBS}' for i in range(JOBS) if JOBS > 1 and arm.network and not arm.of]
def missing(kind): # a pattern of names; (?!) fits nothing
    return '|'.join(n for n, node in LEFT.items() if node.kind == kind) or '(?!)'

# A job on another machine finds what is found here.
envvars: *(v for v in os.environ if v == 'PATH' or v.startswith('SRSTUDY_'))
localrules: all, runs, book

# The Records are wanted for their own sake: beside a book that is there already, Snakemake would
# take them for something in between that nobody misses.
rule all:
    input: RECORDS, BOOK

rule runs:
    input: RECORDS

# Scenes and their packed chips.
rule chips:
    input: lambda w: needs(w.stage)
    output: f'{MARKERS}/{{stage}}.json'
    wildcard_constraints: stage=missing('chips')
    threads: 2
    params: asked=lambda w: asked(w.stage)
    shell: 'srstudy prepare {params.asked}'

# One of several jobs that make the images of an arm. None of them has a part of its own: each takes
# the next shard that nobody has claimed, so they may start and end when they like.
rule sr_share:
    input: lambda w: needs(w.stage)
    output: temp(touch(f'{MARKERS}/{{stage}}.{{share}}'))
    wildcard_constraints: stage=missing('images'), share=r'\d+of\d+'
    params: asked=lambda w: asked(w.stage)
    resources: gpu=lambda w: gpu(w.stage)
    shell: 'OMP_NUM_THREADS={threads} srstudy prepare {params.asked} --share'

# Every scene through one frozen arm, as far as nobody has made it, and how true the images are.
# A killed job has lost one shard at most.
rule sr_shards:
    input: lambda w: needs(w.stage) + shares(w.stage)
    output: f'{MARKERS}/{{stage}}.json'
    wildcard_constraints: stage=missing('images')
    params: asked=lambda w: asked(w.stage)
    resources: gpu=lambda w: gpu(w.stage)
    shell: 'OMP_NUM_THREADS={threads} srstudy prepare {params.asked}'

# One experiment, one notebook, one Record. A U-Net needs its classifier's Record beside its images.
rule run:
    input: lambda w: needs(w.name)
    output: f'{RESULTS}/{{name}}.json'
    wildcard_constraints: name=missing('run')
    params:
        values=lambda w: to_yaml(GRAPH[w.name].exp) or '{}',
        notebook=lambda w: f'{RESULTS}/notebooks/{w.name}.ipynb',
    log: f'{RESULTS}/notebooks/{{name}}.log'
    resources: gpu=lambda w: gpu(w.name)*GRAPH[w.name].exp.gpus
    shell:
        'OMP_NUM_THREADS={threads} papermill nbs/run.ipynb {params.notebook:q} '
        '-y {params.values:q} --no-progress-bar > {log:q} 2>&1'

# The pages read Records; they are executed again when one of them has changed.
rule book:
    input:
        RECORDS,
        [str(p) for part in ('*.md', '*.yml', 'reference/*', 'results/*', 'bench/*', '_static/*')
         for p in sorted(Path('book').glob(part))],
    output: BOOK
    log: f'{OUT}/build.log'
    shell: 'srstudy book --out {OUT:q} > {log:q} 2>&1'
