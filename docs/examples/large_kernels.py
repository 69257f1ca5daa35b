"""A ConvNeXt-T with depthwise kernels of 31x31, as large as RepLKNet's: FILE:FUNCTION for `erf`.

erf probe docs/examples/large_kernels.py:convnext_tiny_31 --layer features.3 --image photo.jpg
"""

from torch import nn
from torchvision.models import convnext_tiny

KERNEL = 31


def convnext_tiny_31() -> nn.Module:
    """ConvNeXt-T whose 18 depthwise convolutions have kernels of 31x31 instead of 7x7."""
    model = convnext_tiny(weights=None)
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Conv2d) and child.groups == child.in_channels > 1:
                wide = child.in_channels
                larger = nn.Conv2d(wide, wide, KERNEL, padding=KERNEL // 2, groups=wide)
                setattr(module, name, larger)
    return model
