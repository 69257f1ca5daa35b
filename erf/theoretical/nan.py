"""NaN probing: fields found without any rule, by forward passes alone.

Half of the image is set to NaN. Every operator on the way hands NaN on, so the units that turn NaN
are those that read a pixel of that half. Moving the border of the half finds where each unit's
field begins and ends. It needs operators that pass NaN on (convolution, max pooling, relu and
softmax do; comparisons do not), and sees the image's pixels only, never the padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Int64
from torch import nn

from erf.borrow import borrowed
from erf.errors import LayerError
from erf.graph.tokens import TokenGrid
from erf.theoretical.field import Boxes, TheoreticalField
from erf.theoretical.geometry import Geometry, geometry_of
from erf.theoretical.half_images import HalfImages, Hit
from erf.theoretical.perturbed import Perturbed
from erf.theoretical.swallowed import Swallowed
from erf.theoretical.weightless import Weightless


def nan_boxes(
    model: nn.Module,
    layer: str,
    image_size: tuple[int, int],
    *,
    unit: tuple[int, int] | None = None,
    channels: int = 3,
    channel_dim: int = 1,
    tokens: tuple[TokenGrid, int] | None = None,
    batch: int = 8,
) -> Int64[np.ndarray, "rows cols 4"]:
    """(top, left, bottom, right) of every unit's field within the image.

    All zero for a unit that reads no pixel. A weight that is zero today counts as reading, as 0 x
    NaN is NaN; one that is zero by construction, as at a sample of an interpolation, does not.

    Args:
        model: any module that takes one image.
        layer: module path.
        image_size: (rows, cols).
        unit: look for this unit alone, in fewer passes; the others' boxes are then wider than true.
        channels: of the image.
        channel_dim: dimension of the layer's output that is its channels, tokens being two.
        tokens: the grid among the layer's tokens, and which dimension they are.
        batch: images of a forward pass.

    Raises:
        LayerError: when there is no such layer, its output holds no numbers, or it has NaN without
            any in the image.
    """
    probe = HalfImages(model, layer, image_size, channels, channel_dim, batch, tokens)
    with borrowed(model), tap_by_tap():
        clean = probe.hits([])
        if clean.any():
            raise LayerError(f"layer {layer!r} is NaN on a clean image, so NaN tells nothing")
        ends = [probe.ends(axis, unit) for axis in (0, 1)]
    return _boxes_of(ends)


def _boxes_of(ends: Sequence[Sequence[Int64[np.ndarray, "rows cols"]]]) -> Boxes:
    (top, bottom), (left, right) = ends
    boxes = np.stack([top, left, bottom, right], axis=-1)
    empty = (boxes[..., 0] >= boxes[..., 2]) | (boxes[..., 1] >= boxes[..., 3])
    return np.where(empty[..., None], 0, boxes)


def perturbed_boxes(
    model: nn.Module, layer: str, image_size: tuple[int, int], channels: int = 3
) -> Boxes:
    """Boxes of the pixels that change a unit when drawn anew: none too many, maybe too few.

    They back NaN probing where an operator swallows NaN. All zero for a unit that never changed.

    Args:
        model: any module that takes one image.
        layer: module path.
        image_size: (rows, cols).
        channels: of the image.
    """
    probe = Perturbed(model, layer, image_size, channels, 1, 8)
    with borrowed(model):
        return _boxes_of([probe.ends(axis, None) for axis in (0, 1)])


def _hull(first: Boxes, second: Boxes) -> Boxes:
    """The smallest boxes that hold both; an empty one adds nothing."""
    low = np.minimum(first[..., :2], second[..., :2])
    both = np.concatenate([low, np.maximum(first[..., 2:], second[..., 2:])], axis=-1)
    for one, other in ((first, second), (second, first)):
        both = np.where((one[..., 2:] == 0).all(-1)[..., None], other, both)
    return both


def nan_field(
    model: nn.Module, layer: str, image_size: tuple[int, int], *, channels: int = 3
) -> TheoreticalField:
    """A layer's field by NaN probing; see `erf.theoretical_field`.

    Size, stride and padding come from the units whose field ends inside the image. Where there is
    none, the size is that of the widest box, a lower bound, and the reasons say so. The status is
    ``lower_bound`` where an operator on the way swallowed the NaN that it was shown: what is read
    behind it was not seen. Then pixels are drawn anew too, by numbers, and boxes hold all that
    changes a unit: see `perturbed_boxes`.

    Raises:
        LayerError: as in `nan_boxes`.
    """
    boxes = nan_boxes(model, layer, image_size, channels=channels)
    gates = swallowing(model, layer, image_size, channels)
    more = False
    if gates:
        backed = _hull(boxes, perturbed_boxes(model, layer, image_size, channels))
        more, boxes = bool((backed != boxes).any()), backed
    axes = [_interior(boxes, axis, image_size[axis]) for axis in (0, 1)]
    cut = any(not inside for _, inside in axes)
    rows, cols = (geometry for geometry, _ in axes)
    return TheoreticalField(
        layer=layer,
        image_size=image_size,
        units=boxes.shape[:2],
        size=(rows.size, cols.size),
        stride=(rows.stride, cols.stride),
        padding=(rows.padding, cols.padding),
        status="lower_bound" if gates else "exact",
        channel_dim=1,
        reasons=tuple(f"{gate} swallows NaN" for gate in gates)
        + (("numbers drawn anew found pixels that NaN did not",) if more else ())
        + (("all fields reach the border: size is a lower bound",) if cut else ()),
        _clipped=lambda: boxes,
        _unclipped=None,
        _support=None,
    )


def swallowing(
    model: nn.Module, layer: str, image_size: tuple[int, int], channels: int = 3
) -> tuple[str, ...]:
    """Operators that swallow NaN before a layer is done: each was shown some, and handed none on.

    Found by one forward pass of an image that is nothing but NaN.
    """
    probe = HalfImages(model, layer, image_size, channels, 1, 1)
    with borrowed(model), tap_by_tap():
        probe.hits([])  # counts how often the layer is called, so that the next pass ends there
        with Swallowed() as swallowed:
            probe.hits([(slice(None), slice(None))])
    return tuple(swallowed.names)


def _interior(
    boxes: Int64[np.ndarray, "rows cols 4"], axis: int, length: int
) -> tuple[Geometry, bool]:
    """Geometry along an axis, and whether it is that of units whose field the image holds."""
    first, last = (np.moveaxis(boxes[..., end], axis, 0) for end in (axis, axis + 2))
    inside = np.flatnonzero(((first > 0) & (last < length)).all(axis=1))
    if not len(inside):
        return Geometry(int((last - first).max()), None, None), False
    span = slice(inside[0], inside[-1] + 1)
    return geometry_of(first[span], last[span], -int(inside[0])), True


def nan_reached(
    model: nn.Module, layer: str, image_size: tuple[int, int], box: Sequence[int], channels: int = 3
) -> Hit:
    """The units that turn NaN with the pixels of one (top, left, bottom, right) box."""
    top, left, bottom, right = box
    probe = HalfImages(model, layer, image_size, channels, 1, 1)
    with borrowed(model), tap_by_tap():
        return probe.hits([(slice(top, bottom), slice(left, right))])[0]


@contextmanager
def tap_by_tap() -> Iterator[None]:
    """Only what is weighed hands NaN on.

    Winograd and Fourier transforms of a convolution spread NaN over whole tiles, and interpolation
    multiplies samples by weights of zero.
    """
    nnpack = torch.backends.nnpack.set_flags(False)  # type: ignore[no-untyped-call]
    try:
        with torch.backends.cudnn.flags(enabled=False), Weightless():  # type: ignore[no-untyped-call]
            yield
    finally:
        torch.backends.nnpack.set_flags(nnpack[0])  # type: ignore[no-untyped-call]
