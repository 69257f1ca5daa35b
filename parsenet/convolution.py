"""The two kinds of convolution: one that makes a feature, one that makes class scores."""

from collections import OrderedDict

from torch import nn

from parsenet.errors import ModelError


class ConvReLU(nn.Sequential):
    """Convolution, batch norm if asked for, ReLU, and dropout if its rate is not 0.

    In Caffe these work in place on one blob. Here they are children (``conv``, ``norm``, ``relu``,
    ``dropout``) of one module, so that the output of ``conv5_3`` is the blob ``conv5_3`` and
    ``conv5_3.conv`` is the bare convolution. Weights start by He et al. (2015), biases at zero.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        padding: int = 0,
        dilation: int = 1,
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        conv = nn.Conv2d(
            inputs, outputs, kernel, padding=padding, dilation=dilation, bias=not batch_norm
        )
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
        steps: OrderedDict[str, nn.Module] = OrderedDict(conv=conv)
        if batch_norm:
            steps["norm"] = nn.BatchNorm2d(outputs)
        steps["relu"] = nn.ReLU()
        if dropout > 0:
            steps["dropout"] = nn.Dropout(dropout)
        super().__init__(steps)


class ScoreConv(nn.Conv2d):
    """A 1x1 convolution from features to class scores.

    It starts as Caffe's ``xavier`` filler does: uniform with variance 1 / fan-in; the bias at zero.
    The class is its own so that a trainer can give it the release's tenfold learning rate.
    """

    def __init__(self, inputs: int, classes: int) -> None:
        if isinstance(classes, bool) or not isinstance(classes, int) or classes < 1:
            raise ModelError(f"classes must be a whole number above 0, not {classes!r}")
        super().__init__(inputs, classes, 1)

    def reset_parameters(self) -> None:
        """Draw new weights and set the bias to zero."""
        nn.init.kaiming_uniform_(self.weight, nonlinearity="linear")
        if self.bias is not None:
            nn.init.zeros_(self.bias)
