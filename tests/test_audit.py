"The audit of published tables: what it finds in the papers, how often it doubts a true table, and what it misses."
from typer.testing import CliRunner
from srstudy.papers.audit import audit, reference_tables
from srstudy.papers.audit_trial import false_alarms, planted

def test_the_permuted_tables_of_paper3_are_found_from_the_tables_alone():
    found = audit(reference_tables('paper3'))
    order = found[found.rule == 'order']
    assert order.table.tolist() == ['paper3_table5', 'paper3_table6']
    assert order.said.str.endswith('beside the names in alphabetical order 0 are').all()
    nested = found[found.rule == 'nested']
    assert set(nested.table) == {'paper3_table4', 'paper3_table5'}
    assert set(found.rule) == {'nested', 'shares', 'order', 'repeat'}

def test_table4_alone_is_free_of_contradictions():
    assert not len(audit([t for t in reference_tables('paper3') if t.name == 'paper3_table4']))

def test_the_misprints_of_paper1_are_found_and_nothing_else():
    found = audit(reference_tables('paper1'))
    assert found[['cell', 'rule', 'severity']].to_numpy().tolist() == [
        ['ResNet-101, SeeSR: p', 'bold', 'impossible'],
        ['ResNet-101, SRResNet: f1', 'bold', 'impossible'],
        ['ResNet-101, SeeSR: f1', 'outlier', 'suspect'],
        ['ResNet-50, SRResNet: hl', 'outlier', 'suspect'],
        ['Average Macro F2 score, SRResNet: value', 'average', 'suspect']]

def test_at_most_one_true_table_in_a_hundred_is_called_impossible():
    "1,000 tables: 400 by class, 300 of sample averages, 100 times an archive and two levels."
    t = false_alarms(1000)
    assert t.tables.sum() == 1000
    assert t.impossible.sum() <= .01*t.tables.sum()
    assert t.suspect.sum() <= .05*t.tables.sum()

def test_nine_of_ten_planted_exchanges_are_found():
    "Of rows that differ: in their images by more than half, in their F1 by more than two of the last digit."
    t = planted(100)
    share = t.found/t.planted
    assert t.planted.sum() == 5*100
    for kind in ('whole rows, whose images differ by more than half; with level 2 and the archive',
                 'the F1 of two rows that differ by more than two of the last digit; one table'):
        assert share[kind] >= .9, t
    # of scores with two digits, many numbers of images can be true
    assert share['the images of two rows that differ by more than half; one table'] >= .8, t

def test_a_table_with_broken_lines_is_refused_in_a_sentence(tmp_path):
    from srstudy.cli import app
    path = tmp_path/'a.csv'
    path.write_text('class,f1\nPastures,.5,.6\n')
    out = CliRunner().invoke(app, ['audit', str(path)])
    assert out.exit_code == 1
    assert 'lines of different lengths' in out.output
    path.write_text('class,f1,f2\nPastures,.5,.6\n')
    assert CliRunner().invoke(app, ['audit', str(path)]).exit_code == 0
