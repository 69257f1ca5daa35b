"""Caffe's binary files of trained networks, ``.caffemodel``, of all its versions.

The part of ``caffe.proto`` that holds weights, declared here so that no file of Caffe is needed:
layers of version 1 (``layers``) and 2 (``layer``), shapes as a list or as four legacy numbers, and
numbers as floats, doubles or the raw halves of NVIDIA's fork. Nothing else of a file is looked at.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from parsenet.errors import WeightsError

# Message: field: (number, type); * is repeated, other words than these types are messages.
SCHEMA: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "Shape": {"dim": (1, "int64*")},
    "Blob": {
        "num": (1, "int32"),
        "channels": (2, "int32"),
        "height": (3, "int32"),
        "width": (4, "int32"),
        # Packed floats are bytes on the wire; read as such, a hundred million of them cost nothing.
        "data": (5, "bytes*"),
        "shape": (7, "Shape"),
        "double_data": (8, "bytes*"),
        "raw_data_type": (10, "int32"),
        "raw_data": (12, "bytes"),
    },
    # The same wire, read number by number: for files whose floats are not packed.
    "Numbers": {"data": (5, "float*"), "double_data": (8, "double*")},
    "OldLayer": {"name": (4, "bytes"), "blobs": (6, "Blob*")},
    "Layer": {"name": (1, "bytes"), "blobs": (7, "Blob*")},
    "Net": {"layers": (2, "OldLayer*"), "layer": (100, "Layer*")},
}
RAW_TYPES = {0: np.dtype("<f8"), 1: np.dtype("<f4"), 2: np.dtype("<f2")}
"""NVIDIA's numbers of double, float and half."""

PARTS = ("weight", "bias")


def read_caffemodel(path: Path) -> dict[str, Tensor]:
    """Return the weights of every layer that has some, by ``LAYER.weight`` and ``LAYER.bias``.

    Leading ones of legacy shapes of biases and fully connected layers are dropped; all is float32.

    Raises:
        WeightsError: if the file is damaged or another one, or a blob has not the numbers that its
            shape says.
    """
    net = _parse(path)
    tensors: dict[str, Tensor] = {}
    for layer in (*net.layers, *net.layer):
        name = layer.name.decode("utf-8", "replace")
        for part, blob in zip(PARTS, layer.blobs, strict=False):
            values = _values(blob, f"{path}: {name}.{part}")
            legacy = not blob.HasField("shape")
            tensors[f"{name}.{part}"] = torch.from_numpy(_bare(values, part, legacy))
    if not tensors:
        raise WeightsError(f"{path}: is no caffemodel: it holds no layer with weights")
    return tensors


def _parse(path: Path) -> Any:
    try:
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise WeightsError(f"{path}: needs protobuf to be read: pip install protobuf") from error
    try:
        return messages()["Net"].FromString(path.read_bytes())
    except (DecodeError, OSError) as error:
        raise WeightsError(
            f"{path}: is no readable caffemodel, or a part of one: {error}"
        ) from error


@cache
def messages() -> dict[str, Any]:
    """Return the classes of ``SCHEMA``'s messages, in a pool of their own."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="weights.proto", package="weights")
    for message, declared in SCHEMA.items():
        added = file.message_type.add(name=message)
        for name, (number, word) in declared.items():
            label = kinds.LABEL_REPEATED if word.endswith("*") else kinds.LABEL_OPTIONAL
            kind = word.rstrip("*")
            field = added.field.add(name=name, number=number, label=label)
            if kind in SCHEMA:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".weights.{kind}"
            else:
                field.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = (pool.FindMessageTypeByName(f"weights.{name}") for name in SCHEMA)
    return {kind.name: message_factory.GetMessageClass(kind) for kind in found}


def _values(blob: Any, where: str) -> Shaped[np.ndarray, "..."]:
    """Return a blob's numbers in its shape, as float32."""
    if blob.HasField("shape"):
        shape = tuple(blob.shape.dim)
    else:
        shape = (blob.num, blob.channels, blob.height, blob.width)
    counts = []
    for values in _readings(blob, where):
        if values.size == prod(shape):
            return values.reshape(shape).astype(np.float32)
        counts.append(values.size)
    raise WeightsError(f"{where} has {max(counts)} numbers for the shape {shape}: it is damaged")


def _readings(blob: Any, where: str) -> Iterator[Shaped[np.ndarray, " numbers"]]:
    """Return the numbers in each way in which they can lie in a blob, the quickest first."""
    if blob.raw_data:
        if blob.raw_data_type not in RAW_TYPES:
            raise WeightsError(f"{where} has numbers of the unknown type {blob.raw_data_type}")
        yield _numbers([blob.raw_data], RAW_TYPES[blob.raw_data_type], where)
    if blob.double_data:
        yield _numbers(blob.double_data, np.dtype("<f8"), where)
    yield _numbers(blob.data, np.dtype("<f4"), where)
    single = messages()["Numbers"].FromString(blob.SerializeToString())
    yield np.array(single.double_data or single.data, np.float64)


def _numbers(chunks: Any, kind: Any, where: str) -> Shaped[np.ndarray, " numbers"]:
    content = b"".join(chunks)
    if len(content) % kind.itemsize:
        raise WeightsError(f"{where} ends in the middle of a number: it is damaged")
    return np.frombuffer(content, kind)


def _bare(values: Shaped[np.ndarray, "..."], part: str, legacy: bool) -> Shaped[np.ndarray, "..."]:
    """Drop the leading ones that four legacy axes have: of biases, scales, and of matrices."""
    if part == "bias" or values.shape[:3] == (1, 1, 1):
        return values.reshape(-1)
    return values.reshape(values.shape[2:]) if legacy and values.shape[:2] == (1, 1) else values
