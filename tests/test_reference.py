"What stands in book/reference is what the papers print, and hangs together."
import pandas as pd, pytest
from srstudy.labels import BEN19
from srstudy.tables import published

def test_table1_is_whole():
    t = published('paper1_table1')
    assert t.groupby(['classifier', 'sr']).metric.nunique().eq(6).all() and len(t) == 4*5*6
    assert t.value.between(0, 1).all()

@pytest.mark.parametrize('sr', ['No SR', 'SRResNet', 'HAT', 'SeeSR', 'RealESRGAN'])
def test_table2_columns_average_to_its_last_row(sr):
    t = published('paper1_table2').query('sr == @sr').set_index('class').value
    printed = t.pop('Average Macro F2 score')
    assert len(t) == 19
    # Both the cells and the average are rounded to three digits.
    assert abs(t.mean() - printed) <= .0005 + .0005

def test_table2_names_the_19_classes():
    names = published('paper1_table2')['class'].unique()[:-1]
    short = lambda n: n.replace(' & ', ' and ').split(', with')[0]   # the paper shortens one name and abbreviates "and"
    assert list(map(short, names)) == list(map(short, BEN19))

def test_best_of_table1_is_bold_but_for_the_known_misprints():
    "facts: ResNet-101's P is bold twice, its F1 is bold on .571 where .572 is printed."
    t = published('paper1_table1')
    odd = set()
    for (arch, metric), g in t.groupby(['classifier', 'metric']):
        best = g.value.min() if metric in ('HL', 'OE') else g.value.max()
        if set(g.sr[g.bold]) != set(g.sr[g.value == best]): odd.add((arch, metric))
    assert odd == {('ResNet-101', 'P'), ('ResNet-101', 'F1')}
