"Loops of others, with their real libraries, train for a step on the images of an arm."
import numpy as np, pytest, torch
from srstudy.cards import BANDS
from srstudy.data.index import read_index
from srstudy.data.labels import encode_targets
from srstudy.images.pack import pack_chips
from srstudy.sr.arms import get_sr
from srstudy.sr.enlarge import super_resolve
from srstudy.synth.bigearthnet import write_synthetic

lightning = pytest.importorskip('lightning.pytorch', reason='lightning is not installed: no loop of Lightning is run')
pytestmark = pytest.mark.slow

@pytest.fixture
def data(home):
    index = read_index('synthetic', write_synthetic(home/'ben', 24, size=12, workers=1))
    return index, super_resolve(get_sr('srresnet'), pack_chips(index, BANDS['rgb'], workers=1))

def trainer(home): return lightning.Trainer(max_steps=1, accelerator='cpu', logger=False, enable_checkpointing=False,
                                            enable_progress_bar=False, enable_model_summary=False, default_root_dir=home)

def test_torchgeo_trains_a_classifier_of_labels(data, home):
    trainers = pytest.importorskip('torchgeo.trainers', reason='torchgeo is not installed: none of its loops is run')
    from srstudy.learn.geo import ArmDataModule
    index, images = data; targs = encode_targets(index, 'ben19')
    task = trainers.ClassificationTask(model='resnet18', weights=None, in_channels=3, task='multilabel', loss='bce',
                                       num_labels=targs.shape[1])
    before = task.model.conv1.weight.detach().clone(); run = trainer(home)
    run.fit(task, ArmDataModule(images, targs, index.split, batch_size=4))
    assert run.global_step == 1 and torch.isfinite(run.callback_metrics['train_loss'])
    assert not torch.equal(before, task.model.conv1.weight)
    (scores,) = run.validate(task, ArmDataModule(images, targs, index.split, batch_size=4), verbose=False)
    assert 0 <= scores['val_F1Score'] <= 1

def test_torchgeo_trains_a_map_of_every_pixel(data, home):
    trainers = pytest.importorskip('torchgeo.trainers', reason='torchgeo is not installed: none of its loops is run')
    from srstudy.learn.geo import ArmDataModule
    index, images = data; maps = np.random.default_rng(0).integers(0, 5, (24, 12, 12)).astype(np.uint8)
    maps[:, :2] = 255                                              # not known
    kind = dict(model='unet', backbone='resnet18', weights=None, in_channels=3, task='multiclass', num_classes=5, ignore_index=255)
    task, run = trainers.SemanticSegmentationTask(**kind), trainer(home)
    crop = lambda sample: {k: v[..., :32, :32] for k, v in sample.items()} # a U-Net halves its sides five times
    module = ArmDataModule(images, maps, index.split, batch_size=4, transforms=crop); module.setup()
    batch = module.on_after_batch_transfer(next(iter(module.train_dataloader())))
    assert batch['image'].shape == (4, 3, 32, 32) and batch['mask'].shape == (4, 32, 32)
    run.fit(task, module)
    assert run.global_step == 1 and torch.isfinite(run.callback_metrics['train_loss'])

def test_a_torchgeo_data_set_asks_for_no_more(data):
    torchgeo = pytest.importorskip('torchgeo.datasets', reason='torchgeo is not installed: nothing is compared with it')
    from srstudy.learn.geo import ArmDataset
    index, images = data; ours = ArmDataset(images, encode_targets(index, 'ben19'))
    assert {*torchgeo.NonGeoDataset.__abstractmethods__} == {'__getitem__', '__len__'} and hasattr(ours, 'plot')
    batch = next(iter(torch.utils.data.DataLoader(ours, 4)))
    assert {k: v.shape[0] for k, v in batch.items()} == dict(image=4, label=4)
