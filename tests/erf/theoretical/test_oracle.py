"""Theory against the oracle of `benchmarks.oracle`: gradients in float64 of smooth twins."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.oracle import Case, every_case, examine, quick_cases
from benchmarks.oracle.case import of
from benchmarks.oracle.smooth import Smooth
from benchmarks.theory_oracle import line, render
from erf.geometry.axis import Window
from erf.graph.node import Call, Effect, Read
from erf.graph.rules import TABLE

CASES = {case.name: case for case in quick_cases()}
EVERYDAY = (
    *("scatter", "sort of rows", "topk of columns", "cummax", "embedding", "bucketize"),
    *("gather of rows by values", "flip of channels", "channel_shuffle operator", "hstack"),
    *("masked_fill by values", "max_unpool2d", "unbind", "cosine similarity", "trilinear"),
    *("attention within blocks", "two heads with masks of their own", "slice_scatter of channels"),
    *("transposed k1 s2", "circular padding", "view_as_complex", "bicubic to 11x9 aligned"),
)
"""Cases that are tested nowhere else; together they take one export."""


class Together(nn.Module):
    """Several models of one image."""

    def __init__(self, models: list[nn.Module]) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [model(x) for model in self.models]


def test_no_pixel_is_missed_and_none_claimed_beyond():
    cases = [CASES[name] for name in EVERYDAY]
    together = Case(
        "together",
        lambda: Together([case.make() for case in cases]),
        layers=tuple(f"models.{index}.out" for index in range(len(cases))),
        smooth=lambda: Together([(case.smooth or case.make)() for case in cases]),
    )
    for name, finding in zip(EVERYDAY, examine(together, most=9), strict=True):
        assert not finding.wrong, (name, finding)
        assert finding.status in ("exact", "whole_image"), (name, finding.reasons)


@pytest.mark.slow
@pytest.mark.parametrize("case", every_case(), ids=lambda case: case.name)
def test_every_case(case: Case):
    findings = examine(case) if case.layers else examine(case, most=5, seeds=(0,))
    assert not [finding for finding in findings if finding.wrong]


def test_the_oracle_sees_rules_that_read_too_little_and_too_much(monkeypatch: pytest.MonkeyPatch):
    def rule(kernel: int, padding: int):
        def flipped(call: Call) -> Effect:
            window = Window(kernel, 1, padding)
            return Effect(call["self"].layout, (Read(call["self"], window),))

        return flipped

    case = of("sine", torch.sin)
    assert not examine(case)[0].wrong
    monkeypatch.setitem(TABLE, "aten.sin", rule(1, 1))
    (found,) = examine(case)
    assert found.missed
    assert found.wrong
    monkeypatch.setitem(TABLE, "aten.sin", rule(3, 1))
    (found,) = examine(case)
    assert (found.missed, found.wrong) == ((), True)
    assert found.beyond


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation", "ceil"),
    [(2, 2, 0, 1, False), (3, 2, 1, 1, True), (2, 1, 0, 2, False), (3, 3, 1, 1, True)],
)
def test_the_smooth_maximum_reads_the_windows_of_the_real_one(
    kernel: int, stride: int, padding: int, dilation: int, ceil: bool
):
    image = torch.randn(1, 2, 7, 6, dtype=torch.float64, requires_grad=True)
    real = functional.max_pool2d(image, kernel, stride, padding, dilation, ceil)
    with Smooth():
        smooth = functional.max_pool2d(image, kernel, stride, padding, dilation, ceil)
    assert smooth.shape == real.shape
    for row, col in ((0, 0), (real.shape[2] - 1, real.shape[3] - 1)):
        (gradient,) = torch.autograd.grad(smooth[0, 0, row, col], image, retain_graph=True)
        moved = image.detach().repeat(42, 1, 1, 1)
        moved.view(42, 2, 42)[range(42), :, range(42)] = 1e3
        pooled = functional.max_pool2d(moved, kernel, stride, padding, dilation, ceil)
        truth = (pooled[:, 0, row, col] == 1e3).view(7, 6)
        assert torch.equal(gradient[0, 0] != 0, truth)


def test_the_page_counts():
    rows = [line(examine(CASES[name])) for name in ("fft of rows alone", "rounded")]
    assert rows[0]["loose"] == 0  # a bound, but of one row
    text = render(rows)
    assert f"2 of {len(every_case())} cases were run, with 2 layers and 60 units" in text
    assert "60 units: 0 missed, 0 beyond. 1 layers of 1 cases" in text
    assert "| aten.fft_rfft | 1 |" in text
