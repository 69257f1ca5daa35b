"""First and last pixel of every unit's field, for all units of a node at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from scipy.sparse import csr_array

from erf.geometry.axis import EVERYTHING, Relation, Whole

Ends = Int64[np.ndarray, "2 levels classes _rows _cols"]
Range = tuple[int, int]
Intervals = tuple[Int64[np.ndarray, "_rows _cols"], Int64[np.ndarray, "_rows _cols"]]

NOTHING = -EVERYTHING
"""Both ends of a field without pixels: less than any, so that a union is a plain maximum."""


@dataclass(frozen=True)
class Extent:
    """Hulls of the fields of units ``start`` and following, rows and columns apart.

    Fields are products of a row interval and a column interval, so ``rows`` has one column (or
    as many as units, once branches joined of which some reach nothing), and ``cols`` one row.
    Entry 0 is minus the first pixel and entry 1 the last one plus 1: growing is a maximum.

    Levels are what the field is at most; what a whole tensor reads for certain; what each unit
    reads for certain. A single level stands for all three.

    Attributes:
        start: index of the first (row, col) unit.
        rows: ends along rows.
        cols: ends along columns.
    """

    start: tuple[int, int]
    rows: Ends
    cols: Ends

    @classmethod
    def of_image(cls, rows: Range, cols: Range) -> Extent:
        """Pixels that read themselves."""
        row, col = np.arange(*rows), np.arange(*cols)
        return cls(
            (rows[0], cols[0]),
            np.stack([-row, row + 1]).reshape(2, 1, 1, -1, 1),
            np.stack([-col, col + 1]).reshape(2, 1, 1, 1, -1),
        )

    @property
    def sparse(self) -> bool:
        """Whether some unit reads nothing."""
        return bool((_length(self.rows) <= 0).any() or (_length(self.cols) <= 0).any())

    def through(self, relation: Relation, axis: int, onto: Range, size: int | None) -> Extent:
        """The fields of outputs ``onto`` of a relation along one axis (0 rows, 1 columns).

        Args:
            relation: what outputs read.
            axis: 0 for rows, 1 for columns.
            onto: first output and the one after the last.
            size: inputs there are, beyond which is padding; None for no bounds.
        """
        ends = [
            self._moved(e, relation, axis, onto, size)
            if own == axis or e.shape[3 + axis] > 1
            else e
            for own, e in enumerate((self.rows, self.cols))
        ]
        begin = (onto[0], self.start[1]) if axis == 0 else (self.start[0], onto[0])
        return Extent(begin, *ends)

    def _moved(
        self, ends: Ends, relation: Relation, axis: int, onto: Range, size: int | None
    ) -> Ends:
        start, place = self.start[axis], 3 + axis
        first, last = onto[0] - start, onto[1] - start
        if not ends.shape[place]:  # nothing reads any of them
            return np.full((*ends.shape[:place], last - first, *ends.shape[place + 1 :]), NOTHING)
        if relation.identity and first >= 0 and last <= ends.shape[place]:
            return _cut(ends, place, first, last)
        if isinstance(relation, Whole):
            summit = _cut(ends, place, -start, relation.size - start).max(axis=place, keepdims=True)
            return np.repeat(summit, onto[1] - onto[0], axis=place)
        taps, meant = relation.taps(np.arange(*onto))
        if size is not None:
            meant = meant & (taps >= 0) & (taps < size)
        found = ends.take(np.where(meant, taps - start, 0), axis=place)
        mask = meant.reshape(*meant.shape, *(1,) * (ends.ndim - 1 - place))
        return np.where(mask, found, NOTHING).max(axis=place + 1)

    def along(
        self,
        pairs: csr_array,
        size: tuple[int, int],
        outputs: tuple[int, int],
        onto: tuple[Range, Range],
    ) -> Extent:
        """The fields of outputs ``onto`` that read listed inputs; beyond the map they read nothing.

        Args:
            pairs: which output positions read which input positions, rows first.
            size: (rows, cols) of the inputs.
            outputs: (rows, cols) there are.
            onto: rows and columns that are wanted of them.
        """
        ends = [_joined(e, pairs, outputs, onto) for e in self.dense_at(size)]
        return Extent((onto[0][0], onto[1][0]), *ends)

    def dense_at(self, size: tuple[int, int]) -> list[Ends]:
        """Ends of the units of a map of ``size``, all spelled out."""
        window = (
            slice(-self.start[0], size[0] - self.start[0]),
            slice(-self.start[1], size[1] - self.start[1]),
        )
        rows, cols = (_window(e, window) for e in (self.rows, self.cols))
        if not (rows.size and cols.size):  # nothing reads any of them
            return [np.full((*rows.shape[:3], *size), NOTHING)] * 2
        whole = Extent((0, 0), rows, cols).dense(size)
        return [whole.rows, whole.cols]

    def nothing(self) -> Extent:
        """As many units, none of which reads anything: channels that are constant."""
        return Extent(
            self.start,
            np.full_like(self.rows[:, :, :1], NOTHING),
            np.full_like(self.cols[:, :, :1], NOTHING),
        )

    def levels(self, order: Sequence[int | None]) -> Extent:
        """Take what is certain from other levels; None is nothing."""
        return Extent(self.start, *(_levels(ends, order) for ends in (self.rows, self.cols)))

    def classes(self, which: Sequence[int]) -> Extent:
        """Some classes of channels."""
        return Extent(self.start, self.rows[:, :, list(which)], self.cols[:, :, list(which)])

    def dense(self, shape: tuple[int, int]) -> Extent:
        """With both ends of every unit spelled out, nothing where one axis reads nothing."""
        full = [np.broadcast_to(e, (*e.shape[:3], *shape)) for e in (self.rows, self.cols)]
        empty = (_length(full[0]) <= 0) | (_length(full[1]) <= 0)
        return Extent(self.start, *(np.where(empty[None], NOTHING, e) for e in full))

    def merged(self, level: int, units: tuple[Range, Range]) -> Extent:
        """Some units' fields over all classes of channels, at one level."""
        at = [min(level, self.rows.shape[1] - 1)]
        (top, bottom), (left, right) = units
        window = (
            slice(top - self.start[0], bottom - self.start[0]),
            slice(left - self.start[1], right - self.start[1]),
        )
        rows, cols = (_window(e[:, at], window) for e in (self.rows, self.cols))
        part = Extent((top, left), rows, cols)
        classes = [part.classes([label]) for label in range(rows.shape[2])]
        return union(classes, (bottom - top, right - left))

    @property
    def intervals(self) -> tuple[Intervals, Intervals]:
        """(first, last) row and (first, last) column of fields of a single level and class."""
        rows, cols = self.rows[:, 0, 0], self.cols[:, 0, 0]
        return (-rows[0], rows[1]), (-cols[0], cols[1])

    @property
    def spans(self) -> tuple[Int64[np.ndarray, "rows 2"], Int64[np.ndarray, "cols 2"]]:
        """First row and the one after the last that each row of units reads; columns likewise."""
        along = self.rows[:, 0, 0].max(axis=2), self.cols[:, 0, 0].max(axis=1)
        rows, cols = (np.stack([-first, last], axis=1) for first, last in along)
        return (
            np.where(rows[:, :1] < rows[:, 1:], rows, 0),
            np.where(cols[:, :1] < cols[:, 1:], cols, 0),
        )

    @property
    def boxes(self) -> Int64[np.ndarray, "rows cols 4"]:
        """(top, left, bottom, right), all zero where nothing is read; one level and class."""
        (top, bottom), (left, right) = self.intervals
        boxes = np.stack(np.broadcast_arrays(top, left, bottom, right), axis=-1)
        empty = (boxes[..., 0] >= boxes[..., 2]) | (boxes[..., 1] >= boxes[..., 3])
        return np.where(empty[..., None], 0, boxes)


def union(parts: Sequence[Extent], shape: tuple[int, int]) -> Extent:
    """Fields that read what any of ``parts`` reads.

    Args:
        parts: at least one, of the same units.
        shape: (rows, cols) of units.
    """
    if len(parts) > 1 and any(part.sparse for part in parts):
        parts = [part.dense(shape) for part in parts]
    rows, cols = parts[0].rows, parts[0].cols
    for part in parts[1:]:
        rows, cols = np.maximum(rows, part.rows), np.maximum(cols, part.cols)
    return Extent(parts[0].start, rows, cols)


def stack(parts: Sequence[Extent]) -> Extent:
    """Classes of channels side by side."""
    if len(parts) == 1:
        return parts[0]
    return Extent(
        parts[0].start,
        _concatenate([part.rows for part in parts]),
        _concatenate([part.cols for part in parts]),
    )


def _concatenate(
    ends: Sequence[Int64[np.ndarray, "2 _levels _classes _rows _cols"]],
) -> Int64[np.ndarray, "2 levels classes rows cols"]:
    shapes = np.array([e.shape for e in ends])
    shape = shapes.max(axis=0)
    return np.concatenate(
        [np.broadcast_to(e, (*shape[:2], e.shape[2], *shape[3:])) for e in ends], axis=2
    )


def _joined(ends: Ends, pairs: csr_array, size: tuple[int, int], onto: tuple[Range, Range]) -> Ends:
    flat = ends.reshape(*ends.shape[:3], -1)
    counts = np.diff(pairs.indptr)
    result = np.full((*flat.shape[:3], pairs.shape[0]), NOTHING)
    filled = np.flatnonzero(counts)
    if len(filled):
        taken = flat[..., pairs.indices]
        result[..., filled] = np.maximum.reduceat(taken, pairs.indptr[filled], axis=-1)
    grid = result.reshape(*flat.shape[:3], *size)
    (top, bottom), (left, right) = onto
    widths = [(0, 0)] * 3 + [(max(0, -top), max(0, bottom - size[0]))]
    widths += [(max(0, -left), max(0, right - size[1]))]
    grown = np.pad(grid, widths, constant_values=NOTHING)
    first, second = top + widths[3][0], left + widths[4][0]
    return grown[..., first : first + bottom - top, second : second + right - left]


def _length(ends: Ends) -> Int64[np.ndarray, "levels classes rows cols"]:
    return ends[0] + ends[1]


def _cut(ends: Ends, place: int, first: int, last: int) -> Ends:
    return ends[(slice(None),) * place + (slice(first, last),)]


def _window(ends: Ends, window: tuple[slice, slice]) -> Ends:
    rows, cols = ends.shape[3:]
    if rows > 1:
        ends = ends[:, :, :, window[0]]
    return ends[..., window[1]] if cols > 1 else ends


def _levels(
    ends: Ends, order: Sequence[int | None]
) -> Int64[np.ndarray, "2 chosen classes _rows _cols"]:
    last = ends.shape[1] - 1
    taken = [
        np.full_like(ends[:, 0], NOTHING) if level is None else ends[:, min(level, last)]
        for level in order
    ]
    return np.stack(taken, axis=1)
