"""NaN probing says what it could not see."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from erf.theoretical.nan import nan_field


class Gated(nn.Module):
    def __init__(self, gate) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.last = nn.Conv2d(4, 4, 3, padding=1)
        self.gate, self.out = gate, nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.last(self.gate(self.first(x))))


SWALLOW = {
    "where": (lambda y: torch.where(y > 0, y, torch.zeros_like(y)), "aten.gt"),
    "mask": (lambda y: (y > 0).float(), "aten.gt"),
    "filled": (lambda y: y.masked_fill(y <= 0, 0.0), "aten.le"),
    "nan_to_num": (torch.nan_to_num, "aten.nan_to_num"),
    "fmax": (lambda y: torch.fmax(y, torch.zeros_like(y)), "aten.fmax"),
    "integers": (lambda y: y.int().float(), "aten._to_copy"),
    "class": (
        lambda y: functional.one_hot(y.argmax(1), 4).permute(0, 3, 1, 2).float(),
        "aten.argmax",
    ),
}


@pytest.mark.parametrize("name", SWALLOW)
def test_a_gate_that_swallows_nan_makes_a_lower_bound(name: str):
    gate, operator = SWALLOW[name]
    found = nan_field(Gated(gate).eval(), "out", (12, 12))
    assert found.status == "lower_bound"
    assert f"{operator} swallows NaN" in found.reasons


PASS = {
    "relu": functional.relu,
    "in place": lambda y: functional.relu(y, inplace=True),
    "clamp": lambda y: y.clamp(0, 1),
    "maximum": lambda y: functional.max_pool2d(y, 3, 1, 1),
    "softmax": lambda y: y.softmax(1),
    "like": lambda y: y + torch.zeros_like(y) + y.new_ones(1),
}


@pytest.mark.parametrize("name", PASS)
def test_a_gate_that_hands_nan_on_does_not(name: str):
    found = nan_field(Gated(PASS[name]).eval(), "out", (12, 12))
    assert found.status == "exact"
    assert found.size == ((7, 7) if name == "maximum" else (5, 5))
