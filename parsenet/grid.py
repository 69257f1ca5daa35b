"""Where the units of a map sit in the image: the arithmetic behind every crop."""

from dataclasses import dataclass

from parsenet.errors import ModelError


@dataclass(frozen=True)
class Grid:
    """One axis of a map: unit ``u`` is centred on pixel ``centre + u * stride`` of the image.

    The image itself is ``Grid()``. Values are multiples of a half, hence exact as floats. Two maps
    can be added once they have the same grid: the offset of the crop that achieves it is
    ``offset_to``, which is what Caffe's ``coord_map.crop`` computes for the original networks.
    """

    stride: float = 1.0
    centre: float = 0.0

    def then(self, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1) -> "Grid":
        """Return the grid after a convolution or a pooling."""
        lead = dilation * (kernel - 1) / 2 - padding
        return Grid(self.stride * stride, self.centre + lead * self.stride)

    def upsampled(self, kernel: int, *, stride: int, padding: int = 0) -> "Grid":
        """Return the grid after a transposed convolution."""
        finer = self.stride / stride
        return Grid(finer, self.centre - ((kernel - 1) / 2 - padding) * finer)

    def interpolated(self, factor: int) -> "Grid":
        """Return the grid after bilinear interpolation to ``factor`` times the resolution."""
        finer = self.stride / factor
        return Grid(finer, self.centre - (self.stride - finer) / 2)

    def offset_to(self, reference: "Grid") -> int:
        """Return how many leading units to crop so that this map starts where ``reference`` does.

        Raises:
            ModelError: if no whole, non-negative number of units does.
        """
        offset = (reference.centre - self.centre) / self.stride
        if self.stride != reference.stride or offset != int(offset) or offset < 0:
            raise ModelError(f"no crop of {self} starts where {reference} does")
        return int(offset)
