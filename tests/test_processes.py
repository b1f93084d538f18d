"Two processes that train one network, and are killed once, leave the Record that one process leaves."
import dataclasses, multiprocessing, os, subprocess, time
import pytest

fork = multiprocessing.get_context('fork')

def kept(path):
    "The losses that a checkpoint has behind it."
    import torch
    return torch.load(path, weights_only=True)['state']['counts']['history']['losses']

def training(path):
    "The processes that train for a checkpoint."
    lines = subprocess.run(['ps', '-A', '-ww', '-o', 'pid=,args='], text=True, stdout=subprocess.PIPE).stdout.splitlines()
    return [line.split()[0] for line in lines if str(path) in line]

def wait(what, seconds=300):
    end = time.time() + seconds
    while not what():
        assert time.time() < end, 'nothing happened'
        time.sleep(.05)

@pytest.mark.slow
def test_two_processes_train_as_one(home, monkeypatch):
    from srstudy.params import Experiment
    from srstudy.study import steps
    from srstudy.study.record import results_dir, save_record
    alone = Experiment(labels='clc1', scenes=120, size=12, bs=16, schedule=[[0, 6, .01]], workers=0)
    one = steps.run(alone)
    for path in results_dir().iterdir(): path.unlink()
    two = dataclasses.replace(alone, gpus=2)
    index = steps.get_scenes(two); dls = steps.get_data(two, index, steps.get_images(two, index))
    path = steps.training_path(two, dls)

    p = fork.Process(target=steps.train, args=(two, dls)); p.start()
    wait(lambda: path.exists() or not p.is_alive())
    before = kept(path)
    p.kill(); p.join()
    wait(lambda: not training(path))            # nobody waits for them: they end by themselves

    learn = steps.train(two, dls)
    assert 0 < len(before) < len(learn.history.losses) and learn.history.losses[:len(before)] == before
    assert len(learn.history.epochs) == 6 and learn.history.epochs[-1][0] == 6*len(dls.train)
    preds = steps.answer(two, learn, index)
    assert not results_dir().exists() or not os.listdir(results_dir())
    written = []
    monkeypatch.setattr(steps, 'save_record', lambda rec, preds: written.append(rec) or save_record(rec, preds))
    steps.file_record(two, learn, steps.make_record(two, index, preds), preds)
    rec, = written
    assert (rec.key, rec.name, rec.inputs) == (one.key, one.name, one.inputs)
    value, low, high = one.scores['f1']
    assert one.prior['f1'][1] > .05              # it has learnt: the interval is of something
    assert low <= rec.scores['f1'][0] <= high
