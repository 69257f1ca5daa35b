"""Windows of a batch of patches: where each lies in its map, cutting and moving them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import pad

from erf.geometry.axis import Window
from erf.graph import Node


@dataclass(frozen=True, eq=False)
class Lane:
    """Along one axis: where the window of each patch starts, and the length all of them have."""

    lo: Int64[np.ndarray, " patches"]
    length: int

    @cached_property
    def common(self) -> bool:
        """Whether all patches have the same window."""
        return bool((self.lo == self.lo[0]).all())

    @cached_property
    def index(self) -> Int64[np.ndarray, "patches length"]:
        """Positions of every window."""
        return self.lo[:, None] + np.arange(self.length)

    def canvas(self, window: Window) -> Lane:
        """What a sliding window must see to produce this lane; it may reach into the padding."""
        length = (self.length - 1) * window.stride + window.span
        return Lane(self.lo * window.stride - window.padding, length)

    def take(self, patches: Int64[np.ndarray, " some"]) -> Lane:
        """The lane of some patches."""
        return Lane(self.lo[patches], self.length)


@dataclass(frozen=True, eq=False)
class Frame:
    """The windows of a batch of patches in one map: a lane of rows and one of columns."""

    rows: Lane
    cols: Lane

    @property
    def size(self) -> tuple[int, int]:
        """(rows, cols) of each window."""
        return self.rows.length, self.cols.length

    def __len__(self) -> int:
        return len(self.rows.lo)


def whole_frame(size: tuple[int, int], patches: int) -> Frame:
    """The frame in which every window is the whole map."""
    start = np.zeros(patches, np.int64)
    return Frame(Lane(start, size[0]), Lane(start, size[1]))


def map_dims(node: Node) -> tuple[int, int]:
    """The dimensions that are rows and columns."""
    layout = node.layout
    assert layout is not None
    assert layout.row_dim is not None
    assert layout.col_dim is not None
    return layout.row_dim, layout.col_dim


def cut_clean(
    clean: Float[Tensor, "1 ..."],
    frame: Frame,
    dims: tuple[int, int],
    margin: tuple[int, int] = (0, 0),
) -> Float[Tensor, "patches ..."]:
    """The clean map under each window; one for all patches where they have the same window.

    Args:
        clean: the whole map, grown by ``margin`` on every side of rows and columns.
        frame: windows, which must lie in the grown map.
        dims: dimensions of ``clean`` that are rows and columns.
        margin: (rows, cols).
    """
    rows, cols = frame.rows.index + margin[0], frame.cols.index + margin[1]
    if frame.rows.common and frame.cols.common:
        cut = clean.narrow(dims[0], int(rows[0, 0]), frame.rows.length)
        return cut.narrow(dims[1], int(cols[0, 0]), frame.cols.length)
    places = clean[0].movedim((dims[0] - 1, dims[1] - 1), (0, 1))
    device = clean.device
    cut = places[
        torch.from_numpy(rows).to(device)[:, :, None], torch.from_numpy(cols).to(device)[:, None, :]
    ]
    return cut.movedim((1, 2), dims)


def refit(
    change: Float[Tensor, "batch ..."],
    have: Frame,
    want: Frame,
    dims: tuple[int, int],
) -> Float[Tensor, "batch ..."]:
    """The same change on other windows: zero where it was not, cut where it is not wanted.

    Args:
        change: patches times draws windows, draws running fastest.
        have: where its windows are.
        want: where they are to be.
        dims: its dimensions that are rows and columns.
    """
    top, left = have.rows.lo - want.rows.lo, have.cols.lo - want.cols.lo
    first = int(top[0]), int(left[0])
    meets = all(-h < o < w for o, h, w in zip(first, have.size, want.size, strict=True))
    if meets and (top == first[0]).all() and (left == first[1]).all():
        return _shift(change, first, want.size, dims)
    shape = list(change.shape)
    shape[dims[0]], shape[dims[1]] = want.size
    result = torch.zeros(shape, dtype=change.dtype, device=change.device)
    if change.ndim == 4 and dims == (2, 3):
        result = result.contiguous(memory_format=torch.channels_last)
    draws = len(change) // len(have)
    bounds = np.flatnonzero((np.diff(top) != 0) | (np.diff(left) != 0)) + 1
    for start, stop in zip([0, *bounds], [*bounds, len(have)], strict=True):
        part = slice(int(start) * draws, int(stop) * draws)
        into, source = result[part], change[part]
        for dim, offset in zip(dims, (int(top[start]), int(left[start])), strict=True):
            length = min(source.shape[dim], into.shape[dim] - offset) - max(0, -offset)
            into = into.narrow(dim, max(0, min(offset, into.shape[dim])), max(0, length))
            source = source.narrow(dim, max(0, min(-offset, source.shape[dim])), max(0, length))
        into.copy_(source)
    return result


def _shift(
    change: Float[Tensor, "batch ..."],
    offset: tuple[int, int],
    size: tuple[int, int],
    dims: tuple[int, int],
) -> Float[Tensor, "batch ..."]:
    """One offset for all windows."""
    widths = [0] * (2 * (change.ndim - min(dims)))
    for dim, before, wanted in zip(dims, offset, size, strict=True):
        at = 2 * (change.ndim - 1 - dim)
        widths[at], widths[at + 1] = before, wanted - before - change.shape[dim]
    if not any(widths):
        return change
    if max(widths) <= 0:
        for dim, before, wanted in zip(dims, offset, size, strict=True):
            change = change.narrow(dim, -before, wanted)
        return change
    return pad(change, widths)
