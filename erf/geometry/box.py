"""A box of pixels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Box:
    """A half-open rectangle: rows ``top`` to ``bottom - 1``, columns ``left`` to ``right - 1``.

    Coordinates may be negative or exceed the image: a theoretical field reaches into the padding.
    A box without pixels (``bottom <= top`` or ``right <= left``) is *empty*.
    """

    top: int
    left: int
    bottom: int
    right: int

    @classmethod
    def of_size(cls, size: tuple[int, int]) -> Box:
        """The box of a whole image of ``size`` (rows, cols)."""
        return cls(0, 0, *size)

    @property
    def height(self) -> int:
        """Rows, never negative."""
        return max(0, self.bottom - self.top)

    @property
    def width(self) -> int:
        """Columns, never negative."""
        return max(0, self.right - self.left)

    @property
    def size(self) -> tuple[int, int]:
        """(rows, cols)."""
        return self.height, self.width

    @property
    def area(self) -> int:
        """Pixels in the box."""
        return self.height * self.width

    @property
    def empty(self) -> bool:
        """Whether the box holds no pixel."""
        return self.area == 0

    @property
    def center(self) -> tuple[float, float]:
        """The middle, in pixel coordinates where pixel ``i`` has its centre at ``i``."""
        return (self.top + self.bottom - 1) / 2, (self.left + self.right - 1) / 2

    def intersect(self, other: Box) -> Box:
        """The pixels in both; possibly empty."""
        return Box(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )

    def clip(self, size: tuple[int, int]) -> Box:
        """The part inside an image of ``size`` (rows, cols)."""
        return self.intersect(Box.of_size(size))

    def hull(self, other: Box) -> Box:
        """The smallest box holding both."""
        if self.empty or other.empty:
            return other if self.empty else self
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )

    def shift(self, rows: int, cols: int) -> Box:
        """The box moved by whole pixels."""
        return Box(self.top + rows, self.left + cols, self.bottom + rows, self.right + cols)

    def slices(self) -> tuple[slice, slice]:
        """Indices of the box in an array whose last two axes are (rows, cols)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)
