"""Every operator that torchvision's and timm's models export to has a rule, or none on purpose."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks.operators import Entry, of_timm, of_torchvision, operators
from erf.graph.rules import TABLE

FOUND = json.loads(Path(__file__).with_name("operators.json").read_text("utf-8"))
"""Written by ``python -m benchmarks.operators``."""

ON_PURPOSE: dict[str, str] = {}
"""Operators without a rule, and why."""


def known(name: str) -> bool:
    """Whether the table names an operator, or PyTorch says that it acts on every element alone."""
    if name in TABLE:
        return True
    library, operator = name.split(".", 1)
    packet = getattr(getattr(torch.ops, library), operator)
    overloads = [getattr(packet, overload) for overload in packet.overloads()]
    return any(torch.Tag.pointwise in overload.tags for overload in overloads)


@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_every_operator_is_known_or_unknown_on_purpose(library: str):
    assert len(FOUND[library]) > 30
    assert {name for name in FOUND[library] if not known(name)} <= set(ON_PURPOSE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "entry"),
    [("torchvision", e) for e in of_torchvision()] + [("timm", e) for e in of_timm()],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_the_list_holds_what_exports_contain(library: str, entry: Entry):
    assert operators(entry) <= set(FOUND[library])


def test_nothing_is_unknown_on_purpose_that_has_a_rule():
    assert not {name for name in ON_PURPOSE if known(name)}


def test_what_is_not_an_operator_of_ours_is_not_known():
    assert not known("aten.linalg_inv")
