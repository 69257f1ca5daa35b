"""The VGG-16 trunk as a fully convolutional network, at stride 32, 16 or 8."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from parsenet.convolution import ConvReLU
from parsenet.errors import ModelError
from parsenet.grid import Grid

Fc6 = Literal["full", "reduced"]

# Output channels of the convolutions of each stage; a max pooling ends every stage.
STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class LayerPlan:
    """One layer of the trunk: everything about it that is settled before data moves."""

    name: str
    kind: Literal["conv", "pool"]
    channels: int
    kernel: int
    stride: int
    padding: int
    dilation: int


def plan_vgg16(
    *, stride: int, fc6: Fc6, width: float, first_padding: int = 1, fc6_padding: int | None = None
) -> tuple[LayerPlan, ...]:
    """Lay out the trunk from ``conv1_1`` to ``fc7``.

    Args:
        stride: pixels between neighbouring units of fc7: 32 as in FCN, 8 as in the released
            ParseNet, or 16. Below 32 the last poolings keep their resolution (kernel 3, stride 1,
            padding 1) and what follows is dilated instead.
        fc6: "full" (7x7, 4096 channels) or "reduced" (every fourth channel and every third tap of
            that: 3x3, 1024 channels, three times the dilation).
        width: factor on all channel counts; at least one channel remains.
        first_padding: padding of conv1_1; FCN has 100.
        fc6_padding: padding of fc6; by default the map keeps its size.

    Raises:
        ModelError: if a value is outside these.
    """
    _check(stride, fc6, width)
    layers = list(_stages(stride, width, first_padding))
    kernel, channels, dilation = (7, 4096, 1) if fc6 == "full" else (3, 1024, 3)
    dilation *= 32 // stride
    if fc6_padding is None:
        fc6_padding = dilation * (kernel // 2)
    channels = scaled(channels, width)
    layers.append(LayerPlan("fc6", "conv", channels, kernel, 1, fc6_padding, dilation))
    layers.append(LayerPlan("fc7", "conv", channels, 1, 1, 0, 1))
    return tuple(layers)


def scaled(channels: int, width: float) -> int:
    """Return a channel count times the width factor, at least 1."""
    return max(1, round(channels * width))


def _stages(stride: int, width: float, first_padding: int) -> Iterator[LayerPlan]:
    reached = 1
    for number, stage in enumerate(STAGES, start=1):
        # Stage 5 expects stride 16; where pool4 kept its resolution, dilation makes up for it.
        dilation = 16 // reached if number == 5 else 1
        for index, channels in enumerate(stage, start=1):
            name = f"conv{number}_{index}"
            padding = first_padding if name == "conv1_1" else dilation
            yield LayerPlan(name, "conv", scaled(channels, width), 3, 1, padding, dilation)
        kernel, step, padding = (2, 2, 0) if reached < stride else (3, 1, 1)
        reached *= step
        yield LayerPlan(f"pool{number}", "pool", scaled(stage[-1], width), kernel, step, padding, 1)


def _check(stride: int, fc6: str, width: float) -> None:
    if stride not in STRIDES:
        raise ModelError(f"stride must be one of {STRIDES}, not {stride!r}")
    if fc6 not in ("full", "reduced"):
        raise ModelError(f"fc6 must be 'full' or 'reduced', not {fc6!r}")
    if isinstance(width, bool) or not isinstance(width, (int, float)) or not 0 < width <= 4:
        raise ModelError(f"width must be a number above 0 and up to 4, not {width!r}")


class VGG16(nn.Module):
    """VGG-16 (Simonyan and Zisserman 2014) up to fc7, its layers named as the original blobs.

    The children ``conv1_1`` ... ``conv5_3``, ``pool1`` ... ``pool5``, ``fc6`` and ``fc7`` put out
    what the Caffe blobs of these names hold, that is after the in-place ReLU and dropout. Poolings
    round up, as Caffe does.

    Attributes:
        channels: channel count of each layer.
        grids: where the units of each layer sit in the image.
    """

    def __init__(
        self,
        *,
        stride: int = 32,
        fc6: Fc6 = "full",
        width: float = 1.0,
        batch_norm: bool = False,
        dropout: bool = True,
        first_padding: int = 1,
        fc6_padding: int | None = None,
    ) -> None:
        super().__init__()
        self.plan = plan_vgg16(
            stride=stride,
            fc6=fc6,
            width=width,
            first_padding=first_padding,
            fc6_padding=fc6_padding,
        )
        self.channels = {layer.name: layer.channels for layer in self.plan}
        self.grids = _grids(self.plan)
        inputs = 3
        for layer in self.plan:
            rate = 0.5 if dropout and layer.name in ("fc6", "fc7") else 0.0
            self.add_module(layer.name, _module(layer, inputs, batch_norm, rate))
            inputs = layer.channels

    def trunk(
        self, image: Float[Tensor, "n 3 height width"], *keep: str
    ) -> dict[str, Float[Tensor, "n _ _ _"]]:
        """Run the trunk as far as the last of the named layers and return their outputs."""
        kept: dict[str, Tensor] = {}
        x = image
        for layer in self.plan:
            x = self.get_submodule(layer.name)(x)
            if layer.name in keep:
                kept[layer.name] = x
            if len(kept) == len(set(keep)):
                break
        return kept

    def forward(self, image: Float[Tensor, "n 3 height width"]) -> Float[Tensor, "n c h w"]:
        """Return fc7."""
        return self.trunk(image, "fc7")["fc7"]


def _module(layer: LayerPlan, inputs: int, batch_norm: bool, dropout: float) -> nn.Module:
    if layer.kind == "pool":
        return nn.MaxPool2d(layer.kernel, layer.stride, layer.padding, ceil_mode=True)
    return ConvReLU(
        inputs,
        layer.channels,
        layer.kernel,
        padding=layer.padding,
        dilation=layer.dilation,
        batch_norm=batch_norm,
        dropout=dropout,
    )


def _grids(plan: tuple[LayerPlan, ...]) -> dict[str, Grid]:
    grid = Grid()
    grids = {}
    for layer in plan:
        grid = grid.then(
            layer.kernel, stride=layer.stride, padding=layer.padding, dilation=layer.dilation
        )
        grids[layer.name] = grid
    return grids
