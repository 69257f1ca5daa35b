"""Finding the formula for a node, and what happens where there is none."""

from __future__ import annotations

import torch
from torch import Tensor

from erf.engines.delta.clean import evaluate
from erf.engines.delta.rules.table import TABLE, Formula, always, everything, never
from erf.engines.delta.step import Step
from erf.graph import Node


def find_rule(node: Node) -> Formula:
    """The first formula that fits, else the difference of whole maps."""
    if any(call.dtype.is_complex for call in (node.call, *(s.call for s in node.inputs))):
        return FALLBACK  # the formulas order numbers
    for formula in TABLE.get(node.op, ()):
        if _fits(formula, node):
            return formula
    return FALLBACK


def _fits(formula: Formula, node: Node) -> bool:
    """A formula whose own question fails does not fit."""
    try:
        return formula.fits(node)
    except Exception:
        return False


def difference(step: Step) -> Tensor:
    """``f(b + d) - f(b)`` on whole tensors in double precision: always right, only slower.

    Truth values and integers (``a > 0``) have no change to speak of: what is passed on in its place
    is the disturbed value itself.
    """
    node = step.node
    clean = {source: _double(step.clean.expanded(source, step.batch)) for source in node.inputs}
    moved = dict(clean)
    for source, value in clean.items():
        if step.changed(source):
            change = step.change(source)
            moved[source] = value + change if _continuous(value) else change
    disturbed = evaluate(node, moved, step.batch)
    if not _continuous(disturbed):
        return disturbed
    dtype = step.reference.dtype
    dtype = dtype.to_complex() if disturbed.is_complex() else dtype
    return (disturbed - evaluate(node, clean, step.batch)).to(dtype)


def _continuous(value: Tensor) -> bool:
    return value.is_floating_point() or value.is_complex()


def _double(value: Tensor) -> Tensor:
    if value.is_complex():
        return value.to(torch.complex128)
    return value.double() if value.is_floating_point() else value


FALLBACK = Formula(difference, fits=always, windows=never, clean=everything)
