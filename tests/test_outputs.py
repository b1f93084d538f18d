"What the notebooks show is stored in them: enough of it, small, and of no machine in particular."
import pytest
from srstudy.book.outputs import MOST, executed, is_stale, outputs_frame

@pytest.fixture(scope='module')
def frame():
    stored = outputs_frame()
    if not stored.shown.any(): pytest.skip('no outputs are stored yet: make outputs')
    return stored

def test_nine_of_ten_cells_show_something(frame):
    assert frame.shown.sum() >= .9*frame.to_show.sum(), frame[frame.shown < frame.to_show]

def test_pictures_are_small(frame):
    assert frame.largest.max() <= MOST, frame.largest.idxmax()
    assert frame.kB.sum() < 12_000

def test_no_output_names_a_path_of_a_machine(frame):
    assert not frame.machine_paths.any(), frame[frame.machine_paths > 0]

def test_outputs_belong_to_their_cells(frame):
    stale = [p.name for p in executed() if is_stale(p)]
    assert not stale, f'cells have changed since their outputs were stored: {stale}; make outputs'
