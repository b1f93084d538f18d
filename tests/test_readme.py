"The README is what its notebook gives, and names what is there."
from pathlib import Path
from srstudy.book.readme import readme_text
from srstudy.cards import ARMS

ROOT = Path(__file__).parents[1]
README = (ROOT/'README.md').read_text('utf-8')

def test_it_is_written_from_the_notebook(): assert README == readme_text(ROOT/'nbs/index.ipynb'), 'run make readme'

def test_the_commands_stand_word_for_word():
    for command in ('make study', 'make test', 'papermill nbs/run.ipynb -p sr hat'): assert f'\n{command}' in README

def test_every_wing_is_in_the_tree():
    tree = README[README.index('nbs/    '):]
    for wing in (ROOT/'nbs').glob('*/'):
        if any(wing.glob('*.ipynb')): assert f'\n  {wing.name}/ ' in tree, wing.name

def test_every_arm_is_named():
    assert [a for a in ARMS if f'`{a}`' not in README] == []
