"Grad-CAM against captum's, for every classifier in both widths."
import pytest, torch
from captum.attr import LayerGradCam
from torch import nn
from srstudy.cards import CLASSIFIERS
from srstudy.learn.classifiers import get_classifier
from srstudy.score.gradcam import grad_cam

LABELS, IMAGES = [*range(5), *range(3, 8)], [0]*5 + [1]*5  # some labels on both images


def random_net(arch, width):
    "A classifier with random weights and batch statistics other than those of initialisation."
    torch.manual_seed(0)
    net = get_classifier(arch, 19, width=width)
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_(0, .2)
            m.running_var.uniform_(.5, 2)
    # a larger head, so that no map is lost in rounding
    nn.init.normal_(net.get_classifier().weight)
    return net.eval()


@pytest.mark.parametrize('width', ['mini', pytest.param('full', marks=pytest.mark.slow)])
@pytest.mark.parametrize('arch', [a for a, card in CLASSIFIERS.items() if not card.frozen])
def test_equals_captum(arch, width):
    net = random_net(arch, width)
    # captum wants the layer by name; ours finds it by timm's own division
    layer = net.layer4 if arch.startswith('resnet') else net.features
    x = torch.randn(2, 3, 96, 96)
    ours = grad_cam(net, x, LABELS, IMAGES)
    theirs = LayerGradCam(net, layer).attribute(
        x[IMAGES], target=torch.tensor(LABELS), relu_attributions=True)[:, 0].detach()
    assert ours.shape == theirs.shape and (ours > 0).any()
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5*float(theirs.max()))
