"""What no rule foresaw costs its operator, never the model; and what is not read is not claimed."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from erf.engines.delta import DeltaEngine
from erf.errors import ExportError
from erf.geometry import PatchGrid, Target
from erf.graph import export
from erf.graph.rules import TABLE
from erf.theoretical.analyse import analyse

SIZE = (12, 10)


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.no_grad():
        yield


class Net(nn.Module):
    """Two convolutions of unlike reach, and a function of both."""

    def __init__(self, function) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.near = nn.Conv2d(2, 4, 3, padding=1)
        self.far = nn.Conv2d(2, 4, 7, padding=3)
        self.out = nn.Identity()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.function(self.near(x), self.far(x)))


def field(function):
    return analyse(export(Net(function), (1, 2, *SIZE)), ["out"])[0]


SHAPE_ONLY = {
    "type_as of a map": lambda a, b: a.type_as(b),
    "type_as of a vector": lambda a, b: a * torch.ones(10, dtype=torch.float64).type_as(b),
    "to(other)": lambda a, b: a.to(b),
    "zeros_like": lambda a, b: a + torch.zeros_like(b),
    "randn_like": lambda a, b: a + torch.randn_like(b),
    "rand_like": lambda a, b: a + torch.rand_like(b),
    "randint_like": lambda a, b: a + torch.randint_like(b, 3),
    "bernoulli of a number": lambda a, b: a + torch.bernoulli(b, 0.5),
    "new_full": lambda a, b: a + b.new_full((12, 10), 3.0),
    "new_zeros": lambda a, b: a + b.new_zeros(12, 10),
    "expand_as": lambda a, b: a + torch.ones(1, 1, 1, 1).expand_as(b),
    "view_as": lambda a, b: a.view_as(b),
    "reshape_as": lambda a, b: a.reshape_as(b),
    "fill": lambda a, b: a + b.clone().fill_(2.0),
    "copy": lambda a, b: b.clone().copy_(a),
}


@pytest.mark.parametrize("name", SHAPE_ONLY)
def test_an_example_of_shape_or_type_is_not_read(name: str):
    found = field(SHAPE_ONLY[name])
    assert (found.size, found.status) == ((3, 3), "exact")


def test_delta_reads_no_example_of_a_type_either():
    torch.manual_seed(1)
    net = Net(lambda a, b: a * torch.ones(10, dtype=torch.float64).type_as(b) + a.to(b)).eval()
    image, grid = torch.randn(2, *SIZE), PatchGrid(SIZE, 1, 1)
    engine = DeltaEngine(net, image, [Target("out", (6, 5))])
    change = torch.randn(1, 2, 1, 1).expand(120, -1, -1, -1)
    found = np.zeros(120)
    for reading in engine.measure(grid, range(120), [0], lambda p, d: change[: len(p)]):
        found[reading.patches] = reading.values[0]
    assert (found.reshape(SIZE) > 0).sum() == 9
    assert engine.notes == ()


def test_a_rule_that_raises_costs_its_operator(monkeypatch: pytest.MonkeyPatch):
    def broken(call):
        raise KeyError("what is this?")

    monkeypatch.setitem(TABLE, "aten.tanh", broken)
    found = field(lambda a, b: a.tanh())
    assert found.status == "upper_bound"
    assert found.reasons == ("aten.tanh (its rule fails: KeyError: 'what is this?')",)
    assert (found.boxes() == (0, 0, *SIZE)).all()


def test_channels_that_cannot_be_told_apart_cost_exactness(monkeypatch: pytest.MonkeyPatch):
    from erf.theoretical import channels

    def broken(*_: object) -> None:
        raise RuntimeError("labels")

    monkeypatch.setattr(channels, "_classify", broken)
    found = field(lambda a, b: torch.cat([a, b], dim=1)[:, :4])
    assert (found.size, found.status) == ((7, 7), "upper_bound")


def test_a_rule_that_says_another_shape_costs_its_operator(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(TABLE, "aten.tanh", lambda call: _cropped(call))
    found = field(lambda a, b: a.tanh())
    assert found.status == "upper_bound"
    assert "layout of shape (2, 4, 3, 3)" in found.reasons[0]


def _cropped(call):
    from erf.graph import Layout, Read
    from erf.graph.node import Effect

    return Effect(Layout.plain((2, 4, 3, 3)), (Read(call.sources[0]),))


def test_one_hot_keeps_rows_and_columns():
    def function(a: Tensor, b: Tensor) -> Tensor:
        return functional.one_hot(a.argmax(1), 4).permute(0, 3, 1, 2).to(b.dtype)

    found = field(function)
    assert (found.units, found.size, found.status) == (SIZE, (3, 3), "exact")


def test_control_flow_is_an_operator_without_a_rule():
    def function(a: Tensor, b: Tensor) -> Tensor:
        return torch.cond(b.sum() > 0, lambda z: z + 1, lambda z: z - 1, (a,))

    found = field(function)
    assert found.status == "upper_bound"
    assert found.reasons == ("higher_order.cond",)


def test_a_unit_that_reads_nothing():
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ConvTranspose2d(4, 4, 1, stride=2), nn.Identity()
    ).eval()
    (found,) = analyse(export(net, (1, 2, *SIZE)), ["2"])
    assert found.box((3, 3)).empty
    image, grid = torch.randn(2, *SIZE), PatchGrid(SIZE, 2, 2)
    engine = DeltaEngine(net, image, [Target("2", (3, 3))])
    readings = list(engine.measure(grid, range(30), [0], lambda p, d: torch.ones(len(p), 2, 2, 2)))
    assert sum(float(r.values[0].sum()) for r in readings) == 0
    assert sum(len(r.patches) for r in readings) == 30


def test_constants_are_computed_once():
    """A chain of 40 doublings: computed anew for each of its readers it would never end."""

    def function(a: Tensor, b: Tensor) -> Tensor:
        mask = torch.ones(SIZE)
        for _ in range(40):
            mask = mask + mask
        return a.masked_fill(mask < 0, 0.0) * mask

    assert field(function).status == "exact"


def test_a_model_without_values_has_no_zeros_by_construction():
    net = Net(lambda a, b: a * torch.ones(SIZE, device=a.device)).to("meta")
    (found,) = analyse(export(net, (1, 2, *SIZE)), ["out"])
    assert (found.size, found.status) == ((3, 3), "exact")


def test_sizes_that_depend_on_values_are_an_export_error():
    with pytest.raises(ExportError, match=r"cannot be exported|depends on values"):
        export(Net(lambda a, b: a[a > 0]), (1, 2, *SIZE))


def test_a_model_that_calls_no_module():
    assert analyse(export(nn.ReLU(), (1, 2, *SIZE)), []) == []


def test_complex_numbers_go_through_delta():
    net = Net(lambda a, b: torch.fft.irfft2(torch.fft.rfft2(a) * 0.5, s=a.shape[-2:])).eval()
    image, grid = torch.randn(2, *SIZE), PatchGrid(SIZE, 2, 2)
    engine = DeltaEngine(net, image, [Target("out", (6, 5))])
    for reading in engine.measure(grid, [17], [0], lambda p, d: torch.ones(len(p), 2, 2, 2)):
        moved = image.clone()
        box = grid.box(17)
        moved[:, box.top : box.bottom, box.left : box.right] += 1
        truth = (net(moved[None]) - net(image[None]))[0, :, 6, 5].norm()
        np.testing.assert_allclose(reading.values[0], float(truth), rtol=1e-4)


def test_an_error_names_only_what_still_works():
    class Refusing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if x.shape[-1] % 32:
                raise RuntimeError("sides of 32 only")
            return x

    with pytest.raises(ExportError, match=r"does not take an image of .*sides of 32 only"):
        export(Refusing(), (1, 2, *SIZE))


def test_what_the_translation_throws_is_an_export_error(monkeypatch: pytest.MonkeyPatch):
    from erf.graph import exporting

    def broken(*_: object) -> None:
        raise KeyError("val")

    monkeypatch.setattr(exporting, "_shapes", broken)
    with pytest.raises(ExportError, match=r"ReLU cannot be exported .*KeyError: 'val'.*dense"):
        export(nn.ReLU(), (1, 2, *SIZE))
