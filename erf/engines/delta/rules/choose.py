"""Finding the formula for a node, and what happens where there is none."""

from __future__ import annotations

from torch import Tensor

from erf.engines.delta.clean import evaluate
from erf.engines.delta.rules.table import TABLE, Rule, always, everything, never
from erf.engines.delta.step import Step
from erf.graph import Node


def find_rule(node: Node) -> Rule:
    """The first formula that fits, else the difference of whole maps."""
    for rule in TABLE.get(node.op, ()):
        if rule.fits(node):
            return rule
    return FALLBACK


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
            moved[source] = value + change if value.is_floating_point() else change
    disturbed = evaluate(node, moved, step.batch)
    if not disturbed.is_floating_point():
        return disturbed
    return (disturbed - evaluate(node, clean, step.batch)).to(step.reference.dtype)


def _double(value: Tensor) -> Tensor:
    return value.double() if value.is_floating_point() else value


FALLBACK = Rule(difference, fits=always, windows=never, clean=everything)
