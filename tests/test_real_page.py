"The page of real images is made of all of its Records, of some, and of none, and says which."
import re
from pathlib import Path
import nbformat, pytest
from srstudy.book.build import execute_page
from srstudy.params import load_grid
from srstudy.study.folds import made_up
from srstudy.study.runs import Runs, choosing

ROOT = Path(__file__).parents[1]
TABLES = 'real_ucmerced', 'real_ucmerced_resnet50', 'real_dose', 'real_eurosat', 'real_eurosat_wald'
ARMS = 'none', 'bicubic', 'lanczos', 'span', 'ditn', 'truth'

def show(page, made, out)->tuple: # text, pictures
    "Execute a page on some tables; the others are empty."
    empty = lambda table: Runs((), None, table, load_grid(ROOT/'params'/table))
    with choosing(lambda table: made.get(table) or empty(table)): execute_page(ROOT/f'book/{page}.md', out, {page})
    data = [o.get('data', {}) for c in nbformat.read(out, 4).cells for o in c.get('outputs', ())]
    text = '\n'.join(d.get('text/html') or d.get('text/markdown') or '' for d in data)
    # pictures that are kept with the book are no result of Records
    return re.sub(r'<figure.*?</figure>', '', text, flags=re.S), sum('image/png' in d or 'image/svg+xml' in d for d in data)

@pytest.fixture(scope='module')
def records(tmp_path_factory):
    skill = lambda e: dict(truth=1.4, span=1.2, ditn=.7).get(e.sr, 1.) - .2*bool(e.taught)
    at = tmp_path_factory.mktemp('made_up')
    return {table: made_up(table, at, skill, lambda e: e.sr in ARMS) for table in TABLES}

def test_with_all_tables(records, tmp_path):
    text, pictures = show('real', records, tmp_path/'page.ipynb')
    assert pictures == 6 and 'nan' not in text and 'Nothing of this was run yet' not in text
    assert '**higher** with SPAN' in text
    assert text.count('class="rests-on"') == 5
    assert 'Not there yet: the images of Nearest, ' in re.sub('<.*?>', '', text)

def test_with_some_of_it(records, tmp_path):
    all_ = records['real_ucmerced']; some = all_.where(sr=('bicubic', 'span'), split=('fold0', 'fold3'))
    few = Runs([*some], all_.folder, all_.table, all_.grid)
    text, _ = show('real', dict(real_ucmerced=few), tmp_path/'page.ipynb')
    assert 'nan' not in text and 'On 120 images of UC Merced' in text
    assert 'fold1, fold2 and fold4' in text and 'Too few arms' in text
    assert text.count('Nothing of this was run yet: `srstudy study real_eurosat_wald') == 4

def test_with_none_of_it(tmp_path):
    text, pictures = show('real', {}, tmp_path/'page.ipynb')
    # what is kept of the patches of BigEarthNet needs no Record
    assert pictures <= 1 and 'nan' not in text and text.count('<table') == 1
    assert all(f'srstudy study {table}' in text for table in TABLES)
