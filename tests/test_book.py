"The book builds from what is committed, says where its numbers come from, and shows how it is built."
import os, re, subprocess, sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote
import pytest
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

def text_of(page): return re.sub(r'<[^>]+>', '', page.read_text())

def test_numbers_are_of_the_committed_records(html):
    text = text_of(html/'table1.html')
    assert 'committed with the code' in text and 'Synthetic mini study' in text
    assert '0.583' in text and text.count('ours') >= 6 # the paper's best F1 of ResNet-50, beside ours

def test_every_published_number_is_in_the_ledger(html):
    ledger = (html/'ledger.html').read_text() # 4 classifiers, and Table 2
    assert ledger.count('<details>') == 5
    assert ledger.count('<tr class=') == 5 + len(VERDICTS) + 120 + 100 # five counts of directions, and the verdicts'

def test_every_page_of_the_study_names_what_made_it(html):
    for page in (ROOT/'book').glob('*.md'):
        if '{code-cell}' in page.read_text(): assert 'class="made-by"' in (html/f'{page.stem}.html').read_text(), page

def test_every_notebook_is_in_the_book(html):
    for nb in (ROOT/'nbs').rglob('*.ipynb'):
        if nb.parent.name.startswith('.'): continue
        page = html/nb.relative_to(ROOT).with_suffix('.html')
        assert page.exists(), nb
        # a line of code that begins so; a string that holds one is no directive
        directive = r'(?m)^.*<pre><span></span><span class="c1">#\|.*$|^<span class="c1">#\|.*$'
        assert not re.search(directive, page.read_text()), nb

def test_every_link_leads_somewhere(html):
    @cache
    def ids(page): return set(re.findall(r'\bid="([^"]+)"', page.read_text()))
    lost = []
    for page in html.rglob('*.html'):
        if '_static' in page.parts: continue        # templates of the theme
        for href in re.findall(r'<(?:a|link)\s[^>]*\bhref="([^"]+)"', page.read_text()):
            target, _, at = unquote(href).partition('#')
            if re.match(r'\w+:', target) or target.endswith(('.js', '.css')): continue
            file = (page.parent/target.partition('?')[0]).resolve() if target else page
            if not file.exists() or at and file.suffix == '.html' and at not in ids(file):
                lost.append((os.fspath(page.relative_to(html)), href))
    assert not lost, lost[:20]
