"The book builds from what is committed, and says where its numbers come from."
import re, subprocess, sys
from pathlib import Path
import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow

def test_book_builds_from_the_committed_records(tmp_path, env):
    done = subprocess.run([Path(sys.executable).parent/'srstudy', 'book', '--out', tmp_path], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    page = (tmp_path/'_build/html/table1.html').read_text()
    text = re.sub(r'<[^>]+>', '', page)
    assert 'committed with the code' in text and 'Synthetic mini study' in text
    assert '0.583' in text and text.count('ours') >= 6          # the paper's best F1 of ResNet-50, beside ours
    ledger = (tmp_path/'_build/html/ledger.html').read_text()     # every published number: 4 classifiers, and Table 2
    assert ledger.count('<details>') == 5 and ledger.count('<tr class=') == 6 + 120 + 100
    assert not list((tmp_path/'_build').rglob('reports/*.err.log'))
