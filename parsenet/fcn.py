"""FCN-32s, FCN-16s and FCN-8s on VGG-16 (Long, Shelhamer, Darrell 2015).

As the reference networks have it: the image is padded by 100 pixels, fc6 is not padded, the
deconvolutions are bilinear, fixed and without bias, and crops line the maps up. The offsets of the
crops (5, 9 and 19, 27, 31) follow from the grids. Only the start of the score layers is not FCN's
zero but uniform ("xavier"), with which ParseNet's authors report a better FCN-32s.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from parsenet.bilinear import BilinearDeconvolution
from parsenet.combine import Crop, Sum
from parsenet.convolution import ScoreConv
from parsenet.grid import Grid
from parsenet.vgg16 import VGG16

PADDING = 100


@dataclass(frozen=True)
class Skip:
    """Scores so far are enlarged twice by child ``upscore``; then those of ``layer`` are added."""

    upscore: str
    layer: str


class FCN(VGG16):
    """Scores of fc7, refined by those of finer layers, enlarged to the image."""

    skips: tuple[Skip, ...] = ()
    upscore_name = "upscore"

    def __init__(
        self,
        *,
        classes: int = 21,
        width: float = 1.0,
        batch_norm: bool = False,
        dropout: bool = True,
    ) -> None:
        super().__init__(
            stride=32,
            fc6="full",
            width=width,
            batch_norm=batch_norm,
            dropout=dropout,
            first_padding=PADDING,
            fc6_padding=0,
        )
        self.score_fr = ScoreConv(self.channels["fc7"], classes)
        grid = self.grids["fc7"]
        for skip in self.skips:
            grid = self._add_skip(skip, grid, classes)
        factor = 32 // 2 ** len(self.skips)
        self.add_module(self.upscore_name, _enlarge(classes, factor))
        self.score = Crop(_enlarged(grid, factor).offset_to(Grid()))

    @property
    def scored(self) -> tuple[str, ...]:
        """The layers that are scored."""
        return "fc7", *(skip.layer for skip in self.skips)

    def _add_skip(self, skip: Skip, grid: Grid, classes: int) -> Grid:
        """Add the children of a skip to scores on a grid; return the finer grid of the sum."""
        fused = _enlarged(grid, 2)
        self.add_module(skip.upscore, _enlarge(classes, 2))
        score = f"score_{skip.layer}"
        self.add_module(score, ScoreConv(self.channels[skip.layer], classes))
        self.add_module(f"{score}c", Crop(self.grids[skip.layer].offset_to(fused)))
        self.add_module(f"fuse_{skip.layer}", Sum())
        return fused

    def forward(
        self, image: Float[Tensor, "n 3 height width"]
    ) -> Float[Tensor, "n classes height width"]:
        """Return the class scores of every pixel."""
        blobs = self.trunk(image, *self.scored)
        score: Tensor = self.score_fr(blobs["fc7"])
        for skip in self.skips:
            name = f"score_{skip.layer}"
            upscore = self.get_submodule(skip.upscore)(score)
            finer = self.get_submodule(name)(blobs[skip.layer])
            cropped = self.get_submodule(f"{name}c")(finer, upscore)
            score = self.get_submodule(f"fuse_{skip.layer}")([upscore, cropped])
        score = self.score(self.get_submodule(self.upscore_name)(score), image)
        return score


class FCN32s(FCN):
    """Scores of fc7, enlarged 32 times."""


class FCN16s(FCN):
    """Scores of fc7 and of pool4, enlarged 16 times."""

    skips = (Skip("upscore2", "pool4"),)
    upscore_name = "upscore16"


class FCN8s(FCN):
    """Scores of fc7, of pool4 and of pool3, enlarged 8 times."""

    skips = (Skip("upscore2", "pool4"), Skip("upscore_pool4", "pool3"))
    upscore_name = "upscore8"


def _enlarge(classes: int, factor: int) -> nn.Module:
    return BilinearDeconvolution(classes, factor, padding=0, bias=False, trainable=False)


def _enlarged(grid: Grid, factor: int) -> Grid:
    return grid.upsampled(2 * factor, stride=factor)
