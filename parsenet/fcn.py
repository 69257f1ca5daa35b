"""FCN-32s, FCN-16s and FCN-8s on VGG-16 (Long, Shelhamer, Darrell 2015).

As the reference networks have it: the image is padded by 100 pixels, fc6 is not padded, the
deconvolutions are bilinear, fixed and without bias, and crops line the maps up. The offsets of the
crops (5, 9 and 19, 27, 31) follow from the grids. Only the start of the score layers is not FCN's
zero but uniform ("xavier"), with which ParseNet's authors report a better FCN-32s.
"""

from jaxtyping import Float
from torch import Tensor, nn

from parsenet.bilinear import BilinearDeconvolution
from parsenet.combine import Crop, Sum
from parsenet.convolution import ScoreConv
from parsenet.grid import Grid
from parsenet.vgg16 import VGG16

PADDING = 100


class _FCN(VGG16):
    """The trunk and the score of fc7 that all three share."""

    def __init__(self, *, classes: int, width: float, batch_norm: bool, dropout: bool) -> None:
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


class FCN32s(_FCN):
    """Scores of fc7, enlarged 32 times."""

    def __init__(
        self,
        *,
        classes: int = 21,
        width: float = 1.0,
        batch_norm: bool = False,
        dropout: bool = True,
    ) -> None:
        super().__init__(classes=classes, width=width, batch_norm=batch_norm, dropout=dropout)
        fc7 = self.grids["fc7"]
        self.upscore = _enlarge(classes, 32)
        self.score = Crop(_enlarged(fc7, 32).offset_to(Grid()))

    def forward(
        self, image: Float[Tensor, "n 3 height width"]
    ) -> Float[Tensor, "n classes height width"]:
        """Return the class scores of every pixel."""
        fc7 = self.trunk(image, "fc7")["fc7"]
        score: Tensor = self.score(self.upscore(self.score_fr(fc7)), image)
        return score


class FCN16s(_FCN):
    """Scores of fc7 and of pool4, enlarged 16 times."""

    def __init__(
        self,
        *,
        classes: int = 21,
        width: float = 1.0,
        batch_norm: bool = False,
        dropout: bool = True,
    ) -> None:
        super().__init__(classes=classes, width=width, batch_norm=batch_norm, dropout=dropout)
        fused = _enlarged(self.grids["fc7"], 2)
        self.upscore2 = _enlarge(classes, 2)
        self.score_pool4 = ScoreConv(self.channels["pool4"], classes)
        self.score_pool4c = Crop(self.grids["pool4"].offset_to(fused))
        self.fuse_pool4 = Sum()
        self.upscore16 = _enlarge(classes, 16)
        self.score = Crop(_enlarged(fused, 16).offset_to(Grid()))

    def forward(
        self, image: Float[Tensor, "n 3 height width"]
    ) -> Float[Tensor, "n classes height width"]:
        """Return the class scores of every pixel."""
        blobs = self.trunk(image, "pool4", "fc7")
        upscore2 = self.upscore2(self.score_fr(blobs["fc7"]))
        score_pool4 = self.score_pool4c(self.score_pool4(blobs["pool4"]), upscore2)
        fuse_pool4 = self.fuse_pool4([upscore2, score_pool4])
        score: Tensor = self.score(self.upscore16(fuse_pool4), image)
        return score


class FCN8s(_FCN):
    """Scores of fc7, of pool4 and of pool3, enlarged 8 times."""

    def __init__(
        self,
        *,
        classes: int = 21,
        width: float = 1.0,
        batch_norm: bool = False,
        dropout: bool = True,
    ) -> None:
        super().__init__(classes=classes, width=width, batch_norm=batch_norm, dropout=dropout)
        fused4 = _enlarged(self.grids["fc7"], 2)
        self.upscore2 = _enlarge(classes, 2)
        self.score_pool4 = ScoreConv(self.channels["pool4"], classes)
        self.score_pool4c = Crop(self.grids["pool4"].offset_to(fused4))
        self.fuse_pool4 = Sum()
        fused3 = _enlarged(fused4, 2)
        self.upscore_pool4 = _enlarge(classes, 2)
        self.score_pool3 = ScoreConv(self.channels["pool3"], classes)
        self.score_pool3c = Crop(self.grids["pool3"].offset_to(fused3))
        self.fuse_pool3 = Sum()
        self.upscore8 = _enlarge(classes, 8)
        self.score = Crop(_enlarged(fused3, 8).offset_to(Grid()))

    def forward(
        self, image: Float[Tensor, "n 3 height width"]
    ) -> Float[Tensor, "n classes height width"]:
        """Return the class scores of every pixel."""
        blobs = self.trunk(image, "pool3", "pool4", "fc7")
        upscore2 = self.upscore2(self.score_fr(blobs["fc7"]))
        score_pool4 = self.score_pool4c(self.score_pool4(blobs["pool4"]), upscore2)
        upscore_pool4 = self.upscore_pool4(self.fuse_pool4([upscore2, score_pool4]))
        score_pool3 = self.score_pool3c(self.score_pool3(blobs["pool3"]), upscore_pool4)
        fuse_pool3 = self.fuse_pool3([upscore_pool4, score_pool3])
        score: Tensor = self.score(self.upscore8(fuse_pool3), image)
        return score


def _enlarge(classes: int, factor: int) -> nn.Module:
    return BilinearDeconvolution(classes, factor, padding=0, bias=False, trainable=False)


def _enlarged(grid: Grid, factor: int) -> Grid:
    return grid.upsampled(2 * factor, stride=factor)
