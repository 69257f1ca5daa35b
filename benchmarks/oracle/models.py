"""Models of torchvision and timm, small of their kind, on small images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import torchvision
from torch import nn

from benchmarks.oracle.case import Case

TORCHVISION = {
    "deeplabv3_mobilenet_v3_large": (33, 49),
    "efficientnet_b0": (33, 49),
    "googlenet": (64, 48),
    "lraspp_mobilenet_v3_large": (33, 49),
    "mnasnet0_5": (33, 49),
    "mobilenet_v2": (33, 49),
    "mobilenet_v3_small": (33, 49),
    "regnet_y_400mf": (33, 49),
    "resnet18": (33, 49),
    "shufflenet_v2_x0_5": (33, 49),
    "squeezenet1_1": (33, 49),
    "swin_t": (64, 96),
}
"""Image sizes by name."""


def of_torchvision(name: str) -> nn.Module:
    """A model without trained weights."""
    options: dict[str, object] = {"weights": None}
    if name.startswith(("deeplab", "fcn", "lraspp")):
        options["weights_backbone"] = None
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    return torchvision.models.get_model(name, **options)


TIMM = {
    "botnet26t_256": 256,
    "coat_lite_tiny": 224,
    "convmixer_768_32": 64,
    "eca_resnext26ts": 64,
    "edgenext_xx_small": 64,
    "efficientvit_b0": 64,
    "fastvit_t8": 64,
    "gernet_s": 64,
    "ghostnet_050": 64,
    "ghostnetv2_100": 64,
    "halonet26t": 128,
    "hardcorenas_a": 64,
    "hrnet_w18_small": 64,
    "lcnet_035": 64,
    "levit_128s": 224,
    "mambaout_femto": 64,
    "mixer_s32_224": 224,
    "mixnet_s": 64,
    "mobilenetv4_conv_small": 64,
    "mobilevit_xxs": 64,
    "mobilevitv2_050": 64,
    "poolformer_s12": 64,
    "pvt_v2_b0": 64,
    "repghostnet_050": 64,
    "repvit_m0_9": 64,
    "res2net50_14w_8s": 64,
    "resnest14d": 64,
    "rexnet_100": 64,
    "skresnet18": 64,
    "starnet_s1": 64,
    "vit_tiny_patch16_224": 224,
    "xcit_nano_12_p16_224": 64,
}
"""Side of a square image by name."""


def of_timm(name: str) -> nn.Module:
    """A model without trained weights."""
    import timm

    return timm.create_model(name, pretrained=False)


def models() -> list[Case]:
    """One a name; timm's only where it is installed."""
    found = [_case("torchvision", name, of_torchvision, size) for name, size in TORCHVISION.items()]
    if find_spec("timm") is not None:
        found += [_case("timm", name, of_timm, (side, side)) for name, side in TIMM.items()]
    return found


def _case(library: str, name: str, make: Callable[[str], nn.Module], size: tuple[int, int]) -> Case:
    return Case(f"{library} {name}", partial(make, name), (3, *size), ())
