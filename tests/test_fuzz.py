"""Every field of an experiment with any value: it is refused in a sentence, or planned, or run to a Record.

`SRSTUDY_FUZZ=2000 pytest tests/test_fuzz.py` tries that many instead of 60, and runs one of twenty of those that can be."""
import dataclasses, json, os, shutil, tempfile
from pathlib import Path
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from srstudy.boundary import meant, sentence
from srstudy.cards import CLASSIFIERS
from srstudy.params import Experiment, as_experiment, changes, is_synthetic, key, load_experiment, run_name, to_yaml

N = int(os.environ.get('SRSTUDY_FUZZ', 60))
# written anew each time, in the smallest shape that a run can have; a field that is added later joins by itself
TINY = dict(scenes=40, size=12, bs=8, workers=0, schedule=((0, 1, .003),), arch='resnet18' if 'resnet18' in CLASSIFIERS else 'resnet50')
FIELDS = {f.name: f for f in dataclasses.fields(Experiment)}
TEXTS = ('', ' ', 'x', 'no/such/place', '~', '~/x', '/', '/dev/null', '.', '\0', '\ud800', 'ü ñ 漢', 'a\nb', "'; rm", '$HOME', '%s{}', 'None',
         'true', '1e-3', 'a'*5000, '-1', '../..', 'own:a|b', 'own:', 'own:|', 'cuda', 'cuda:99', 'gpu', 'mps', 'hat')
NUMBERS = (0, 1, -1, 2, 3, 7, 12, 13, 40, 100, 2**31, 2**32, 2**63, 10**9, 10**400, .5, 1., -.5, 1e-3, 1e300, float('nan'), float('inf'), '1e-3', '1e999')
OTHERS = (None, True, False, [], {}, (), [1], {'a': 1}, b'x', Path('x'), {1}, 1j)

def near(f):
    "Return values of the kind of a field: its choices, and what is within, at and beyond its limits."
    lo, hi = f.metadata['limits'] or (0, 0)
    if f.type is bool: return [True, False]
    if f.metadata['choices']: return [*f.metadata['choices']]
    if f.type in (int, float): return [f.type(v) for v in (lo, lo + 1, lo + 6, hi, f.default) if abs(v) < 10**6] + [lo - 1, hi + 1]
    return list(TEXTS)

RATES = st.sampled_from((.003, 1e-9, 1000, 0, -1, '1e-3', 'high', float('nan'), [.001, .01], [.01, .001], (1e-5, '1e-3'), None))
ROWS = st.lists(st.tuples(st.sampled_from((0, -1, -2, -3, 1, 2, 3, 9, -9, 2**70, .5, None)), st.sampled_from((1, 2, 0, -1, 10**12, True, '1')), RATES), max_size=2)
VALUES = {n: ROWS if f.type is tuple else st.sampled_from(near(f)*3 + [*TEXTS, *NUMBERS, *OTHERS]) for n, f in FIELDS.items()}
SOME = st.lists(st.sampled_from([*FIELDS]), min_size=1, max_size=4, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({n: VALUES[n] for n in names}))
RULES = dict(deadline=None, derandomize='SRSTUDY_FUZZ' not in os.environ, database=None, suppress_health_check=list(HealthCheck),
             phases=(Phase.generate, Phase.shrink))

def is_helpful(e):
    assert meant(e), sentence(e)
    assert len(str(e)) > 25 and '\0' not in str(e)
    return False

def made(values):
    "Return the experiment of some values; None where it was refused in a sentence, which names a field."
    try: return as_experiment(TINY | values)
    except Exception as e: return is_helpful(e) or None

def is_whole(exp):
    "What was made can be written, named and read again, and is itself."
    text = json.dumps(changes(exp), allow_nan=False)
    with tempfile.NamedTemporaryFile('w', suffix='.yaml', encoding='utf-8') as f:
        f.write(to_yaml(exp)); f.flush()
        assert load_experiment(f.name) == exp and key(load_experiment(f.name)) == key(exp), text
    assert dataclasses.replace(exp) == exp and run_name(exp)

def is_planned(exp):
    from srstudy.study.costs import plan, plan_text
    try: plan_text(plan([exp]))
    except Exception as e: is_helpful(e)

@settings(max_examples=N, **RULES)
@given(SOME)
def test_any_value_is_refused_in_a_sentence_or_planned(home, values):
    exp = made(values)
    if exp is None: return
    is_whole(exp)
    is_planned(exp)

def small(exp):
    "Return an experiment whose run takes seconds, and is else the same."
    rows = tuple((n, 1, lr) for n, _, lr in exp.schedule[:1])
    return dataclasses.replace(exp, scenes=40, size=12, width='mini', device='cpu', workers=0, schedule=rows, patience=min(exp.patience, 1),
                               arch=exp.arch if 'resnet' in exp.arch or exp.task == 'segmentation' else TINY['arch'],
                               bs=min(exp.bs, 64), doses=False, precision=exp.precision if exp.precision != 'fp16' else 'fp32')

@pytest.mark.slow
@settings(max_examples=max(3, N//20), **RULES)
@given(SOME)
def test_a_tiny_run_ends_in_a_record_or_in_a_sentence(home, values):
    from srstudy.study.record import read_record, results_dir
    from srstudy.study.steps import run
    exp = made(values)
    if exp is None or not (is_synthetic(exp) or exp.root): return
    try: rec = run(exp := small(exp))
    except Exception as e: is_helpful(e)
    else: assert read_record(results_dir()/f'{run_name(exp)}.json').scores == rec.scores
    shutil.rmtree(home/'cache', ignore_errors=True)
