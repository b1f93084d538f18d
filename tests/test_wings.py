"The house as a graph: a wing imports only to its left, nothing goes in a circle, what is private stays in its module."
import ast
from graphlib import TopologicalSorter
from pathlib import Path
import pytest

ROOT = Path(__file__).parents[1]
WINGS = ('core', 'boundary', 'cards', 'params', 'data', 'synth', 'images', 'sr', 'learn', 'score', 'study', 'papers', 'book',
         'bench', 'executed', 'cli_scene', 'cli')
MODULES = {'.'.join(p.relative_to(ROOT).with_suffix('').parts): p for p in (ROOT/'srstudy').rglob('*.py')
           if p.name not in ('__init__.py', '_modidx.py')}

def imports(module, path):
    "Return (module imported, name) of all imports of ours, those inside functions too."
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((a.name, '') for a in node.names if a.name.split('.')[0] == 'srstudy')
        elif isinstance(node, ast.ImportFrom):
            home = module.split('.')[:-node.level] if node.level else []
            source = '.'.join([*home, *(node.module or '').split('.')]).rstrip('.')
            if source.split('.')[0] != 'srstudy': continue
            for a in node.names:
                inside = f'{source}.{a.name}'
                yield (inside, '') if inside in MODULES else (source, a.name)

EDGES = [(m, source, name) for m, path in MODULES.items() for source, name in imports(m, path)]

def wing(module): return WINGS.index(module.split('.')[1]) if '.' in module else -1

def test_every_module_is_in_a_wing():
    assert {m.split('.')[1] for m in MODULES} <= set(WINGS)

def test_a_wing_imports_only_to_its_left():
    assert not [(m, source) for m, source, _ in EDGES if wing(source) > wing(m)]

def test_no_import_goes_in_a_circle():
    TopologicalSorter({m: {s for a, s, _ in EDGES if a == m and s in MODULES} for m in MODULES}).prepare()

def test_no_private_name_crosses_a_module():
    assert not [(m, source, name) for m, source, name in EDGES if name.startswith('_') and name != '__version__']

def test_imports_by_string_are_the_loaders_of_the_cards():
    "A string can hide a circle from the tests above; only a card may name its loader, for that is how rows are added."
    users = {m for m, path in MODULES.items() if 'import_module' in path.read_text() or '__import__(' in path.read_text()}
    assert users <= {'srstudy.cards', 'srstudy.sr.nets'} # BasicSR's classes are asked for by name

@pytest.mark.parametrize('name', [w for w in WINGS if (ROOT/'srstudy'/w).is_dir() and w != 'bench'])
def test_a_wing_has_a_door(name):
    door = (ROOT/'srstudy'/name/'__init__.py').read_text()
    assert ast.get_docstring(ast.parse(door)) and 'lazy_loader.attach' in door
