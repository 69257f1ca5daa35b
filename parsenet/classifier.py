"""VGG-16 as it classifies images, made fully convolutional."""

from jaxtyping import Float
from torch import Tensor

from parsenet.convolution import ScoreConv
from parsenet.vgg16 import VGG16, Fc6


class VGG16Classifier(VGG16):
    """VGG-16 with its fc8 as a 1x1 convolution: class scores at every unit of fc7.

    An image of 224x224 pixels has one unit in the full network, whose fc6 is not padded. The
    reduced one (``VGG_ILSVRC_16_layers_fc_reduced``) keeps the size of pool5.

    Args:
        classes: number of class scores.
        fc6, width, batch_norm, dropout: see ``VGG16``.
    """

    def __init__(
        self,
        *,
        classes: int = 1000,
        fc6: Fc6 = "full",
        width: float = 1.0,
        batch_norm: bool = False,
        dropout: bool = True,
    ) -> None:
        super().__init__(
            stride=32,
            fc6=fc6,
            width=width,
            batch_norm=batch_norm,
            dropout=dropout,
            fc6_padding=0 if fc6 == "full" else None,
        )
        self.fc8 = ScoreConv(self.channels["fc7"], classes)

    def forward(
        self, image: Float[Tensor, "n 3 height width"]
    ) -> Float[Tensor, "n classes rows cols"]:
        """Return the class scores of every unit of fc7."""
        score: Tensor = self.fc8(super().forward(image))
        return score
