"""NaN probing says what it could not see."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import erf
from erf.geometry import Box
from erf.theoretical import disagreement, nan_boxes
from erf.theoretical.nan import nan_field, perturbed_boxes


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


@pytest.mark.parametrize("name", SWALLOW)
def test_numbers_find_what_nan_does_not(name: str):
    """Of five rows and columns, all that a gate of one position leaves; never more."""
    gate, _ = SWALLOW[name]
    found = nan_field(Gated(gate).eval(), "out", (12, 12))
    assert found.size == (5, 5)
    assert found.box((6, 6)) == Box(4, 4, 9, 9)
    assert found.box((0, 11)) == Box(0, 9, 3, 12)
    seen = nan_boxes(Gated(gate).eval(), "out", (12, 12))
    more = "numbers drawn anew found pixels that NaN did not"
    assert (more in found.reasons) == bool((seen != found.boxes()).any())


def test_a_unit_that_never_changes_has_no_box():
    found = nan_field(Gated(lambda y: (y > 1e9).float()).eval(), "out", (8, 8))
    assert (found.status, found.size) == ("lower_bound", (0, 0))
    assert not perturbed_boxes(Gated(lambda y: y * 0 + 1).eval(), "out", (8, 8)).any()


def test_rules_and_nan_that_is_swallowed_do_not_disagree():
    gate, _ = SWALLOW["where"]
    model = Gated(gate).eval()
    field = erf.theoretical_field(model, "out", image_size=(12, 12))
    assert (field.status, field.size) == ("exact", (5, 5))
    assert disagreement(model, field, (6, 6)) is None


def test_a_factor_of_zero_hands_nan_on_but_no_change():
    model = Gated(lambda y: y * torch.ones(12, 12).tril()).eval()
    field = erf.theoretical_field(model, "out", image_size=(12, 12))
    assert field.status == "exact"
    assert field.box((0, 11)).empty
    assert disagreement(model, field) is None


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
