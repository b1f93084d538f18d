# The study on many machines: chips -> SR shards of each arm -> runs -> book. What needs what is
# said once, in srstudy.study.graph; here each kind of step gets its command.
#
#     snakemake -c2                                   table1 on this machine, two jobs side by side
#     snakemake -n                                    what is missing
#     snakemake -c2 runs --config table=table1 seeds=3
#     snakemake --profile profiles/slurm runs --config dataset=bigearthnet root=/data/BigEarthNet \
#               width=full device=cuda workers=8
#
# table and seeds choose the runs (without seeds, those of params/PLAN.yaml), book is the folder
# that gets _build/html (book/ itself by default); every other name in --config is a field of all
# experiments.
# A job is done when what it leaves is whole: a Record in results/, or a marker that names a store
# and the hash of its content. What is whole when this file is read is left alone, whoever made it,
# for then no rule here makes it; what is no longer true is put aside. So the same command after
# any interruption does what is missing, and nothing else.
import json, os, shlex
from pathlib import Path
import yaml
from srstudy.core import cache_dir
from srstudy.params import run_name, to_yaml
from srstudy.study.graph import get_graph, get_grid, settle
from srstudy.study.record import results_dir

TABLE, SEEDS = str(Path('params')/config.get('table', 'table1')), int(config.get('seeds', 0)) or None
OUT = str(config.get('book', 'book'))
def typed(v): # --config leaves the numbers in a list as text
    if isinstance(v, list): return [typed(x) for x in v]
    return yaml.safe_load(v) if isinstance(v, str) and v else v
FIELDS = {k: typed(v) for k, v in config.items() if k not in ('table', 'seeds', 'book')}
GRID = get_grid(TABLE, SEEDS, **FIELDS)
GRAPH = get_graph(GRID)             # name -> what it needs, what it makes
LEFT = settle(GRAPH, GRID)          # the part of it that is missing
SET = ' '.join(f'--set {shlex.quote(f"{k}={json.dumps(v)}")}' for k, v in FIELDS.items())

MARKERS, RESULTS = os.path.relpath(cache_dir()/'stages'), os.path.relpath(results_dir())
RECORDS = [f'{RESULTS}/{run_name(e)}.json' for e in GRID]
BOOK = f'{OUT}/_build/html/index.html'

def needs(name): return [os.path.relpath(GRAPH[n].makes) for n in GRAPH[name].needs]
def gpu(name): return int(GRAPH[name].exp.device != 'cpu')
def missing(kind): # a pattern of names; (?!) fits nothing
    return '|'.join(n for n, node in LEFT.items() if node.kind == kind) or '(?!)'

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
    shell: 'srstudy prepare {TABLE:q} --sr none {SET}'

# Every scene through one frozen arm. A killed job has lost one shard at most.
rule sr_shards:
    input: lambda w: needs(w.stage)
    output: f'{MARKERS}/{{stage}}.json'
    wildcard_constraints: stage=missing('images')
    params: sr=lambda w: GRAPH[w.stage].exp.sr
    resources: gpu=lambda w: gpu(w.stage)
    shell: 'OMP_NUM_THREADS={threads} srstudy prepare {TABLE:q} --sr {params.sr} {SET}'

# One experiment, one notebook, one Record. A U-Net needs its classifier's Record beside its images.
rule run:
    input: lambda w: needs(w.name)
    output: f'{RESULTS}/{{name}}.json'
    wildcard_constraints: name=missing('run')
    params:
        values=lambda w: to_yaml(GRAPH[w.name].exp) or '{}',
        notebook=lambda w: f'{RESULTS}/notebooks/{w.name}.ipynb',
    log: f'{RESULTS}/notebooks/{{name}}.log'
    resources: gpu=lambda w: gpu(w.name)
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
