"The book builds from what is committed, says where its numbers come from, and shows how it is built."
import json, os, re, shutil, subprocess, sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote
import nbformat, pytest
from browser import CHROMIUM, Browser
from srstudy.papers.paper1 import claims1
from srstudy.papers.paper2_ledger import claims2
from srstudy.papers.paper3_ledger import claims3
from srstudy.papers.verdicts import VERDICTS

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow

@pytest.fixture(scope='module')
def html(tmp_path_factory, env):
    "The folder of a book that was built just now."
    out = tmp_path_factory.mktemp('book')
    command = [Path(sys.executable).parent/'srstudy', 'book', '--out', out]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert not list((out/'_build').rglob('reports/*.err.log'))
    return out/'_build/html'

PAGES = sorted(p.stem for p in (ROOT/'book').glob('*.md'))

def text_of(page): return re.sub(r'<[^>]+>', '', page.read_text())

def cells_of(html, page):
    "The executed cells of a page; nothing where it has no code."
    path = html.parent/f'pages/{page}.ipynb'
    return nbformat.read(path, 4).cells if path.exists() else []

def test_numbers_are_of_the_committed_records(html):
    text = text_of(html/'table1.html')
    assert 'committed with the code' in text and 'Synthetic mini study' in text
    assert '0.583' in text and text.count('ours') >= 6 # the paper's best F1 of ResNet-50, beside ours

def test_every_published_number_is_in_the_ledger(html):
    ledger = (html/'ledger.html').read_text()
    rows = {paper: len(claims()) for paper, claims in (('1', claims1), ('2', claims2), ('3', claims3))}
    assert ledger.count('<tr class=') >= sum(rows.values()) + 3*len(VERDICTS)

@pytest.mark.parametrize('page', PAGES)
def test_a_page_answers_first(html, page):
    "Its first output is its result, in a sentence with a number in it."
    shown = [c for c in cells_of(html, page) if c.cell_type == 'code' and c.outputs]
    assert shown, f'{page} computes nothing'
    first = shown[0].outputs[0].data.get('text/markdown', '')
    assert 'answer' in shown[0].metadata.tags and re.search(r'\d', first), (page, first)

@pytest.mark.parametrize('page', PAGES)
def test_figures_and_tables_say_where_they_come_from(html, page):
    text = (html/f'{page}.html').read_text()
    for at in re.finditer(r'id="(figure|table)-\d+"', text):
        assert 'class="source-line"' in text[at.end():at.end() + 4000], (page, at[0])
    for file in re.findall(r'href="(_static/data/[^"]+)"', text): assert (html/file).stat().st_size > 10, file

@pytest.mark.parametrize('page', PAGES)
def test_no_number_is_typed_into_prose(page):
    "What the papers print may be told; a result of ours is computed."
    prose = re.sub(r'```.*?```|`[^`]*`|\]\([^)]*\)|arXiv [\d.]+', '', (ROOT/f'book/{page}.md').read_text(), flags=re.S)
    typed = re.findall(r'[^\n]*(?<![\w.])[+-]?\d*\.\d{2,}[^\n]*', prose)
    assert [t for t in typed if not re.search('paper|BigEarthNet, red', t)] == []

@pytest.mark.parametrize('page', PAGES)
def test_every_image_is_told_in_words(html, page):
    main = (html/f'{page}.html').read_text().split('<main')[1]
    alts = [re.search(r'alt="([^"]*)"', img) for img in re.findall(r'<img[^>]*>', main)]
    assert all(m and len(m[1]) > 3 and not re.search(r'[0-9a-f]{20}', m[1]) for m in alts), page

@pytest.mark.parametrize('page', PAGES)
def test_wide_tables_scroll_with_a_sign(html, page):
    text = (html/f'{page}.html').read_text()
    # the table of the reader's own rule stands in one column on a phone
    held = r'<div class="wide"[^>]*>.*?</table></div>|<table><caption id="rule-caption">.*?</table>'
    loose = re.sub(held, '', text, flags=re.S)
    columns = [t.split('</tr>')[0].count('<th') for t in loose.split('<table')[1:]]
    assert all(n <= 4 for n in columns), page

_WRONG = """window.wrong = [];
addEventListener('error', e => wrong.push(e.message || e.target.src || e.target.href), true);
addEventListener('unhandledrejection', e => wrong.push(String(e.reason)));"""

@pytest.mark.skipif(not CHROMIUM, reason='no Chromium is installed: no page was opened')
@pytest.mark.parametrize('width', [1300, 390])
def test_no_page_throws_or_scrolls_sideways(html, width, tmp_path):
    with Browser(tmp_path, width) as browser:
        browser.ask('Page.addScriptToEvaluateOnNewDocument', source=_WRONG)
        browser.ask('Emulation.setDeviceMetricsOverride', width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        for page in PAGES:
            browser.open((html/f'{page}.html').as_uri())
            assert browser.do('wrong') == [], page
            assert browser.do('document.documentElement.scrollWidth - innerWidth') <= 0, page

@pytest.mark.skipif(not CHROMIUM, reason='no Chromium is installed: no page was printed')
def test_paper_cuts_nothing_off(html, tmp_path):
    "What is folded is open, and no table is wider than the sheet (A4, in pixels of the printer)."
    outside = ('[...document.querySelectorAll(".bd-article table")].filter(t => t.getBoundingClientRect().right '
               '> document.documentElement.clientWidth + 1).map(t => t.textContent.slice(0, 60))')
    with Browser(tmp_path) as browser:
        browser.ask('Emulation.setDeviceMetricsOverride', width=703, height=1000, deviceScaleFactor=1, mobile=False)
        browser.ask('Emulation.setEmulatedMedia', media='print')
        for page in PAGES:
            browser.open((html/f'{page}.html').as_uri())
            browser.do('dispatchEvent(new Event("beforeprint"))')
            assert browser.do('document.querySelectorAll(".cell_output details:not([open])").length') == 0, page
            assert browser.do(outside) == [], page
            browser.do('dispatchEvent(new Event("afterprint"))')
            folded = browser.do('document.querySelectorAll(".cell_output details:not([open])").length')
            assert folded == browser.do('document.querySelectorAll(".cell_output details").length'), page

def test_every_notebook_is_in_the_book(html):
    for nb in (ROOT/'nbs').rglob('*.ipynb'):
        if nb.parent.name.startswith('.'): continue
        page = html/nb.relative_to(ROOT).with_suffix('.html')
        assert page.exists(), nb
        # a line of code that begins so; a string that holds one is no directive
        assert not re.search(r'(?m)^(.*<pre><span></span>)?#\|.*$', page.read_text()), nb

@pytest.mark.skipif(not shutil.which('node'), reason='node is not installed: the colours of code were not looked at')
def test_colours_change_no_code():
    "The browser finds the words of code; put together, they are the code."
    say = f'const words = require({json.dumps(os.fspath(ROOT/"book/_static/book.js"))}).codeWords, fs = require("fs");'
    say += 'console.log(JSON.stringify(JSON.parse(fs.readFileSync(0)).map(words)))'
    texts = [p.read_text() for p in sorted((ROOT/'srstudy').rglob('*.py'))] + ['a = f"#{b}" # not "c"\n@d\nif 1.5: pass']
    found = json.loads(subprocess.run(['node', '-e', say], input=json.dumps(texts), capture_output=True, text=True,
                                      check=True).stdout)
    assert [''.join(word for _, word in words) for words in found] == texts
    assert [w for w in found[-1] if w[0]] == [['s1', 'f'], ['s1', '"#{b}"'], ['c1', '# not "c"'], ['nd', '@d'],
                                              ['k', 'if'], ['mi', '1.5'], ['k', 'pass']]

def test_every_link_leads_somewhere(html):
    @cache
    def ids(page): return set(re.findall(r'\bid="([^"]+)"', page.read_text()))
    lost = []
    for page in html.rglob('*.html'):
        if '_static' in page.parts: continue        # templates of the theme
        for href in re.findall(r'<(?:a|link|img)\s[^>]*?\b(?:href|src)="([^"]+)"', page.read_text()):
            target, _, at = unquote(href).partition('#')
            if re.match(r'\w+:', target) or target.endswith(('.js', '.css')): continue
            file = (page.parent/target.partition('?')[0]).resolve() if target else page
            if not file.exists() or at and file.suffix == '.html' and at not in ids(file):
                lost.append((os.fspath(page.relative_to(html)), href))
    assert not lost, lost[:20]
