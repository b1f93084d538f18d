# The study as a graph: chips -> SR shards of each arm -> runs -> book.
#
#     snakemake -c2                                   table1 on this machine, two jobs side by side
#     snakemake -n                                    what is missing
#     snakemake -c2 runs --config table=table1 seeds=3
#     snakemake --profile profiles/slurm runs --config dataset=bigearthnet root=/data/BigEarthNet \
#               width=full device=cuda workers=8
#
# table and seeds choose the runs, book is the folder that gets _build/html (book/ itself by
# default); every other name in --config is a field of all experiments.
# A job is done when what it leaves is whole: a Record in results/, or a marker that names a store
# and the hash of its content. What is whole when this file is read is left alone, whoever made it,
# for then no rule here makes it; what is no longer true is put aside. So the same command after
# any interruption does what is missing, and nothing else.
import json, os, shlex
from pathlib import Path
import yaml
from srstudy.core import cache_dir
from srstudy.params import run_name, to_yaml
from srstudy.study.graph import get_grid, made_from, marker, settle
from srstudy.study.record import results_dir

TABLE, SEEDS = str(Path('params')/config.get('table', 'table1')), int(config.get('seeds', 1))
OUT = str(config.get('book', 'book'))
def typed(v): # --config leaves the numbers in a list as text
    if isinstance(v, list): return [typed(x) for x in v]
    return yaml.safe_load(v) if isinstance(v, str) and v else v
FIELDS = {k: typed(v) for k, v in config.items() if k not in ('table', 'seeds', 'book')}
GRID = get_grid(TABLE, SEEDS, **FIELDS)
STAGES, RUNS = settle(GRID)         # what is missing: name -> experiment
SET = ' '.join(f'--set {shlex.quote(f"{k}={json.dumps(v)}")}' for k, v in FIELDS.items())

MARKERS, RESULTS = os.path.relpath(cache_dir()/'stages'), os.path.relpath(results_dir())
RECORDS = [f'{RESULTS}/{run_name(e)}.json' for e in GRID]
BOOK = f'{OUT}/_build/html/index.html'

def mark(exp): return os.path.relpath(marker(exp))
def any_of(names): return '|'.join(names) or '(?!)'         # a pattern that nothing fits
def missing(arms): return any_of(n for n, e in STAGES.items() if arms == (e.sr != 'none'))
def gpu(exp): return int(exp.device != 'cpu')

localrules: all, runs, book

# The Records are wanted for their own sake: beside a book that is there already, Snakemake would
# take them for something in between that nobody misses.
rule all:
    input: RECORDS, BOOK

rule runs:
    input: RECORDS

# Scenes and their packed chips.
rule chips:
    output: f'{MARKERS}/{{stage}}.json'
    wildcard_constraints: stage=missing(arms=False)
    threads: 2
    shell: 'srstudy prepare {TABLE:q} --sr none {SET}'

# Every scene through one frozen arm. A killed job has lost one shard at most.
rule sr_shards:
    input: lambda w: mark(made_from(STAGES[w.stage]))
    output: f'{MARKERS}/{{stage}}.json'
    wildcard_constraints: stage=missing(arms=True)
    params: sr=lambda w: STAGES[w.stage].sr
    resources: gpu=lambda w: gpu(STAGES[w.stage])
    shell: 'OMP_NUM_THREADS={threads} srstudy prepare {TABLE:q} --sr {params.sr} {SET}'

# One experiment, one notebook, one Record.
rule run:
    input: lambda w: mark(RUNS[w.name])
    output: f'{RESULTS}/{{name}}.json'
    wildcard_constraints: name=any_of(RUNS)
    params:
        values=lambda w: to_yaml(RUNS[w.name]) or '{}',
        notebook=lambda w: f'{RESULTS}/notebooks/{w.name}.ipynb',
    log: f'{RESULTS}/notebooks/{{name}}.log'
    resources: gpu=lambda w: gpu(RUNS[w.name])
    shell:
        'OMP_NUM_THREADS={threads} papermill nbs/run.ipynb {params.notebook:q} '
        '-y {params.values:q} --no-progress-bar > {log:q} 2>&1'

# The pages read Records; they are executed again when one of them has changed.
rule book:
    input:
        RECORDS,
        [str(p) for part in ('*.md', '*.yml', 'reference/*', 'results/*', '_static/*')
         for p in sorted(Path('book').glob(part))],
    output: BOOK
    log: f'{OUT}/build.log'
    shell: 'srstudy book --out {OUT:q} > {log:q} 2>&1'
