"""One small model a rule, against NaN probing; and what is said where there is no rule."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from erf.graph import export
from erf.theoretical import TheoreticalField, nan_boxes
from erf.theoretical.analyse import analyse
from strategies.blocks import WindowAttention

SIZE = (14, 12)


class Function(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Functions(nn.Module):
    """A convolution to tell positions apart, then functions of its output, each a layer."""

    def __init__(self, *functions: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(2, 4, (3, 2), padding=(1, 0))
        self.functions = nn.ModuleList(Function(function) for function in functions)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        return [function(x) for function in self.functions]


def fields(model: nn.Module) -> list[TheoreticalField]:
    graph = export(model, (1, 2, *SIZE))
    return analyse(graph, [f"functions.{index}" for index in range(len(model.functions))])


def field(function: Callable[[Tensor], Tensor]) -> TheoreticalField:
    return fields(Functions(function))[0]


def truth(function: Callable[[Tensor], Tensor]) -> np.ndarray:
    return nan_boxes(Functions(function).eval(), "functions.0", SIZE, channels=2)


WEIGHT = {n: torch.randn(n, n, generator=torch.Generator().manual_seed(n)) for n in (4, 14, 154)}
KERNEL = torch.randn(4, 4, 3, generator=torch.Generator().manual_seed(0))


def unshuffle(x: Tensor) -> Tensor:
    n, c, rows, _ = x.shape
    folded = x[..., :10].view(n, c, rows // 2, 2, 5, 2)
    return folded.permute(0, 1, 3, 5, 2, 4).reshape(n, 4 * c, rows // 2, 5)


def shuffle(x: Tensor) -> Tensor:
    n, c, rows, cols = x.shape
    spread = x.view(n, c // 4, 2, 2, rows, cols).permute(0, 1, 4, 2, 5, 3)
    return spread.reshape(n, c // 4, 2 * rows, 2 * cols)


def merge(x: Tensor) -> Tensor:
    """Patch merging as in Swin, channels last."""
    x = x[..., :10].permute(0, 2, 3, 1)
    parts = [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return torch.cat(parts, dim=-1).permute(0, 3, 1, 2)


def tokens(x: Tensor) -> Tensor:
    """Sequences of positions, and maps again."""
    n, c, rows, cols = x.shape
    sequence = x.flatten(2).transpose(1, 2) @ WEIGHT[4]
    return sequence.transpose(1, 2).reshape(n, c, rows, cols)


def axial(x: Tensor) -> Tensor:
    """Attention along each column."""
    x = x.permute(0, 3, 2, 1)
    x = functional.scaled_dot_product_attention(x, x, x)
    return x.permute(0, 3, 2, 1)


def non_local(x: Tensor) -> Tensor:
    """Every position against every other, added to itself."""
    flat = x.flatten(2)
    weights = torch.softmax(torch.einsum("ncq,nck->nqk", flat, flat), dim=-1)
    return x + torch.einsum("nqk,nck->ncq", weights, flat).view(x.shape)


EXACT: dict[str, Callable[[Tensor], Tensor]] = {
    "pointwise chain": lambda x: (x.abs() + 1).rsqrt().clamp(max=3) * torch.sigmoid(-x),
    "where": lambda x: torch.where(x > 0, x, 2 * x),
    "slice from the end": lambda x: x[:, 1:, -5:, ::3],
    "select a row and keep the others": lambda x: x + x[:, :, 3:4],
    "select without keeping": lambda x: x * x[:, :, 2].unsqueeze(2),
    "narrow": lambda x: x.narrow(2, 3, 4),
    "cat along rows": lambda x: torch.cat([x, x.flip(2), x[:, :, :1]], dim=2),
    "cat along columns with a constant": lambda x: torch.cat([torch.zeros_like(x), x], dim=3),
    "stack and sum": lambda x: torch.stack([x, x.roll(1, 3)], dim=1).sum(1),
    "unbind and add": lambda x: sum(x.unbind(1)).unsqueeze(1),
    "roll": lambda x: x.roll((2, -3), (2, 3)),
    "flip": lambda x: x.flip(3),
    "repeat": lambda x: x.repeat(1, 2, 2, 1),
    "expand one column": lambda x: x[..., :1].expand(-1, -1, -1, 6),
    "sizes known by view": unshuffle,
    "channels into positions by view": shuffle,
    "channels into positions": lambda x: functional.pixel_shuffle(x, 2),
    "positions into channels": lambda x: functional.pixel_unshuffle(x[..., :10], 2),
    "patch merging": merge,
    "tokens": tokens,
    "mean of each row": lambda x: x.mean(3, keepdim=True),
    "maximum of each column": lambda x: x.amax(2, keepdim=True) + x,
    "softmax along rows": lambda x: x.softmax(2),
    "softmax over channels": lambda x: x.softmax(1),
    "norm over channels": lambda x: x / x.norm(dim=1, keepdim=True),
    "channel attention by 1-d convolution": lambda x: (
        x
        * functional.conv1d(x.mean((2, 3)).unsqueeze(1), KERNEL[:1, :1], padding=1)
        .transpose(1, 2)
        .unsqueeze(-1)
    ),
    "1-d convolution of every column": lambda x: (
        functional.conv1d(x.permute(0, 3, 1, 2).reshape(-1, 4, 14), KERNEL, padding=1)
        .view(-1, 11, 4, 14)
        .permute(0, 2, 3, 1)
    ),
    "linear along rows": lambda x: functional.linear(x.transpose(2, 3), WEIGHT[14]).transpose(2, 3),
    "matrix on the left": lambda x: WEIGHT[14] @ x,
    "spatial mixing of all positions": lambda x: functional.linear(x.flatten(2), WEIGHT[154]).view(
        x.shape
    ),
    "attention along columns": axial,
    "attention of every position": non_local,
    "attention in windows": WindowAttention(4, 3, grid=False),
    "attention on a dilated grid": WindowAttention(4, 3, grid=True),
    "local response normalisation": lambda x: functional.local_response_norm(x, 3),
    "unfolded patches": lambda x: functional.unfold(x, 3, padding=1, stride=2).view(-1, 36, 7, 6),
    "mean of unfolded patches": lambda x: (
        functional.unfold(x, (3, 2), dilation=2).view(-1, 4, 6, 10, 9).mean(2)
    ),
    "power-average pooling": lambda x: functional.lp_pool2d(x.abs(), 2, 3, stride=2),
    "interpolation to a size": lambda x: functional.interpolate(x, (9, 17), mode="bilinear"),
    "interpolation by a factor": lambda x: functional.interpolate(x, scale_factor=1.7),
    "same padding of an even kernel": lambda x: functional.conv2d(
        x, WEIGHT[4].view(4, 1, 2, 2), padding="same", groups=4
    ),
    "gated linear unit": lambda x: functional.glu(x, dim=1),
    "cumulative sum over channels": lambda x: x.cumsum(1),
}


@pytest.fixture(scope="module")
def exact() -> dict[str, TheoreticalField]:
    """All fields from one export."""
    return dict(zip(EXACT, fields(Functions(*EXACT.values())), strict=True))


@pytest.mark.parametrize("name", EXACT)
def test_rule_is_exact(name: str, exact: dict[str, TheoreticalField]):
    np.testing.assert_array_equal(exact[name].boxes(), truth(EXACT[name]))
    assert exact[name].status != "upper_bound", exact[name].reasons


BOUNDS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "searching": (lambda x: torch.searchsorted(x, x).float(), "aten.searchsorted"),
    "sampling": (
        lambda x: functional.grid_sample(x, x[:, :2, :5, :5].movedim(1, 3), align_corners=False),
        "aten.grid_sampler",
    ),
    "Fourier": (lambda x: torch.fft.rfft2(x).real, "aten."),
    "a class token": (
        lambda x: torch.cat([x.flatten(2), x.mean((2, 3)).unsqueeze(2)], dim=2)[..., 1:].view(
            -1, 4, 14, 11
        ),
        "aten.cat",
    ),
}


@pytest.fixture(scope="module")
def bounds() -> dict[str, TheoreticalField]:
    """All fields from one export."""
    functions = [function for function, _ in BOUNDS.values()]
    return dict(zip(BOUNDS, fields(Functions(*functions)), strict=True))


@pytest.mark.parametrize("name", BOUNDS)
def test_no_rule_means_an_upper_bound_that_names_the_operator(
    name: str, bounds: dict[str, TheoreticalField]
):
    operator, found = BOUNDS[name][1], bounds[name]
    assert found.status == "upper_bound"
    assert any(operator in reason for reason in found.reasons)
    assert (found.boxes() == (0, 0, *SIZE)).all()


def test_an_upper_bound_ends_at_global_pooling():
    def function(x: Tensor) -> Tensor:
        return torch.searchsorted(x, x).float() + x.mean((2, 3), keepdim=True)

    found = field(function)
    assert (found.status, found.reasons) == ("whole_image", ("aten.mean",))
    np.testing.assert_array_equal(found.boxes(), truth(function))


def test_columns_before_rows():
    def function(x: Tensor) -> Tensor:
        return functional.max_pool2d(x, (2, 1)).transpose(2, 3)

    found = field(function)
    assert found.units == (11, 7)
    np.testing.assert_array_equal(found.boxes(), truth(function))
    assert (found.size, found.stride, found.padding) == ((4, 2), (2, 1), (1, 0))


def test_a_split_takes_its_own_channels_of_a_concatenation():
    def function(x: Tensor) -> Tensor:
        wide = functional.max_pool2d(x, 3, stride=1, padding=1)
        return torch.cat([x, wide], dim=1).split(4, dim=1)[0]

    found = field(function)
    assert (found.size, found.status) == ((3, 2), "exact")


def test_values_are_not_read_where_only_the_shape_counts():
    found = field(lambda x: x[:, :, :1, :1] + torch.zeros_like(x))
    assert (found.boxes() == found.boxes()[0, 0]).all()
    assert found.status == "exact"
