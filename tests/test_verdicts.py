"Every printed number has a margin, every verdict is one of the rule's, and the words of the old rule are gone."
from itertools import chain
import re
import pytest
from srstudy.core import repo_root
from srstudy.papers.paper1 import claims1
from srstudy.papers.paper2_ledger import claims2
from srstudy.papers.paper3_ledger import claims3
from srstudy.papers.verdicts import VERDICTS, get_margin, margins

@pytest.mark.parametrize('claims', [claims1, claims2, claims3])
def test_every_printed_score_has_a_margin(claims):
    for score in claims().score.unique(): assert get_margin(score).size > 0

def test_every_margin_has_its_own_words():
    assert all(len(m.reason) > 5 for m in margins().values())

def test_scores_of_the_records_have_margins():
    metrics = {'acc', 'hl', 'oe', 'p', 'r', 'f1', 'exact', 'f1_micro', 'f1_macro', 'f2_macro', 'ap_macro', 'ap_micro'}
    assert metrics <= set(margins())

def test_old_words_are_gone():
    "What the first rule said could be earned by a wide interval; no page and no module may say it again."
    old = re.compile(r'(same|opposite) direction|not resolved')
    files = chain((repo_root()/'book').glob('*.md'), (repo_root()/'srstudy').rglob('*.py'))
    assert not [f.name for f in files if old.search(f.read_text())]

def test_the_page_of_the_rule_has_all_its_words():
    text = (repo_root()/'book/ledger.md').read_text()
    assert not [v for v in VERDICTS if f'*{v}*' not in text]
