"""NaN probing: fields found without any rule, by forward passes alone.

Half of the image is set to NaN. Every operator on the way hands NaN on, so the units that turn NaN
are those that read a pixel of that half. Moving the border of the half finds where each unit's
field begins and ends. It needs operators that pass NaN on (convolution, max pooling, relu and
softmax do; comparisons do not), and sees the image's pixels only, never the padding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes

from erf.borrow import borrowed, placed_like
from erf.errors import LayerError
from erf.graph.tokens import TokenGrid
from erf.layer_name import LayerName
from erf.modules import find_layer
from erf.theoretical.field import TheoreticalField
from erf.theoretical.geometry import Geometry, geometry_of
from erf.theoretical.swallowed import Swallowed

Side = Literal["before", "from"]
Hit = Bool[np.ndarray, "rows cols"]


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

    All zero for a unit that reads no pixel. A zero weight counts as reading: 0 x NaN is NaN.

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
    probe = _Probe(model, layer, image_size, channels, channel_dim, batch, tokens)
    with borrowed(model), exact_convolution():
        clean = probe.hits([])
        if clean.any():
            raise LayerError(f"layer {layer!r} is NaN on a clean image, so NaN tells nothing")
        ends = [probe.ends(axis, unit) for axis in (0, 1)]
    (top, bottom), (left, right) = ends
    boxes = np.stack([top, left, bottom, right], axis=-1)
    empty = (boxes[..., 0] >= boxes[..., 2]) | (boxes[..., 1] >= boxes[..., 3])
    return np.where(empty[..., None], 0, boxes)


def nan_field(
    model: nn.Module, layer: str, image_size: tuple[int, int], *, channels: int = 3
) -> TheoreticalField:
    """A layer's field by NaN probing; see `erf.theoretical_field`.

    Size, stride and padding come from the units whose field ends inside the image. Where there is
    none, the size is that of the widest box, a lower bound, and the reasons say so. The status is
    ``lower_bound`` where an operator on the way swallowed the NaN that it was shown: what is read
    behind it was not seen.

    Raises:
        LayerError: as in `nan_boxes`.
    """
    boxes = nan_boxes(model, layer, image_size, channels=channels)
    gates = swallowing(model, layer, image_size, channels)
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
    probe = _Probe(model, layer, image_size, channels, 1, 1)
    with borrowed(model), exact_convolution():
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
    probe = _Probe(model, layer, image_size, channels, 1, 1)
    with borrowed(model), exact_convolution():
        return probe.hits([(slice(top, bottom), slice(left, right))])[0]


@contextmanager
def exact_convolution() -> Iterator[None]:
    """Convolve tap by tap: Winograd and Fourier transforms spread NaN over whole tiles."""
    nnpack = torch.backends.nnpack.set_flags(False)  # type: ignore[no-untyped-call]
    try:
        with torch.backends.cudnn.flags(enabled=False):
            yield
    finally:
        torch.backends.nnpack.set_flags(nnpack[0])  # type: ignore[no-untyped-call]


class _Enough(Exception):
    """The layer has run for the last time, so the rest of the model need not."""


class _Probe:
    """Runs a model on images part of which is NaN, up to one layer."""

    def __init__(
        self,
        model: nn.Module,
        layer: str,
        image_size: tuple[int, int],
        channels: int,
        channel_dim: int,
        batch: int,
        tokens: tuple[TokenGrid, int] | None = None,
    ) -> None:
        self.model, self.layer, self.size = model, layer, image_size
        self.module, self.name = find_layer(model, layer), LayerName.parse(layer)
        self.calls = self.name.call
        self.image = placed_like(model, torch.full((channels, *image_size), 0.5))
        self.channel_dim, self.batch, self.tokens = channel_dim, batch, tokens

    def hits(self, regions: Sequence[tuple[slice, slice]]) -> Bool[np.ndarray, "n rows cols"]:
        """Units that are NaN when a region is, for each region; without regions, for none."""
        images = self.image.repeat(max(len(regions), 1), 1, 1, 1)
        for image, (rows, cols) in zip(images, regions, strict=False):
            image[:, rows, cols] = torch.nan
        hits: list[Bool[np.ndarray, "n rows cols"]] = []

        def look(_: nn.Module, __: object, output: object) -> None:
            with _disable_current_modes():
                hits.append(self._nan(self.name.select(output)))
            if len(hits) == self.calls:
                raise _Enough

        with self.module.register_forward_hook(look), suppress(_Enough):
            self.model(images)
        if not hits:
            raise LayerError(f"layer {self.layer!r} does not run in the model's forward pass")
        self.calls = len(hits)
        return hits[-1]

    def ends(
        self, axis: int, unit: tuple[int, int] | None
    ) -> tuple[Int64[np.ndarray, "rows cols"], Int64[np.ndarray, "rows cols"]]:
        """First pixel of each unit's field along an axis, and the one after its last.

        Units hit by pixels ``[p:]`` become fewer as p grows, those hit by ``[:p]`` more. So where
        two borders hit the same units, no border between them has to be tried.
        """
        length = self.size[axis]
        last = np.sum(
            self._changes(length, lambda p: self._half(axis, slice(p, None)), unit), axis=0
        )
        before = self._changes(length, lambda p: self._half(axis, slice(0, p + 1)), unit)
        return length - np.sum(before, axis=0), last

    def _half(self, axis: int, part: slice) -> tuple[slice, slice]:
        return (part, slice(None)) if axis == 0 else (slice(None), part)

    def _changes(
        self, length: int, half: Callable[[int], tuple[slice, slice]], unit: tuple[int, int] | None
    ) -> Bool[np.ndarray, "length rows cols"]:
        """Units hit by each of the halves 0 to length - 1, trying only where they differ."""
        known: dict[int, Hit] = {}
        spans = [(0, length - 1)]
        self._try({0, length - 1}, half, known)
        while spans := [s for a, b in spans for s in _split(a, b, known, unit)]:
            self._try({border for span in spans for border in span}, half, known)
        filled = [known[0]]
        for border in range(1, length):
            filled.append(known.get(border, filled[-1]))
        return np.stack(filled)

    def _try(
        self, borders: set[int], half: Callable[[int], tuple[slice, slice]], known: dict[int, Hit]
    ) -> None:
        new = sorted(borders - known.keys())
        for start in range(0, len(new), self.batch):
            some = new[start : start + self.batch]
            known.update(zip(some, self.hits([half(border) for border in some]), strict=True))

    def _nan(self, output: object) -> Bool[np.ndarray, "n rows cols"]:
        """Which units of an output are NaN in any channel; without positions, one unit."""
        if isinstance(output, dict):
            output = next(iter(output.values()))
        if isinstance(output, tuple | list):
            output = output[0]
        if not isinstance(output, Tensor):
            kind = type(output).__name__
            raise LayerError(f"layer {self.layer!r} puts out a {kind}, not a tensor")
        if self.tokens is not None:
            grid, dim = self.tokens
            output = grid.cut(output, dim)
        found = output.isnan()
        if output.ndim == 4:
            return found.any(dim=self.channel_dim).cpu().numpy()
        return found.flatten(1).any(dim=1)[:, None, None].cpu().numpy()


def _split(
    a: int, b: int, known: dict[int, Hit], unit: tuple[int, int] | None
) -> list[tuple[int, int]]:
    """Halves of a span of borders, if something changes within it."""
    same = known[a] == known[b]
    if b - a < 2 or (same.all() if unit is None else same[unit]):
        return []
    middle = (a + b) // 2
    return [(a, middle), (middle, b)]
