"""Channels that read unlike positions, digits that are broadcast, constants that shut out.

The truth is the gradient's support in double precision, unit by unit: nothing may be missed, and
nothing claimed beyond it unless the status says so.
"""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from erf.graph import export
from erf.theoretical import TheoreticalField
from erf.theoretical.analyse import analyse

SIZE = (6, 5)
UNITS = 30
TRIANGLE = torch.ones(SIZE).tril().bool()
CAUSAL = torch.ones(UNITS, UNITS, dtype=torch.float64).tril()


class Net(nn.Module):
    def __init__(self, function, *modules: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.out = nn.Conv2d(2, 4, (3, 1), padding=(1, 0)), nn.Identity()
        self.parts, self.function = nn.ModuleList(modules), function

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.function(torch.tanh(self.stem(x)), *self.parts))


def check(net: Net) -> TheoreticalField:
    """The field, once it holds against every unit's gradient."""
    net = net.double().eval()
    (field,) = analyse(export(net, (1, 2, *SIZE)), ["out"])
    image = torch.randn(1, 2, *SIZE, dtype=torch.float64, requires_grad=True)
    out = net(image)
    assert field.units == tuple(out.shape[2:])
    weights = torch.rand(out.shape[1], dtype=torch.float64)
    for unit in np.ndindex(field.units):
        value = (out[(0, slice(None), *unit)] * weights).sum()
        (gradient,) = torch.autograd.grad(value, image, retain_graph=True)
        truth = (gradient[0].abs().sum(0) > 0).numpy()
        claimed = field.support(unit)
        assert not (truth & ~claimed).any(), f"missed at {unit}"
        assert field.status == "upper_bound" or (truth == claimed).all(), f"too much at {unit}"
    return field


def tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def back(t: Tensor, x: Tensor) -> Tensor:
    return t.transpose(1, 2).reshape(x.shape)


def separable_attention(x: Tensor) -> Tensor:
    """MobileViTv2's: sums over patches of one place within its patch, and is broadcast to them."""
    n, c, h, w = x.shape
    y = x.reshape(n, c, h // 2, 2, w, 1).permute(0, 1, 3, 5, 2, 4).reshape(n, c, 2, -1)
    context = (y * y[:, :1].softmax(-1)).sum(-1, keepdim=True)
    y = ((y + 2).sigmoid() * context).view(n, c, 2, 1, h // 2, w)
    return y.permute(0, 1, 4, 2, 5, 3).reshape(n, c, h, w)


def taken_for_a_map(x: Tensor) -> Tensor:
    """MAnet's: tokens with features last, viewed as a map without turning them, and added."""
    x = x[..., :4, :4].repeat(1, 8, 1, 1)
    return x + tokens(functional.avg_pool2d(x, 3, 1, 1)).reshape(x.shape)


def cross_covariance(x: Tensor) -> Tensor:
    """XCiT's and EdgeNeXt's: channels against channels, normalised over all positions."""
    n, c, h, w = x.shape
    q = functional.normalize(tokens(x).view(n, h * w, 2, c // 2).permute(0, 2, 3, 1), dim=-1)
    return ((q @ q.transpose(-2, -1)).softmax(-1) @ q).reshape(n, c, h, w)


def linear_attention(x: Tensor) -> Tensor:
    """EfficientViT's: two branches side by side, split anew, one of them padded by a constant."""
    n, _, h, w = x.shape
    both = torch.cat([x, functional.avg_pool2d(x, 3, 1, 1)], 1)
    q, v = both.reshape(n, 2, 4, h * w).transpose(2, 3).chunk(2, -1)
    out = functional.softplus(q) @ (q.transpose(2, 3) @ functional.pad(v, (0, 1), value=1.0))
    return (out[..., :-1] / out[..., -1:]).transpose(2, 3).reshape(n, -1, h, w)


def two_reaches(x: Tensor) -> Tensor:
    """A product of a near and a far branch, of which the far one's channels are left out again."""
    far = functional.avg_pool2d(x, 3, 1, 1)
    both = torch.cat([x[:, :2], far[:, :2]], 1).permute(0, 2, 3, 1)
    return (both.unsqueeze(-1) @ both.unsqueeze(-2))[..., :2, :2].flatten(3).permute(0, 3, 1, 2)


EXACT = {
    "tokens taken for a map": taken_for_a_map,
    "channels against channels": cross_covariance,
    "linear attention of two branches": linear_attention,
    "a product of two reaches": two_reaches,
    "broadcast of a digit": separable_attention,
    "unfolded along columns": lambda x: x.unfold(3, 2, 1).permute(0, 1, 4, 2, 3).flatten(1, 2),
    "mean of an unfolding": lambda x: x.unfold(2, 3, 1).mean(-1),
    "stacked and summed": lambda x: torch.stack([x, x.roll(1, 3)], dim=1).sum(1),
    "zero by construction": lambda x: x * TRIANGLE + x.flip(3) * 0,
    "filled by a mask": lambda x: x.masked_fill(TRIANGLE, 0.0),
    "chosen by a mask": lambda x: torch.where(TRIANGLE, x, x.flip(2)),
    "chosen rows": lambda x: x[:, :, torch.tensor([True, False] * 3)],
    "scattered": lambda x: torch.zeros_like(x).scatter(
        2, torch.tensor([4, 2]).view(1, 1, 2, 1).expand(x.shape[0], 4, 2, 5), x[:, :, :2]
    ),
    "filled by index": lambda x: x.index_fill(2, torch.tensor([1, 3]), 1.0),
}


@pytest.mark.parametrize("name", EXACT)
def test_exact(name: str):
    field = check(Net(EXACT[name]))
    assert field.status in ("exact", "whole_image"), field.reasons


def low_numbers(x: Tensor) -> Tensor:
    t = tokens(x)
    mask = (1 - CAUSAL) * -1e9
    return back(functional.scaled_dot_product_attention(t, t, t, attn_mask=mask), x)


def sequences(x: Tensor, part: nn.Module) -> Tensor:
    """Rows of the map as sequences, the steps of which are its columns."""
    n, c, h, w = x.shape
    return part(x.permute(0, 2, 3, 1).reshape(n * h, w, c))[0].view(n, h, w, -1).permute(0, 3, 1, 2)


RECURRENT = {
    "lstm": lambda: nn.LSTM(4, 3, batch_first=True),
    "gru": lambda: nn.GRU(4, 3, num_layers=2, batch_first=True),
    "two directions": lambda: nn.LSTM(4, 3, batch_first=True, bidirectional=True),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_steps_of_a_sequence(name: str):
    assert check(Net(sequences, RECURRENT[name]())).status == "exact"


def scores(x: Tensor) -> Tensor:
    return tokens(x) @ tokens(x).transpose(1, 2)


def multi_head(x: Tensor, part: nn.Module) -> Tensor:
    """As most models call it: with weights, which takes the scores apart."""
    t, mask = tokens(x), torch.zeros_like(CAUSAL).masked_fill(CAUSAL == 0, -torch.inf)
    return back(part(t, t, t, attn_mask=mask)[0], x)


MASKED = {
    "filled": lambda x: scores(x).masked_fill(CAUSAL == 0, -torch.inf).softmax(-1),
    "filled upwards": lambda x: scores(x).masked_fill(CAUSAL.T == 0, -torch.inf).softmax(-1),
    "added": lambda x: (scores(x) / 2 + torch.log(CAUSAL)).softmax(-1),
    "chosen": lambda x: torch.where(CAUSAL > 0, scores(x), -torch.inf).softmax(-1),
    "multiplied": lambda x: scores(x) * CAUSAL,
    "cut": lambda x: scores(x).tril(),
    "cut beside the diagonal": lambda x: scores(x).tril(1).triu(-2) * 3,
    "not masked": lambda x: scores(x).softmax(-1),
}


@pytest.mark.parametrize("name", MASKED)
def test_scores_masked_by_hand(name: str):
    field = check(Net(lambda x: back(MASKED[name](x) @ tokens(x), x)))
    assert field.status in ("exact", "whole_image"), field.reasons


def test_multi_head_attention_that_returns_weights():
    assert check(Net(multi_head, nn.MultiheadAttention(4, 2, batch_first=True))).status == "exact"


BOUNDS = {
    "taps taken apart": (
        lambda x: functional.pixel_shuffle(functional.pixel_unshuffle(x[..., :4], 2), 2),
        "aten.pixel_shuffle of windows' taps",
    ),
    "branches made rows": (
        lambda x: torch.stack([x, x.flip(3)], 3).flatten(2, 3),
        "aten.view of several branches",
    ),
    "a diagonal of channels": (
        lambda x: x[:, :4, :4].diagonal(0, 1, 2).unsqueeze(1),
        "aten.unsqueeze of windows' taps",
    ),
    "weights cut after softmax": (
        lambda x: back(scores(x).softmax(-1).tril() @ tokens(x), x),
        "aten.matmul of masked scores",
    ),
    "scores cut before softmax": (
        lambda x: back(scores(x).tril().softmax(-1) @ tokens(x), x),
        "aten.matmul of masked scores",
    ),
    "scores filled with a low number": (
        lambda x: back(scores(x).masked_fill(CAUSAL == 0, -1e9).softmax(-1) @ tokens(x), x),
        "aten.matmul of masked scores",
    ),
    "mixed by a triangular constant": (
        lambda x: back(CAUSAL @ tokens(x), x),
        "aten.matmul of masked scores",
    ),
    "a mask of low numbers": (
        low_numbers,
        "aten.scaled_dot_product_attention by a constant mask",
    ),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_bounded(name: str):
    function, reason = BOUNDS[name]
    field = check(Net(function))
    assert field.status == "upper_bound"
    assert reason in field.reasons


def test_a_bias_of_numbers_only_weighs():
    bias = torch.randn(UNITS, UNITS, dtype=torch.float64)

    def function(x: Tensor) -> Tensor:
        t = tokens(x)
        return back(functional.scaled_dot_product_attention(t, t, t, attn_mask=bias), x)

    assert check(Net(function)).status == "whole_image"


def test_rows_against_rows_are_no_map():
    """Of ``x @ x.T`` the last dimension holds rows again, each read by its own alone."""
    graph = export(Net(lambda x: x @ x.transpose(2, 3)).double(), (1, 2, *SIZE))
    (field,) = analyse(graph, ["out"])
    assert field.units == (6, 1)


def test_unpooled_to_where_the_maximum_was():
    def function(x: Tensor) -> Tensor:
        values, places = functional.max_pool2d(x, 2, return_indices=True)
        return functional.max_unpool2d(values, places, 2, output_size=x.shape[2:])

    (field,) = analyse(export(Net(function).eval(), (1, 2, *SIZE)), ["out"])
    assert (field.status, field.size, field.units) == ("exact", (4, 2), SIZE)
    # The window of rows 2 and 3 reads rows 1 to 4; the last column lies in no window.
    assert field.box((3, 1)).slices() == (slice(1, 5), slice(0, 2))
    assert field.box((3, 4)).empty
