"""Rules against NaN probing on the networks of torchvision: all units, not only the central one."""

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from erf.graph import Graph, Node, export
from erf.theoretical import nan_boxes
from erf.theoretical.analyse import analyse

SMALL = (65, 49)
QUICK = {
    "resnet18": (97, 65),
    "mobilenet_v3_small": SMALL,
    "shufflenet_v2_x0_5": (97, 65),
    "squeezenet1_1": (97, 65),
    "lraspp_mobilenet_v3_large": SMALL,
}
ALL = {
    "alexnet": (97, 65),
    "convnext_tiny": (97, 65),
    "deeplabv3_mobilenet_v3_large": SMALL,
    "deeplabv3_resnet50": SMALL,
    "densenet121": SMALL,
    "efficientnet_b0": SMALL,
    "efficientnet_v2_s": SMALL,
    "fcn_resnet50": SMALL,
    "googlenet": (97, 65),
    "inception_v3": (97, 81),
    "maxvit_t": (224, 224),  # its layers fit no other size
    "mnasnet0_5": (97, 65),
    "mobilenet_v2": (97, 65),
    "regnet_x_400mf": (97, 65),
    "regnet_y_400mf": (97, 65),
    "resnet50": (97, 65),
    "resnext50_32x4d": (97, 65),
    "squeezenet1_0": (97, 65),
    "swin_t": (64, 96),
    "swin_v2_t": (64, 96),
    "vgg11": (64, 48),
    "vgg16_bn": (64, 48),
    "wide_resnet50_2": SMALL,
}


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    options = {"weights": None}
    if name.startswith(("deeplab", "fcn", "lraspp")):
        options["weights_backbone"] = None
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    return torchvision.models.get_model(name, **options).eval()


def some_layers(graph: Graph, count: int = 5) -> list[str]:
    """Maps spread over the network's depth, blocks rather than their parts."""
    paths = [p for p in graph.layers if len(p) > 0 and p.count(".") < 2 and is_map(graph.layer(p))]
    picked = np.linspace(0, len(paths) - 1, count).round().astype(int)
    return [paths[index] for index in dict.fromkeys(picked)]


def is_map(node: Node) -> bool:
    return node.layout is not None and node.layout.is_map


def channel_dim(node: Node) -> int:
    assert node.layout is not None
    (dim,) = {1, 2, 3} - {node.layout.row_dim, node.layout.col_dim}
    return dim


def check(name: str, image_size: tuple[int, int]) -> None:
    model = build(name)
    graph = export(model, (1, 3, *image_size))
    for field in analyse(graph, some_layers(graph)):
        dim = channel_dim(graph.layer(field.layer))
        truth = nan_boxes(model, field.layer, image_size, channel_dim=dim)
        np.testing.assert_array_equal(field.boxes(), truth, err_msg=field.layer)
        assert field.status in ("exact", "whole_image"), (field.layer, field.reasons)


@pytest.mark.parametrize("name", QUICK)
def test_boxes_equal_nan_probing(name: str):
    check(name, QUICK[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_boxes_equal_nan_probing_all(name: str):
    check(name, ALL[name])
