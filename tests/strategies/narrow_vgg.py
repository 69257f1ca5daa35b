"""torchvision's VGG-16 with its layers' names, in narrow."""

import torch
from torch import nn
from torchvision.models.vgg import make_layers

WIDTH = 1 / 64  # 8 channels in pool5, 64 in fc6 and fc7


def narrow_vgg16(*, batch_norm: bool = False, classes: int = 10) -> nn.Module:
    """Return a randomly initialised network of 1/64 of the width, in evaluation mode.

    Biases and batch norms are moved off their start, so that a wrong one shows.
    """
    wide = [1, 1, "M", 2, 2, "M", 4, 4, 4, "M", 8, 8, 8, "M", 8, 8, 8, "M"]
    net = nn.Module()
    net.features = make_layers(wide, batch_norm=batch_norm)
    net.classifier = nn.Sequential(
        nn.Linear(8 * 49, 64),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(64, classes),
    )
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            nn.init.uniform_(module.bias, 0, 0.5)
        elif isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
    return net.eval()


def fc7(net: nn.Module, pool5: torch.Tensor) -> torch.Tensor:
    """Run the classifier up to the ReLU of its second layer."""
    out: torch.Tensor = net.classifier[:5](pool5.flatten(1))
    return out
