"""What only moves, or is masked by constants, is exact unit by unit: gradients in float64."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from erf.engines.delta import DeltaEngine
from erf.geometry import PatchGrid, Target
from erf.graph import export
from erf.theoretical.analyse import analyse

SIZE = (6, 5)
UNITS = 30


class Net(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.out = nn.Conv2d(2, 4, (3, 1), padding=(1, 0)), nn.Identity()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.function(torch.tanh(self.stem(x))))


ORDER = torch.tensor([4, 0, 0, 3])
MIX = torch.randn(36, 36, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
GRID = (
    torch.rand(1, 4, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) * 2 - 1
)
FLAT = torch.randperm(UNITS, generator=torch.Generator().manual_seed(1))


def attention(**settings):
    def function(x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        t = x.flatten(2).transpose(1, 2)
        t = functional.scaled_dot_product_attention(t, t, t, **settings)
        return t.transpose(1, 2).reshape(n, c, h, w)

    return function


def neighbours() -> Tensor:
    places = torch.stack(torch.meshgrid(*map(torch.arange, SIZE), indexing="ij"), -1).view(-1, 2)
    return (places[:, None] - places[None]).abs().amax(-1) <= 1


def written(x: Tensor) -> Tensor:
    x = x.clone()
    x[:, :, 1:5:2, :] = x[:, :, 0:2] * 2
    return x


def written_on_zeros(x: Tensor) -> Tensor:
    y = torch.zeros_like(x)
    y[:, :, 2:4, 1:] = x[:, :, 2:4, :-1]
    return y


def masked_by_hand(x: Tensor) -> Tensor:
    t = x.flatten(2).transpose(1, 2)
    scores = (t @ t.transpose(1, 2)).masked_fill(~neighbours(), -torch.inf)
    return (scores.softmax(-1) @ t).transpose(1, 2).reshape(x.shape)


def window_means(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    x = x.view(n, c, h // 2, 2, w)
    return (x + x.mean(3, keepdim=True)).view(n, c, h, w)


def around(x: Tensor) -> Tensor:
    """As HaloNet's: in each column, blocks of two look at the four around them."""
    n, c, h, w = x.shape
    keys = functional.pad(x, (0, 0, 1, 1)).unfold(2, 4, 2).permute(0, 2, 3, 4, 1)
    queries = x.view(n, c, h // 2, 2, w).permute(0, 2, 4, 3, 1)
    out = (queries @ keys.transpose(3, 4)).softmax(-1) @ keys
    return out.permute(0, 4, 1, 3, 2).reshape(x.shape)


FUNCTIONS = {
    "slice_scatter": written,
    "slice_scatter on zeros": written_on_zeros,
    "index of rows": lambda x: x[:, :, ORDER],
    "index of both": lambda x: x[:, :, ORDER[:, None], ORDER[None]],
    "index of flat positions": lambda x: x.flatten(2)[:, :, FLAT].view(x.shape),
    "index_select": lambda x: x.index_select(3, ORDER),
    "repeat_interleave": lambda x: x.repeat_interleave(2, dim=2),
    "rot90": lambda x: torch.rot90(x, 1, (2, 3)),
    "flat roll": lambda x: x.flatten(2).roll(7, 2).view(x.shape),
    "view of rows as columns": lambda x: x.reshape(x.shape[0], 4, 5, 6),
    "cumsum of rows": lambda x: x.cumsum(2),
    "cumsum of columns": lambda x: torch.cumsum(x, 3),
    "cumsum of flat positions": lambda x: x.flatten(2).cumsum(2).view(x.shape),
    "cumprod": lambda x: x.cumprod(3),
    "tril": torch.tril,
    "triu": lambda x: x.triu(1),
    "col2im": lambda x: functional.fold(
        functional.conv1d(functional.unfold(x, 3, padding=1), MIX), SIZE, 3, padding=1
    ),
    "antialiased": lambda x: functional.interpolate(
        x, (3, 4), mode="bilinear", antialias=True, align_corners=False
    ),
    "a map and its transpose": lambda x: x[..., :5, :] + x[..., :5, :].transpose(2, 3),
    "means of windows put back": window_means,
    "linear of flat positions": lambda x: functional.interpolate(
        x.flatten(2), 60, mode="linear"
    ).view(len(x), 4, 12, 5),
    "aligned corners": lambda x: functional.interpolate(
        x, (11, 9), mode="bilinear", align_corners=True
    ),
    "convolution of flat positions": lambda x: functional.conv1d(
        x.flatten(2), MIX[:4, :12].reshape(4, 4, 3), padding=1
    ).view(x.shape),
    "a constant grid": lambda x: functional.grid_sample(x, GRID.expand(len(x), -1, -1, -1)),
    "added at places": lambda x: x.index_add(2, torch.tensor([1, 4]), x[:, :, :2]),
    "added at equal places": lambda x: x.scatter_add(2, torch.tensor([3]).expand(x.shape), x),
    "a diagonal": lambda x: x.diagonal(0, 2, 3)[..., None].repeat(1, 1, 1, 2),
    "pairs of places": lambda x: x[:, :, ORDER, ORDER][..., None].repeat(1, 1, 1, 2),
    "zeros by construction": lambda x: x * torch.ones(SIZE).tril(),
    "blocks and what is around them": around,
    "scores masked by hand": masked_by_hand,
    "causal attention": attention(is_causal=True),
    "attention to neighbours": attention(attn_mask=neighbours()),
    "attention by a mask of numbers": attention(
        attn_mask=torch.zeros(UNITS, UNITS, dtype=torch.float64).masked_fill(
            ~neighbours(), -torch.inf
        )
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_unit_reads_what_its_gradient_says(name: str):
    net = Net(FUNCTIONS[name]).double().eval()
    (field,) = analyse(export(net, (1, 2, *SIZE)), ["out"])
    image = torch.randn(1, 2, *SIZE, dtype=torch.float64, requires_grad=True)
    out = net(image)
    assert field.units == tuple(out.shape[2:])
    assert field.status in ("exact", "whole_image"), field.reasons
    weights = torch.rand(out.shape[1], dtype=torch.float64)
    for unit in np.ndindex(field.units):
        (gradient,) = torch.autograd.grad(
            (out[(0, slice(None), *unit)] * weights).sum(), image, retain_graph=True
        )
        truth = (gradient[0].abs().sum(0) > 0).numpy()
        np.testing.assert_array_equal(field.support(unit), truth, err_msg=f"{name} {unit}")
        box = field.box(unit)
        rows, cols = np.nonzero(truth.any(1))[0], np.nonzero(truth.any(0))[0]
        if len(rows):
            found = (box.top, box.left, box.bottom, box.right)
            assert found == (rows[0], cols[0], rows[-1] + 1, cols[-1] + 1)
        else:
            assert box.empty


def test_what_is_unfolded_and_folded_again_is_a_bound():
    net = Net(lambda x: functional.fold(functional.unfold(x, 3, padding=1), SIZE, 3, padding=1))
    (field,) = analyse(export(net, (1, 2, *SIZE)), ["out"])
    assert (field.status, field.reasons) == ("upper_bound", ("aten.col2im of windows' taps",))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_delta_is_dense_through_what_moves(name: str):
    with torch.no_grad():
        net = Net(FUNCTIONS[name]).double().eval()
        image = torch.randn(2, *SIZE, dtype=torch.float64)
        grid = PatchGrid(SIZE, 1, 1)
        clean = net(image[None])
        unit = (clean.shape[2] - 2, 1)
        engine = DeltaEngine(net, image, [Target("out", unit)])
        found = np.zeros(UNITS)
        for reading in engine.measure(grid, range(UNITS), [0], ones):
            found[reading.patches] = reading.values[0]
        for patch in range(UNITS):
            moved = image.clone()
            moved[(slice(None), *grid.box(patch).slices())] += 1
            truth = (net(moved[None]) - clean)[(0, slice(None), *unit)].norm()
            np.testing.assert_allclose(found[patch], float(truth), atol=1e-9, err_msg=name)


def ones(patches: np.ndarray, draws: np.ndarray) -> Tensor:
    return torch.ones(len(patches), 2, 1, 1, dtype=torch.float64)
