"A release is opened by programs that do not know this study; the checklist and the letter to the authors say what is so."
import contextlib, io, itertools, json, re, shutil, time, warnings, zipfile
from datetime import date
from pathlib import Path
import mlcroissant, pandas as pd, pytest
from rocrate.rocrate import ROCrate
from srstudy.cards import PAPERS
from srstudy.core import sha256_file
from srstudy.data.index import get_dataset
from srstudy.study.record import read_predictions, read_record, recorded
from srstudy.book.authors import AUDIT, findings
from srstudy.book.build import HOST
from srstudy.book.cite import arxiv, bibtex, people, read_citation
from srstudy.book.crate import FIELDS, write_crate
from srstudy.book.croissant import setting_name

ROOT = Path(__file__).parents[1]
RECORDS = sorted((ROOT/'book/results').glob('*.json'))

@pytest.fixture(scope='module')
def crate(tmp_path_factory):
    "The release of all committed Records, and the seconds that it took."
    home, start = tmp_path_factory.mktemp('crate'), time.perf_counter()
    with pytest.MonkeyPatch.context() as m:
        m.setenv('SRSTUDY_CACHE', str(home/'cache')) # nothing is drawn already
        return write_crate(home/'release'), time.perf_counter() - start

@pytest.fixture(scope='module')
def graph(crate):
    return {e['@id']: e for e in json.loads((crate[0]/'ro-crate-metadata.json').read_text())['@graph']}

@pytest.mark.slow
def test_all_committed_records_take_less_than_a_minute(crate):
    assert crate[1] < 60
    assert sorted(p.name for p in (crate[0]/'records').glob('*.json')) == [p.name for p in RECORDS]

@pytest.mark.slow
def test_a_program_that_does_not_know_us_opens_the_crate(crate):
    with warnings.catch_warnings():
        warnings.simplefilter('error') # it warns of a file that no folder lists
        opened = ROCrate(crate[0])
    assert opened.mainEntity.type == ['File', 'SoftwareSourceCode', 'ComputationalWorkflow']
    files = {e.id for e in opened.data_entities if 'File' in e.type}
    assert files | {'ro-crate-metadata.json'} == {p.relative_to(crate[0]).as_posix() for p in crate[0].rglob('*') if p.is_file()}
    runs = opened.get_by_type('CreateAction')
    assert len(runs) == len(RECORDS) and {r.id for r in opened.root_dataset['mentions']} == {r.id for r in runs}
    for run in runs[::50]: assert all((crate[0]/made.id).exists() for made in run['result'])

@pytest.mark.slow
def test_every_file_is_what_its_hash_says(crate, graph):
    files = [e for e in graph.values() if 'sha256' in e]
    assert len(files) > 2*len(RECORDS) and all(sha256_file(crate[0]/e['@id']) == e['sha256'] for e in files)

@pytest.mark.slow
def test_a_run_is_told_as_its_record_has_it(crate, graph):
    for path in RECORDS[::37]:
        rec = read_record(path); run = graph[f'#run/{rec.name}']; exp = recorded(rec)
        of = [graph[v['@id']] for v in run['object']]
        given = {v['name']: v['value'] for v in of if 'exampleOfWork' in v}
        assert given == {n: v if isinstance(v := getattr(exp, n), str) else json.dumps(v) for n in FIELDS}
        inputs = {v['name']: v['value'] for v in of if 'exampleOfWork' not in v}
        assert inputs == {n: str(v) for n, v in rec.inputs.items() if v}
        machine = {graph[v['@id']]['name']: graph[v['@id']]['value'] for v in run['environment']}
        assert machine['processor'] == rec.made['processor'] and machine['version of torch'] == rec.made['versions']['torch']
        notebook = graph[run['instrument']['@id']]
        assert rec.made['commit'] in run['description'] and json.loads((crate[0]/notebook['@id']).read_text())['cells']
        assert rec.made['commit'] in notebook['@id'] or 'does not know it' in run['description']

@pytest.mark.slow
def test_what_the_profile_of_workflow_runs_asks_for(graph):
    root, itself = graph['./'], graph['ro-crate-metadata.json']
    assert {'https://w3id.org/ro/wfrun/process/0.5', 'https://w3id.org/ro/wfrun/workflow/0.5'} < {c['@id'] for c in root['conformsTo']}
    assert itself['about'] == {'@id': './'} and {'@id': 'https://w3id.org/ro/crate/1.1'} in itself['conformsTo']
    assert all(root[k] for k in ('name', 'description', 'datePublished', 'license')) and date.fromisoformat(root['datePublished'])
    main = root['mainEntity']
    assert any(e.get('instrument') == main for e in graph.values()), 'a run of the main workflow'
    for e in graph.values():
        if e['@type'] == 'FormalParameter': assert e['additionalType'] and e['workExample'], e['@id']
        if e['@type'] == 'CreateAction': assert e['endTime'] and e['agent']['@id'] in graph and e['instrument']['@id'] in graph

@pytest.mark.slow
def test_no_image_of_a_real_place_and_no_path_of_a_machine(crate):
    out = crate[0]
    assert not [p for p in out.rglob('*') if p.suffix.lower() in ('.tif', '.tiff', '.jpg', '.jpeg', '.png', '.webp')]
    with zipfile.ZipFile(out/'scenes/samples.zip') as packed: inside = packed.namelist()
    assert {n.split('/')[0] for n in inside} == {'synthetic', 'synthetic_sen12ms', 'synthetic_corine'}
    for p in out.glob('*/croissant.json'): assert 'personalSensitiveInformation' in p.read_text()
    for p in (out/'ro-crate-metadata.json', *out.glob('*/croissant.json'), *out.glob('scenes/*.csv')):
        assert str(ROOT) not in p.read_text() and not re.search(r'/(tmp|home|root|Users)/', p.read_text()), p

@pytest.mark.slow
@pytest.mark.parametrize('name', ['predictions', 'splits', 'scenes'])
def test_the_tables_are_read_by_the_reader_of_croissant(crate, name):
    data = mlcroissant.Dataset(jsonld=str(crate[0]/name/'croissant.json'))
    issues = data.metadata.ctx.issues
    assert not issues.errors and not issues.warnings, issues.report()
    said = data.metadata
    assert said.data_collection and said.data_biases and said.data_limitations and said.data_use_cases
    for table in data.metadata.record_sets:
        rows = [*itertools.islice(data.records(table.uuid), 3)]
        assert len(rows) == 3 and all(v is not None for row in rows for v in row.values())

@pytest.mark.slow
def test_the_predictions_are_those_beside_the_records(crate):
    table = pd.read_parquet(crate[0]/'predictions/predictions.parquet')
    labelled = {p.stem: read_predictions(p) for p in RECORDS[::60] if 'segmentation' != read_record(p).params['task']}
    assert table.run.nunique() == sum(read_record(p).params['task'] != 'segmentation' for p in RECORDS)
    for run, arrays in labelled.items():
        mine = table[(table.run == run) & (table.split == 'test')]
        assert (mine.probability.to_numpy() == arrays['probs'].ravel()).all() and (mine.target.to_numpy() == arrays['targs'].ravel()).all()
        assert mine['class'].iloc[:arrays['probs'].shape[1]].tolist() == list(read_record(ROOT/f'book/results/{run}.json').classes)

@pytest.mark.slow
def test_the_splits_are_those_of_every_record(crate):
    table = pd.read_csv(crate[0]/'splits/splits.csv')
    counts, tested = table.groupby(['setting', 'split']).size(), table[table.split == 'test'].groupby('setting').patch_id.agg(set)
    told = table.groupby('setting').listed_by.first()
    for path in RECORDS:
        rec = read_record(path); name = setting_name(recorded(rec)); found = counts[name].to_dict()
        assert found == (rec.counts if told[name] != 'predictions' else {s: rec.counts[s] for s in found}), name
    for path in RECORDS[::25]: assert {*read_predictions(path)['ids']} == tested[setting_name(recorded(read_record(path)))]

@pytest.mark.slow
def test_the_sample_is_read_by_the_readers_of_the_real_data(crate, tmp_path, home):
    with zipfile.ZipFile(crate[0]/'scenes/samples.zip') as packed: packed.extractall(tmp_path/'samples')
    listed = pd.read_csv(crate[0]/'scenes/samples.csv')
    for name, rows in listed.groupby('dataset'):
        index = get_dataset(name).index(tmp_path/'samples'/name)
        assert dict(zip(index.patch_id, index.split)) == dict(zip(rows.patch_id, rows.split))
        assert ['; '.join(l) for l in index.labels] == rows.labels.fillna('').tolist()
        assert all((tmp_path/'samples'/p).exists() for p in rows.place)

def test_a_record_of_other_patches_is_refused(tmp_path, monkeypatch):
    path = next(p for p in RECORDS if p.name.startswith('bicubic_resnet50'))
    for kind in ('.json', '.npz'): shutil.copy(path.with_suffix(kind), tmp_path)
    from srstudy.book import croissant
    wrong = lambda exp, preds, folds: (pd.DataFrame(dict(patch_id=['x'], split='test')), 'generator')
    monkeypatch.setattr(croissant, '_members', wrong)
    with pytest.raises(RuntimeError, match='was tested on other patches'): write_crate(tmp_path/'x', tmp_path)
    assert not (tmp_path/'x').exists()

CFF = {'cff-version', 'message', 'title', 'type', 'authors', 'license', 'version', 'date-released', 'repository-code', 'url',
       'abstract', 'keywords', 'references'} # those of the schema of CFF 1.2 that are used
REFERENCE = {'type', 'title', 'year', 'authors', 'url', 'identifiers'}

def test_the_citation_is_complete():
    cff = read_citation()
    assert {*cff} <= CFF and {'cff-version', 'message', 'title', 'authors'} <= {*cff} and cff['cff-version'] == '1.2.0'
    assert cff['type'] in ('software', 'dataset') and re.fullmatch(r'\d{4}-\d\d-\d\d', cff['date-released'])
    assert [arxiv(r) for r in cff['references']] == ['2501.06720', '2104.00704', '2003.02899']
    for paper, r in zip(PAPERS.values(), cff['references'], strict=True):
        assert {*r} <= REFERENCE and r['url'].endswith(arxiv(r)) and r['year'] in paper.title and people(r)[0][0] in paper.title
        assert {i['type'] for i in r['identifiers']} <= {'doi', 'url', 'swh', 'other'}
        assert r['title'] in (ROOT/'README.md').read_text() and bibtex(r).startswith('@misc{')
    from srstudy import __version__
    assert cff['version'] == __version__

def _links(page): return re.findall(r'\[([^\]]*)\]\(([^)\s]+)\)', (ROOT/f'book/{page}.md').read_text())

@pytest.mark.parametrize('page', ['checklist', 'authors'])
def test_every_answer_leads_somewhere(page):
    links = _links(page)
    for text, at in links:
        if at.startswith(HOST): path = ROOT/at.removeprefix(HOST).lstrip('/')
        elif at.startswith('https://'): continue
        else: path = (ROOT/'book'/at.partition('#')[0]).resolve()
        assert path.exists(), f'{text}: {at} of book/{page}.md leads nowhere'
        test = re.fullmatch(r'`(test_\w+)`', text)
        assert not test or re.search(rf'^def {test[1]}\(', path.read_text(), re.M), f'{at} has no {text}'
    assert len(links) > (30 if page == 'checklist' else 0)

@pytest.mark.parametrize('paper', PAPERS)
def test_the_lines_for_the_authors_say_what_the_page_says(paper):
    said = findings(paper)
    assert said[-1].title == AUDIT and len({f.title for f in said}) == len(said)
    for f in said:
        with contextlib.redirect_stdout(io.StringIO()) as out: exec(f.lines, {})
        table, sentence = f.find()
        assert out.getvalue() == f'{sentence}\n{table.to_string()}\n' and len(f.lines.splitlines()) == 5
