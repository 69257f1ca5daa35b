"""One registration: theory is NaN probing's, delta is dense's, with a formula and without."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from erf import operators
from erf.engines.delta import DeltaEngine
from erf.engines.delta.rules.table import TABLE as FORMULAS
from erf.errors import SettingError
from erf.geometry import PatchGrid, Target
from erf.graph import export
from erf.graph.rules import TABLE as RULES
from erf.theoretical import nan_boxes
from erf.theoretical.analyse import analyse

SIZE = (12, 10)
KERNEL = torch.tensor([0.25, 0.5, 0.25]).view(1, 1, 3, 1)


@torch.library.custom_op("erf_test::blur3", mutates_args=())
def blur3(x: Tensor) -> Tensor:
    """A blur along rows."""
    kernel = KERNEL.to(x.dtype).expand(x.shape[1], 1, 3, 1)
    return functional.conv2d(x, kernel, padding=(1, 0), groups=x.shape[1])


@blur3.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.out = nn.Conv2d(2, 4, 3, padding=1), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.ops.erf_test.blur3(self.stem(x)).relu())


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(RULES, "erf_test.blur3", raising=False)
    monkeypatch.delitem(FORMULAS, "erf_test.blur3", raising=False)
    before = dict(RULES), dict(FORMULAS)
    with torch.no_grad():
        yield Net().eval()
    for table, old in zip((RULES, FORMULAS), before, strict=True):
        table.clear()
        table.update(old)


def rule(call):
    (source,) = call.sources
    return operators.same_map(source, rows=operators.Window(3, padding=1))


def change(step):
    canvas = step.change(step["x"], step.canvas())
    kernel = KERNEL.to(canvas.dtype).expand(canvas.shape[1], 1, 3, 1)
    return functional.conv2d(canvas, kernel, groups=canvas.shape[1])


def ones(patches: np.ndarray, draws: np.ndarray) -> Tensor:
    return torch.ones(len(patches), 2, 2, 2, dtype=torch.float64)


def compare(net: nn.Module) -> DeltaEngine:
    """Delta at every unit of a corner and the middle, against whole images in double precision."""
    net = net.double()
    image = torch.randn(2, *SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    grid = PatchGrid(SIZE, 2, 2)
    for unit in ((0, 0), (6, 5), (11, 9)):
        engine = DeltaEngine(net, image, [Target("out", unit)])
        found = np.zeros(len(grid))
        for reading in engine.measure(grid, range(len(grid)), [0], ones):
            found[reading.patches] = reading.values[0]
        for patch in range(len(grid)):
            moved = image.clone()
            moved[(slice(None), *grid.box(patch).slices())] += 1
            difference = (net(moved[None]) - net(image[None]))[(0, slice(None), *unit)]
            np.testing.assert_allclose(found[patch], float(difference.norm()), atol=1e-12)
    return engine


def test_an_operator_without_registration_is_a_bound_and_still_measured(net: nn.Module):
    (field,) = analyse(export(net, (1, 2, *SIZE)), ["out"])
    assert (field.status, field.reasons) == ("upper_bound", ("erf_test.blur3",))
    assert "erf_test.blur3 (1x)" in compare(net).notes[0]


def test_a_rule_alone_makes_theory_exact_and_delta_falls_back(net: nn.Module):
    operators.register("erf_test::blur3")(rule)
    (field,) = analyse(export(net, (1, 2, *SIZE)), ["out"])
    assert (field.status, field.size, field.stride) == ("exact", (5, 3), (1, 1))
    np.testing.assert_array_equal(field.boxes(), nan_boxes(net, "out", SIZE, channels=2))
    assert "erf_test.blur3 (1x)" in compare(net).notes[0]


def test_a_formula_in_the_same_registration_is_used(net: nn.Module):
    operators.register("erf_test::blur3", change=change, windows=operators.sliding)(rule)
    (field,) = analyse(export(net, (1, 2, *SIZE)), ["out"])
    np.testing.assert_array_equal(field.boxes(), nan_boxes(net, "out", SIZE, channels=2))
    engine = compare(net)
    assert engine.notes == ()
    assert not engine.whole


@pytest.mark.parametrize("name", ["blur3", "mylib::blur3.default", "::x"])
def test_a_name_without_library_is_refused(name: str):
    with pytest.raises(SettingError, match="is not library::name"):
        operators.register(name)
