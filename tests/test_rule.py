"The reader's own rule: the browser computes what Python computes, and the page does what its form says."
import dataclasses, json, re, shutil, subprocess
import numpy as np, pytest
from browser import CHROMIUM, Browser
from srstudy.book.rule import SCRIPTS, page_bytes, page_data, rule_page, rule_sentence, table_html
from srstudy.core import repo_root
from srstudy.papers.rule import SCORES, SIDES, TUNED, Rule, pack_runs, rule_table, rule_worlds
from srstudy.study.runs import Runs, committed

pytestmark = pytest.mark.slow
STATIC = repo_root()/'book/_static/rule'
NODE = shutil.which('node')
in_node = pytest.mark.skipif(not NODE, reason='node is not installed: the scripts were not compared with Python in it')
in_browser = pytest.mark.skipif(not CHROMIUM, reason='no Chromium is installed: the page was not opened')
# what a script says of one rule, in the order of `told`
TELL = '''(worlds, data, rule) => { const t = worlds.table(data, rule), w = worlds.worlds(data, rule);
  return { cells: t.map(x => [x.arm, x.arch, x.k, x.word, x.paper || ''].join()),
    said: worlds.sentence(data, rule, t, w),
    worlds: w.map(x => [x.arm, x.arch, ...x.names, x.own].join()),
    numbers: [t.map(x => [x.value, x.lo, x.hi]), t.filter(x => x.diff).map(x => [x.diff.value, x.diff.lo, x.diff.hi]),
      w.map(x => [x.diff, x.lo, x.hi])].flat(2) }; }'''

def random_rule(rng, packed):
    one = lambda values: values[rng.integers(len(values))]
    threshold = one([.5, *TUNED, *(round(float(rng.uniform(.05, .95)), d) for d in (1, 2, 4))])
    some = lambda values, n: tuple(sorted(rng.choice(values, n, replace=False).tolist()))
    # seldom scene by scene: 300 blocks take the time of ten others
    return Rule(one([*SCORES]), threshold, one((0, 1)), some(len(packed.classes), one((0, 0, 1, 4, 18))),
                one((*SIDES[:1], *SIDES[1:]*8)), round(float(rng.uniform(0, .04)), 3),
                some(packed.seeds, rng.integers(1, len(packed.seeds) + 1)), one(packed.arms), bool(one((False, True))))

def told(packed, rule):
    "Say in Python what TELL says."
    t, w = rule_table(packed, rule), rule_worlds(packed, rule)
    cells = t[['arm', 'classifier', 'seeds', 'word', 'paper']].astype(str).agg(','.join, axis=1).tolist()
    names = (w[c].tolist() for c in ('arm', 'classifier', 'score', 'threshold', '0/0', 'classes'))
    worlds = [','.join((*r, 'true' if own else 'false')) for *r, own in zip(*names, w.own.tolist())]
    numbers = [[*c] for c in t.ci] + [[*d] for d in t['diff'] if d.known] + w[['diff', 'lo', 'hi']].to_numpy().tolist()
    return dict(cells=cells, worlds=worlds, numbers=np.ravel(numbers))

@pytest.fixture(scope='module')
def packed(): return pack_runs(Runs.of('table1', (committed(),), check=False))

@pytest.fixture(scope='module')
def rules(packed):
    "The rule of the book and 200 others, each with what Python makes of it."
    rng = np.random.default_rng(0)
    every = [Rule(seeds=packed.seeds), *(random_rule(rng, packed) for _ in range(200))]
    return [(r, told(packed, r)) for r in every]

def agree(rules, answers):
    worst = 0
    for (rule, ours), theirs in zip(rules, answers, strict=True):
        assert (ours['cells'], ours['worlds']) == (theirs['cells'], theirs['worlds']), rule
        worst = max(worst, np.abs(ours['numbers'] - theirs['numbers']).max())
    assert worst < 1e-6, worst
    print(f'{len(rules)} rules, largest difference {worst:.1g}')

@in_node
def test_node_decides_as_python(rules, packed, tmp_path):
    (tmp_path/'data.json').write_text(page_data(packed))
    (tmp_path/'rules.json').write_text(json.dumps([dataclasses.asdict(r) for r, _ in rules]))
    script = f'''const read = f => JSON.parse(require('fs').readFileSync(f)), tell = {TELL};
        const [worlds, scores] = {json.dumps([str(STATIC/f) for f in ('worlds.js', 'scores.js')])}.map(require);
        const data = scores.unpack(read('data.json'));
        for (const r of read('rules.json')) console.log(JSON.stringify(tell(worlds, data, r)));'''
    done = subprocess.run([NODE, '-e', script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    agree(rules, answers)
    assert len(answers[0]['worlds']) >= 300 and answers[0]['said'] == rule_sentence(packed)

@in_node
def test_quantiles_are_those_of_student():
    from scipy import special
    at = [(q, n) for q in (.6, .975, .9991, 1 - 1e-6) for n in (1, 2, 3, 4, 17, 29, 299)]
    script = f"const i = require({json.dumps(str(STATIC/'intervals.js'))}); " \
             f'console.log(JSON.stringify({json.dumps(at)}.map(([q, n]) => i.tQuantile(q, n))))'
    got = json.loads(subprocess.run([NODE, '-e', script], capture_output=True, text=True, check=True).stdout)
    np.testing.assert_allclose(got, [special.stdtrit(n, q) for q, n in at], rtol=1e-8)

def test_scripts_are_plain_and_short():
    for name in SCRIPTS:
        text = (STATIC/name).read_text()
        assert text.count('\n') <= 400 and not re.search(r'\b(fetch|import|XMLHttpRequest)\b|https?:', text), name

def test_a_page_loads_two_megabytes_at_most(packed): assert page_bytes(packed) <= 2_000_000

@pytest.fixture(scope='module')
def page(packed, tmp_path_factory):
    "The page by itself, in a browser, from a file."
    home = tmp_path_factory.mktemp('page'); shutil.copytree(STATIC, home/'_static/rule')
    (home/'rule.html').write_text('<!doctype html><html lang="en"><meta charset="utf-8"><title>rule</title>'
                                  f'<body>{rule_page(packed).data}</body></html>', encoding='utf-8')
    with Browser(home/'profile') as browser:
        browser.url = (home/'rule.html').as_uri()
        yield browser

READY = 'document.getElementById("rule-form")?.dataset.took'
plain = lambda html: ' '.join(re.sub(r'<[^>]+>', ' ', html).split())

def shown(page): return plain(page.do('document.querySelector(".rule table").outerHTML'))

@in_browser
def test_chromium_decides_as_python(page, rules):
    page.open(page.url, READY)
    ask = 'JSON.stringify(({})(ownRule.worlds, ownRule.data, {}))'
    some = rules[::4] # node has done them all
    agree(some, [json.loads(page.do(ask.format(TELL, json.dumps(dataclasses.asdict(r))))) for r, _ in some])

@in_browser
def test_the_page_opens_with_the_rule_of_the_book(page, packed):
    page.open(page.url, READY)
    assert shown(page) == plain(table_html(packed))
    assert page.do('document.getElementById("rule-said").textContent') == rule_sentence(packed)
    assert page.do('document.querySelectorAll("#rule-curve svg text").length') > 20
    assert page.do('''[...document.querySelectorAll('.rule input, .rule select')].every(x => x.labels.length == 1)''')
    assert page.do('''[...document.querySelectorAll('.rule select, .rule input[type=number]')].every(
        x => parseFloat(getComputedStyle(x).fontSize) >= 16)''')

@in_browser
def test_the_form_and_the_address_say_the_same_rule(page, packed):
    rule = Rule('f2_macro', .3, 1, (1, 5), 5, .02, (0, 2), 'none', True)
    page.open(page.url, READY)
    took = page.do(READY)
    page.do('''(() => { const f = document.getElementById('rule-form'), e = f.elements;
        const said = { score: 'f2_macro', threshold: .3, zero: 1, side: 5, margin: .02, base: 'none' };
        for (const k in said) { e[k].value = said[k]; e[k].dispatchEvent(new Event('input', { bubbles: true })); }
        for (const x of f.querySelectorAll('[name=seeds]')) if ((![0, 2].includes(+x.value))) x.click();
        for (const x of f.querySelectorAll('[name=without]')) if ([1, 5].includes(+x.value)) x.click();
        e.holm.click(); })()''')
    page.wait(f'{READY} != {took}')
    assert shown(page) == plain(table_html(packed, rule))
    assert page.do('document.getElementById("rule-said").textContent') == rule_sentence(packed, rule)
    at = page.do('location.href')
    page.open(at, READY)
    assert '#' in at and shown(page) == plain(table_html(packed, rule))
    page.do('document.querySelector(".rule button").click()'); page.wait('!location.hash')
    assert shown(page) == plain(table_html(packed))

@in_browser
@pytest.mark.parametrize('at', ['#score=f3', '#side=7', '#base=%E0%A4%A'])
def test_an_address_of_no_rule_is_said(page, packed, at):
    page.open(page.url + at, 'document.getElementById("rule-lost")?.textContent')
    assert 'is not among' in page.do('document.getElementById("rule-lost").textContent')
    assert shown(page) == plain(table_html(packed))

@in_browser
@pytest.mark.parametrize('name, value, said', [('threshold', '1.5', 'between 0 and 1'), ('margin', '', 'A margin'),
                                               ('threshold', '', 'between 0 and 1')])
def test_what_is_no_rule_is_said(page, packed, name, value, said):
    page.open(page.url, READY); before = shown(page)
    page.do(f'''(() => {{ const x = document.getElementById('rule-{name}'); x.value = '{value}';
        x.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()''')
    page.wait('document.getElementById("rule-lost").textContent')
    assert said in page.do('document.getElementById("rule-lost").textContent') and shown(page) == before
