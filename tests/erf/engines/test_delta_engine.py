"""Delta against dense, in double precision, on one small network for every kind of operator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from erf.engines.delta import DeltaEngine
from erf.engines.delta.rules import gathered, tapwise
from erf.engines.delta.rules.folding import SCALED
from erf.engines.dense import DenseEngine
from erf.geometry import PatchGrid, Target
from strategies.engines import both, collect, noise, worst_error


class Lambda(nn.Module):
    """A function as a module, so that a layer can be named."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Residual(nn.Module):
    """Branches of different reach, added, multiplied or concatenated."""

    def __init__(self, join: Callable[[Tensor, Tensor], Tensor], channels: int = 6) -> None:
        super().__init__()
        self.long = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 5, padding=2),
        )
        self.short = nn.Conv2d(channels, channels, 1)
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self.long(x), self.short(x))


def _context(x: Tensor) -> Tensor:
    """ParseNet's: pooled, normalised, tiled, side by side with the normalised map."""
    pooled = x.mean((2, 3), keepdim=True)
    pooled = pooled / torch.sqrt(pooled.square().sum(1, keepdim=True) + 1e-6)
    return torch.cat([functional.normalize(x, dim=1), pooled.expand(-1, -1, *x.shape[2:])], 1)


def _excite(x: Tensor) -> Tensor:
    return x * torch.sigmoid(functional.adaptive_avg_pool2d(x, 1))


def _channels_last_norm(x: Tensor) -> Tensor:
    return functional.layer_norm(x.permute(0, 2, 3, 1), [x.shape[1]]).permute(0, 3, 1, 2)


def _shuffle(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def _attention(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    tokens = x.flatten(2).transpose(1, 2).reshape(n, h * w, 2, c // 2).transpose(1, 2)
    mixed = functional.scaled_dot_product_attention(tokens, tokens, tokens)
    return mixed.transpose(1, 2).reshape(n, h, w, c).permute(0, 3, 1, 2)


def _windows(x: Tensor) -> Tensor:
    """Softmax within windows of four by four positions, as windowed attention cuts them."""
    n, c, h, w = x.shape
    cut = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 1, 3, 5).reshape(-1, c, 16)
    mixed = cut.softmax(-1) @ cut.transpose(1, 2)
    return (
        (mixed @ cut).view(n, h // 4, w // 4, c, 4, 4).permute(0, 3, 1, 4, 2, 5).reshape(n, c, h, w)
    )


MIDDLES: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu_in_place": lambda: nn.ReLU(inplace=True),
    "hardswish": nn.Hardswish,
    "gelu": nn.GELU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "prelu": lambda: nn.PReLU(6),
    "elu": nn.ELU,
    "softplus": nn.Softplus,
    "mish": nn.Mish,
    "batch_norm": lambda: nn.BatchNorm2d(6),
    "group_norm": lambda: nn.GroupNorm(2, 6),
    "instance_norm": lambda: nn.InstanceNorm2d(6, affine=True),
    "layer_norm": lambda: Lambda(_channels_last_norm),
    "whole_layer_norm": lambda: Lambda(lambda x: functional.layer_norm(x, x.shape[1:])),
    "local_response": lambda: nn.LocalResponseNorm(3),
    "channel_softmax": lambda: nn.Softmax(dim=1),
    "softmax2d_scaled": lambda: Lambda(lambda x: 3 * x.softmax(1) - x / 2),
    "max_pool": lambda: nn.MaxPool2d(2),
    "max_pool_overlap": lambda: nn.MaxPool2d(3, 2, padding=1),
    "max_pool_dense": lambda: nn.MaxPool2d(3, 1, padding=1),
    "max_pool_ceil": lambda: nn.MaxPool2d(3, 2, ceil_mode=True),
    "max_pool_dilated": lambda: nn.MaxPool2d(2, 1, dilation=3),
    "avg_pool": lambda: nn.AvgPool2d(2),
    "avg_pool_counted": lambda: nn.AvgPool2d(3, 2, padding=1),
    "avg_pool_not_counted": lambda: nn.AvgPool2d(3, 2, padding=1, count_include_pad=False),
    "avg_pool_ceil": lambda: nn.AvgPool2d(3, 2, ceil_mode=True),
    "adaptive_pool": lambda: nn.AdaptiveAvgPool2d((7, 5)),
    "adaptive_pool_even": lambda: nn.AdaptiveAvgPool2d((10, 12)),
    "adaptive_max": lambda: nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Upsample(scale_factor=4)),
    "strided": lambda: nn.Conv2d(6, 6, 3, stride=2, padding=1),
    "dilated": lambda: nn.Conv2d(6, 6, 3, padding=3, dilation=3),
    "grouped": lambda: nn.Conv2d(6, 6, (3, 5), padding=(1, 0), groups=3),
    "depthwise": lambda: nn.Conv2d(6, 6, 7, padding=3, groups=6),
    "same": lambda: nn.Conv2d(6, 6, 4, padding="same"),
    "reflect": lambda: nn.Conv2d(6, 6, 3, padding=1, padding_mode="reflect"),
    "circular": lambda: nn.Conv2d(6, 6, 3, padding=1, padding_mode="circular"),
    "valid_then_pad": lambda: nn.Sequential(nn.Conv2d(6, 6, 3), nn.ZeroPad2d((2, 1, 3, 0))),
    "pad_constant": lambda: nn.ConstantPad2d(2, 1.5),
    "transposed": lambda: nn.ConvTranspose2d(6, 6, 4, stride=2, padding=1),
    "transposed_gaps": lambda: nn.ConvTranspose2d(6, 6, 2, stride=3, output_padding=1),
    "transposed_grouped": lambda: nn.ConvTranspose2d(6, 6, 4, 2, 1, groups=6, bias=False),
    "bilinear": lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
    "bilinear_aligned": lambda: nn.Upsample(size=(31, 40), mode="bilinear", align_corners=True),
    "bicubic": lambda: nn.Upsample(size=(17, 30), mode="bicubic"),
    "nearest": lambda: nn.Upsample(scale_factor=1.5),
    "pixel_shuffle": lambda: nn.Sequential(nn.Conv2d(6, 24, 1), nn.PixelShuffle(2)),
    "pixel_unshuffle": lambda: nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(24, 6, 1)),
    "residual": lambda: Residual(torch.add),
    "difference": lambda: Residual(lambda a, b: 2 - a - 3 * b),
    "product": lambda: Residual(torch.mul),
    "quotient": lambda: Residual(lambda a, b: a / (1 + b * b)),
    "maximum": lambda: Residual(torch.maximum),
    "minimum": lambda: Residual(torch.minimum),
    "inception": lambda: Residual(lambda a, b: torch.cat([a, b, a[:, 1:3]], 1)[:, 2:8]),
    "gate": lambda: Residual(lambda a, b: torch.where(a > 0, a, b)),
    "excite": lambda: Lambda(_excite),
    "context": lambda: nn.Sequential(Lambda(_context), nn.Conv2d(12, 6, 1)),
    "shuffle": lambda: Lambda(_shuffle),
    "split": lambda: Lambda(
        lambda x: torch.cat([h * 2 if i else h for i, h in enumerate(x.chunk(2, 1))], 1)
    ),
    "crop": lambda: Lambda(lambda x: x[:, :, 2:-1, 1::2]),
    "stack_rows": lambda: Lambda(lambda x: torch.cat([x[:, :, :5], x.flip(2)], 2)),
    "roll": lambda: Lambda(lambda x: torch.roll(x, (3, -2), (2, 3))),
    "attention": lambda: Lambda(_attention),
    "windows": lambda: Lambda(_windows),
    "row_mean": lambda: Lambda(lambda x: x + x.mean(3, keepdim=True)),
    "power": lambda: Lambda(lambda x: (x.abs() + 0.1) ** 1.5 + x**3),
    "clamp": lambda: Lambda(lambda x: x.clamp(-0.2, 0.3) + x.clamp_min(0.1)),
    "positional": lambda: Lambda(lambda x: x * torch.linspace(0, 1, x.shape[2]).to(x)[:, None] + 1),
    "sort": lambda: Lambda(lambda x: x.sort(1).values),
    "norms": lambda: Lambda(lambda x: x * x.amax(1, keepdim=True) + x.norm(dim=1, keepdim=True)),
    "features": lambda: Lambda(
        lambda x: nn.functional.linear(x.movedim(1, 3), torch.ones(6, 6).to(x)).movedim(3, 1)
    ),
}
FALLBACKS = {"mish", "local_response", "gate", "attention", "sort"}


def _network(name: str) -> nn.Sequential:
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.Tanh(),
        MIDDLES[name](),
        nn.Conv2d(6, 4, 3, padding=1),
    ).double()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    return model


@pytest.mark.parametrize("name", MIDDLES)
def test_delta_is_dense(name: str) -> None:
    model = _network(name)
    image = torch.randn(3, 20, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    grid = PatchGrid((20, 24), patch=4, stride=3)
    rows, cols = model(image[None]).shape[2:]
    targets = [Target("3"), Target("3", (rows // 2, cols // 2)), Target("2", (1, 2), 1)]
    found, truth, engine = both(model, image, targets, grid, batch_size=24)
    for mine, theirs in zip(found, truth, strict=True):
        assert mine.shape == theirs.shape
        assert worst_error(mine, theirs, float(theirs.max())) < 1e-5
        assert np.abs(mine - theirs).max() <= 1e-12 * max(1.0, theirs.max())
    assert bool(engine.notes) == (name in FALLBACKS)


def test_nothing_outside_the_theoretical_field() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
    image, grid = torch.randn(3, 40, 40), PatchGrid((40, 40), patch=4, stride=4)
    found, _, engine = both(model, image, [Target("2", (20, 20)), Target("2")], grid)
    unit = found[0].max(axis=1).reshape(grid.shape)
    inside = np.zeros(grid.shape, dtype=bool)
    inside[4:6, 4:6] = True  # the field is rows and columns 18 to 22
    assert ((unit > 0) == inside).all()
    assert engine.plan(grid).active.all()  # the whole layer needs every patch
    alone = DeltaEngine(model, image, [Target("2", (20, 20))])
    assert (alone.plan(grid).active == inside).all()
    assert ((alone.multiplications(grid) > 0) == inside).all()


def test_what_reaches_nothing_is_not_run() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
    grid = PatchGrid((40, 40), patch=4, stride=4)
    engine = DeltaEngine(model.eval(), torch.randn(3, 40, 40), [Target("1", (20, 20))])

    def refuse(patches: np.ndarray, draws: np.ndarray) -> Tensor:
        raise AssertionError("the stimulus of a patch outside the field was asked for")

    (reading,) = engine.measure(grid, [0, 7], range(3), refuse)
    assert reading.patches.tolist() == [0, 0, 0, 7, 7, 7]
    assert reading.values[0].tolist() == [0.0] * 6


def test_tiny_changes_keep_their_digits_in_float32() -> None:
    """A change of 1e-9 of the image: dense float32 sees rounding, delta what float64 sees."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.SiLU()
    )
    image, grid = torch.randn(3, 16, 16), PatchGrid((16, 16), patch=8, stride=8)
    found, noise, _ = both(model, image, [Target("4")], grid, scale=1e-9)
    _, truth, _ = both(model.double(), image.double(), [Target("4")], grid, scale=1e-9)
    seen = truth[0] > 0
    assert np.median(np.abs(found[0] - truth[0])[seen] / truth[0][seen]) < 1e-6
    assert np.median(np.abs(noise[0] - truth[0])[seen] / truth[0][seen]) > 0.1


def test_batches_do_not_change_the_answer() -> None:
    model = _network("residual")
    image, grid = torch.randn(3, 20, 24, dtype=torch.float64), PatchGrid((20, 24), 4, 3)
    answers = [
        both(model, image, [Target("3")], grid, draws=3, batch_size=size)[0][0]
        for size in (1, 2, 7, None)
    ]
    for answer in answers[1:]:
        np.testing.assert_allclose(answer, answers[0], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(
    "long",
    [
        nn.Conv2d(64, 5, 7, padding=3),
        nn.Conv2d(64, 5, (3, 5), padding=(8, 4), dilation=(6, 4)),
        nn.Conv2d(64, 5, 9),
    ],
    ids=["large", "dilated", "valid"],
)
def test_large_reach_goes_tap_by_tap(long: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    convolve = tapwise.convolve
    monkeypatch.setattr(tapwise, "convolve", lambda *a: taken.append(a) or convolve(*a))
    model = nn.Sequential(nn.Conv2d(3, 64, 1), nn.ReLU(), long).double()
    image, grid = torch.randn(3, 24, 26, dtype=torch.float64), PatchGrid((24, 26), 3, 3)
    unit = Target("2", (7, 7))
    found, truth, _ = both(model, image, [Target("2"), unit], grid, draws=1, batch_size=1)
    np.testing.assert_allclose(found[0], truth[0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(found[1], truth[1], rtol=0, atol=1e-13)
    assert taken


@pytest.mark.parametrize("count", [1, 63, 64, 97, 640])
def test_vectors_in_rows_are_a_matrix_product(count: int) -> None:
    change, weight = torch.randn(count, 12, 1, 1), torch.randn(5, 12, 1, 1)
    product = tapwise.multiply(change, weight)
    torch.testing.assert_close(product[:, :, 0, 0], change[:, :, 0, 0] @ weight[:, :, 0, 0].T)


@pytest.mark.parametrize("stride", [1, 2])
def test_few_positions_are_gathered(stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    convolve = gathered.convolve
    monkeypatch.setattr(gathered, "convolve", lambda *a: taken.append(a) or convolve(*a))
    last = nn.Conv2d(64, 5, (3, 2), stride=stride, padding=1)
    model = nn.Sequential(nn.Conv2d(3, 64, 5, padding=2), nn.ReLU(), last).double()
    image, grid = torch.randn(3, 20, 22, dtype=torch.float64), PatchGrid((20, 22), 4, 3)
    found, truth, _ = both(model, image, [Target("2", (4, 5))], grid)
    np.testing.assert_allclose(found[0], truth[0], rtol=1e-10, atol=1e-13)
    assert taken


def _normed(shared: bool) -> nn.Module:
    """A batch norm behind a convolution, which something else may read too."""
    norm = nn.BatchNorm2d(6)
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    nn.init.uniform_(norm.weight, 0.5, 2)
    first, last = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 4, 3, padding=1)
    if not shared:
        return nn.Sequential(first, norm, nn.Tanh(), last).double()
    both_ways = Lambda(lambda x: norm(x).tanh() + x)
    both_ways.norm = norm
    return nn.Sequential(first, both_ways, last).double()


@pytest.mark.parametrize(("shared", "layer", "folded"), [(0, "3", 1), (1, "2", 0), (0, "0", 0)])
def test_batch_norm_folds_into_the_convolution_it_alone_reads(
    shared: int, layer: str, folded: int
) -> None:
    torch.manual_seed(2)
    model = _normed(bool(shared))
    image, grid = torch.randn(3, 20, 22, dtype=torch.float64), PatchGrid((20, 22), 4, 3)
    targets = [Target(layer), Target("3" if not shared else layer)]
    found, truth, engine = both(model, image, targets, grid)
    for mine, theirs in zip(found, truth, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-13)
    assert [rule is SCALED for rule in engine.rules.values()].count(True) == folded


@pytest.mark.parametrize("kept", [True, False])
def test_weights_are_kept_twice_only_where_they_take_little(kept: bool) -> None:
    torch.manual_seed(2)
    model, image = _normed(False).eval(), torch.randn(3, 20, 22, dtype=torch.float64)
    first, last = (model[index].weight.numel() * 8 for index in (0, 3))
    both_of_them = first + last
    grid, budget = PatchGrid((20, 22), 4, 3), 4 * both_of_them - (not kept)
    targets = [Target("3")]
    engine = DeltaEngine(model, image, targets, memory_bytes=budget)
    assert engine.prepared.bytes == (both_of_them if kept else max(first, last))
    assert engine.prepared.keeps_weights is kept
    weight = engine.graph.constants[engine.graph.layer("3").arguments["weight"]]
    again = [engine.prepared.weight(engine.graph.layer("3"), weight) for _ in range(2)]
    assert (again[0] is again[1]) is kept
    dense = DenseEngine(model, image, targets)
    with torch.no_grad():
        found, truth = (
            collect(each, grid, range(len(grid)), 2, noise(4, 3, torch.float64))
            for each in (engine, dense)
        )
    np.testing.assert_allclose(found[0], truth[0], rtol=1e-9, atol=1e-13)
