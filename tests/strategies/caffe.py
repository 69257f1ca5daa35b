"""Caffe's files and networks, apart from the package: an encoder of its own, layers by hand.

Field numbers are those of ``caffe.proto`` (BVLC) and of NVIDIA's fork for halves.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from torch.nn import functional as F

WIDE = (2, 2, "M", 4, 4, "M", 8, 8, 8, "M", 16, 16, 16, "M", 16, 16, 16, "M")
"""VGG-16 at a 32nd of its width."""


@cache
def net_class(packed: bool = True) -> Any:
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")

    def message(name: str, *declared: tuple[str, int, int, bool, str]) -> None:
        added = file.message_type.add(name=name)
        for title, number, kind, repeated, of in declared:
            one = added.field.add(name=title, number=number, type=kind)
            one.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            if of:
                one.type_name = f".caffe.{of}"
            if repeated and kind in (field.TYPE_FLOAT, field.TYPE_DOUBLE, field.TYPE_INT64):
                one.options.packed = packed

    whole, many = field.TYPE_INT32, True
    message("BlobShape", ("dim", 1, field.TYPE_INT64, many, ""))
    message(
        "BlobProto",
        *((name, k, whole, False, "") for k, name in enumerate(("num", "channels", "height"), 1)),
        ("width", 4, whole, False, ""),
        ("data", 5, field.TYPE_FLOAT, many, ""),
        ("diff", 6, field.TYPE_FLOAT, many, ""),
        ("shape", 7, field.TYPE_MESSAGE, False, "BlobShape"),
        ("double_data", 8, field.TYPE_DOUBLE, many, ""),
        ("raw_data_type", 10, whole, False, ""),
        ("raw_data", 12, field.TYPE_BYTES, False, ""),
    )
    message(
        "V1LayerParameter",
        ("bottom", 2, field.TYPE_STRING, many, ""),
        ("name", 4, field.TYPE_STRING, False, ""),
        ("type", 5, whole, False, ""),
        ("blobs", 6, field.TYPE_MESSAGE, many, "BlobProto"),
    )
    message(
        "LayerParameter",
        ("name", 1, field.TYPE_STRING, False, ""),
        ("type", 2, field.TYPE_STRING, False, ""),
        ("blobs", 7, field.TYPE_MESSAGE, many, "BlobProto"),
    )
    message(
        "NetParameter",
        ("name", 1, field.TYPE_STRING, False, ""),
        ("layers", 2, field.TYPE_MESSAGE, many, "V1LayerParameter"),
        ("input", 3, field.TYPE_STRING, many, ""),
        ("layer", 100, field.TYPE_MESSAGE, many, "LayerParameter"),
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))


def write(
    path: Path,
    blobs: dict[str, list[np.ndarray]],
    *,
    version: int = 2,
    packed: bool = True,
    legacy: bool = False,
    kind: str = "float",
) -> Path:
    """Write a network; ``kind`` is float, double, half or raw (NVIDIA's float)."""
    net = net_class(packed)(name="net", input=["data"])
    layers = net.layers if version == 1 else net.layer
    layers.add(name="data")
    for name, arrays in blobs.items():
        layer = layers.add(name=name)
        for array in arrays:
            blob = layer.blobs.add()
            if legacy:
                four = (1,) * (4 - array.ndim) + array.shape
                blob.num, blob.channels, blob.height, blob.width = four
            else:
                blob.shape.dim.extend(array.shape)
            if kind == "float":
                blob.data.extend(array.ravel().tolist())
            elif kind == "double":
                blob.double_data.extend(array.ravel().tolist())
            else:
                blob.raw_data_type = {"half": 2, "raw": 1}[kind]
                blob.raw_data = array.astype({"half": "<f2", "raw": "<f4"}[kind]).tobytes()
    path.write_bytes(net.SerializeToString())
    return path


def random_blobs(kind: str, classes: int = 21) -> dict[str, list[np.ndarray]]:
    """Return blobs of a narrow released network, named and shaped as in its prototxt.

    ``kind``: vgg (fc6 and fc7 are matrices), reduced, parsenet, fcn32s, fcn16s or fcn8s.
    """
    rng = np.random.default_rng(0)

    def filled(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) * (2 / np.prod(shape[1:])) ** 0.5).astype(np.float32)

    def layer(*shape: int) -> list[np.ndarray]:
        return [filled(*shape), rng.uniform(0, 0.3, shape[0]).astype(np.float32)]

    blobs, inputs, stage, index = {}, 3, 1, 1
    for each in WIDE:
        if each == "M":
            stage, index = stage + 1, 1
            continue
        blobs[f"conv{stage}_{index}"] = layer(int(each), inputs, 3, 3)
        inputs, index = int(each), index + 1
    reduced = kind in ("reduced", "parsenet")
    fc = 32 if reduced else 128
    blobs["fc6"] = layer(fc, 16, 3, 3) if reduced else layer(128, 16, 7, 7)
    blobs["fc7"] = layer(fc, fc, 1, 1)
    if kind == "vgg":
        for name in ("fc6", "fc7"):
            blobs[name][0] = blobs[name][0].reshape(128, -1)
        blobs["fc8"] = layer(classes, 128)
    if kind == "parsenet":
        for name in ("fc7_norm", "pool6_1x1_norm"):
            blobs[name] = [rng.uniform(5, 15, fc).astype(np.float32)]
            blobs[f"{name}_score{classes}"] = layer(classes, fc, 1, 1)
        blobs[f"upscore{classes}"] = [
            rng.uniform(0, 1, (classes, 1, 16, 16)).astype(np.float32),
            rng.uniform(0, 1, classes).astype(np.float32),
        ]
    if kind.startswith("fcn"):
        blobs["score_fr"] = layer(classes, 128, 1, 1)
        ups = {"fcn32s": {"upscore": 32}, "fcn16s": {"upscore2": 2, "upscore16": 16}}
        ups["fcn8s"] = {"upscore2": 2, "upscore_pool4": 2, "upscore8": 8}
        for name, factor in ups[kind].items():
            # Not quite bilinear, so that what is there from the start would not do.
            blobs[name] = [0.5 * matrix_of_bilinear(classes, factor)]
        for name in {"fcn32s": (), "fcn16s": ("pool4",), "fcn8s": ("pool4", "pool3")}[kind]:
            blobs[f"score_{name}"] = layer(classes, 16 if name == "pool4" else 8, 1, 1)
    return blobs


def matrix_of_bilinear(channels: int, factor: int) -> np.ndarray:
    """FCN's surgery: the bilinear filter on the diagonal of a full deconvolution."""
    size = 2 * factor
    ramp = 1 - np.abs(np.arange(size) - (factor - 0.5)) / factor
    weight = np.zeros((channels, channels, size, size), np.float32)
    weight[range(channels), range(channels)] = np.outer(ramp, ramp)
    return weight


Blobs = dict[str, list[torch.Tensor]]


def tensors(blobs: dict[str, list[np.ndarray]]) -> Blobs:
    return {name: [torch.from_numpy(a).double() for a in each] for name, each in blobs.items()}


def caffes_input(levels: np.ndarray) -> torch.Tensor:
    """RGB grey levels to what Caffe's network takes: BGR minus the mean, channel by channel."""
    mean = (104.00698793, 116.66876762, 122.67891434)
    planes = [levels[..., 2 - k].astype(np.float64) - mean[k] for k in range(3)]
    return torch.from_numpy(np.stack(planes))[None]


def trunk(x: torch.Tensor, blobs: Blobs, *, first: int, dense: bool) -> dict[str, torch.Tensor]:
    kept, stage, index = {}, 1, 1
    for each in WIDE:
        if each == "M":
            if dense and stage > 3:
                x = F.max_pool2d(x, 3, 1, 1)
            else:
                x = F.max_pool2d(x, 2, 2, ceil_mode=True)
            kept[f"pool{stage}"] = x
            stage, index = stage + 1, 1
            continue
        dilation = 2 if dense and stage == 5 else 1
        padding = first if (stage, index) == (1, 1) else dilation
        x = F.conv2d(x, *blobs[f"conv{stage}_{index}"], padding=padding, dilation=dilation).relu()
        index += 1
    if dense:
        x = F.conv2d(x, *blobs["fc6"], padding=12, dilation=12).relu()
    else:
        x = F.conv2d(x, *blobs["fc6"]).relu()
    kept["fc7"] = F.conv2d(x, *blobs["fc7"]).relu()
    return kept


def parsenet(image: torch.Tensor, blobs: Blobs, classes: int = 21) -> torch.Tensor:
    """The released VGG_VOC2012ext, layer by layer."""

    def normalize(x: torch.Tensor, name: str) -> torch.Tensor:
        return x / (1e-10 + (x * x).sum(1, keepdim=True)).sqrt() * blobs[name][0].view(1, -1, 1, 1)

    fc7 = trunk(image, blobs, first=1, dense=True)["fc7"]
    local = F.conv2d(normalize(fc7, "fc7_norm"), *blobs[f"fc7_norm_score{classes}"])
    pooled = normalize(fc7.mean((2, 3), keepdim=True), "pool6_1x1_norm")
    total = local + F.conv2d(pooled, *blobs[f"pool6_1x1_norm_score{classes}"])
    weight, bias = blobs[f"upscore{classes}"]
    up = F.conv_transpose2d(total, weight, bias, stride=8, padding=4, groups=classes)
    return up[:, :, : image.shape[2], : image.shape[3]]


def fcn(image: torch.Tensor, blobs: Blobs, kind: str) -> torch.Tensor:
    """FCN's deploy.prototxt: pads, crops and all."""
    kept = trunk(image, blobs, first=100, dense=False)

    def up(x: torch.Tensor, name: str, factor: int) -> torch.Tensor:
        return F.conv_transpose2d(x, blobs[name][0], stride=factor)

    def crop(x: torch.Tensor, like: torch.Tensor, offset: int) -> torch.Tensor:
        rows, cols = like.shape[2:]
        return x[:, :, offset : offset + rows, offset : offset + cols]

    x = F.conv2d(kept["fc7"], *blobs["score_fr"])
    if kind == "fcn32s":
        return crop(up(x, "upscore", 32), image, 19)
    x = up(x, "upscore2", 2)
    x = x + crop(F.conv2d(kept["pool4"], *blobs["score_pool4"]), x, 5)
    if kind == "fcn16s":
        return crop(up(x, "upscore16", 16), image, 27)
    x = up(x, "upscore_pool4", 2)
    x = x + crop(F.conv2d(kept["pool3"], *blobs["score_pool3"]), x, 9)
    return crop(up(x, "upscore8", 8), image, 31)


def vgg16(image: torch.Tensor, blobs: Blobs) -> torch.Tensor:
    """Class scores of one image of 224x224 pixels, its layers fully connected."""
    convolutional = {**blobs, "fc6": [blobs["fc6"][0].view(128, 16, 7, 7), blobs["fc6"][1]]}
    convolutional["fc7"] = [blobs["fc7"][0].view(128, 128, 1, 1), blobs["fc7"][1]]
    pool5 = trunk(image, convolutional, first=1, dense=False)["pool5"].flatten(1)
    x = F.linear(pool5, *blobs["fc6"]).relu()
    return F.linear(F.linear(x, *blobs["fc7"]).relu(), *blobs["fc8"])
