"""Sums, products and quotients of two operands, of which either or both may change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from erf.engines.delta import kernels
from erf.engines.delta.rules.table import everything, formula, position_wise
from erf.engines.delta.step import Step
from erf.graph import Node


def _term(step: Step, source: Any) -> Tensor | None:
    return step.change(source) if step.changed(source) else None


@formula("aten.add", "aten.sub", "aten.rsub", windows=position_wise)
def add(step: Step) -> Tensor:
    """``self + alpha * other`` or ``self - alpha * other``; constants do not change."""
    first, second = _term(step, step["self"]), _term(step, step["other"])
    scale = float(step.get("alpha", 1))
    if step.node.op != "aten.add":
        scale = -scale
    swapped = step.node.op == "aten.rsub"
    if second is not None and scale != 1:
        second = second if swapped else second * scale
    if first is not None and swapped:
        first = first * scale
    if first is None or second is None:
        only = second if first is None else first
        assert only is not None
        return only.expand(step.shape)
    return first + second


@formula("aten.neg", windows=position_wise)
def negate(step: Step) -> Tensor:
    """The sign turned."""
    return -step.change(step["self"])


@formula(
    *("aten.clone", "aten.contiguous", "aten.alias", "aten.detach", "aten.lift_fresh_copy"),
    *("aten.dropout", "aten.feature_dropout"),
    windows=position_wise,
)
def same(step: Step) -> Tensor:
    """Nothing happens to the numbers."""
    return step.change(step.node.reads[0].source)


def _same_type(node: Node) -> bool:
    return node.call.dtype == node.reads[0].source.call.dtype


@formula("aten._to_copy", "aten.to", fits=_same_type, windows=position_wise)
def copy(step: Step) -> Tensor:
    """A copy of the same floating type."""
    return step.change(step.node.reads[0].source)


def _both(step: Step) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
    """Changes and clean values of two changing operands; None if one of them does not change."""
    first, second = step["self"], step["other"]
    if not (step.changed(first) and step.changed(second)):
        return None
    changes = step.spread(step.change(first)), step.spread(step.change(second))
    return changes[0], step.operand(first), changes[1], step.operand(second)


def _value(step: Step, operand: Any) -> Tensor | float:
    return step.operand(operand) if isinstance(operand, Node) else float(operand)


@formula("aten.mul", windows=position_wise, clean=everything)
def multiply(step: Step) -> Tensor:
    """A product; one that only scales is linear."""
    both = _both(step)
    if both:
        return step.gather(kernels.change_of_product(*both))
    first, second = step["self"], step["other"]
    if not step.changed(first):
        first, second = second, first
    return step.gather(step.spread(step.change(first)) * _value(step, second))


@formula(
    "aten.div",
    fits=lambda node: node.arguments.get("rounding_mode") is None,
    windows=position_wise,
    clean=everything,
)
def divide(step: Step) -> Tensor:
    """A quotient."""
    both = _both(step)
    if both:
        return step.gather(kernels.change_of_division(*both))
    first, second = step["self"], step["other"]
    if step.changed(first):
        return step.gather(step.spread(step.change(first)) / _value(step, second))
    change, clean = step.spread(step.change(second)), step.operand(second)
    return step.gather(_value(step, first) * kernels.change_of_reciprocal(change, clean))


def _extreme(sign: int) -> Callable[[Step], Tensor]:
    def apply(step: Step) -> Tensor:
        operands = []
        for source in (step["self"], step["other"]):
            clean = step.operand(source)
            change = step.spread(step.change(source)) if step.changed(source) else None
            zero = torch.zeros((), dtype=clean.dtype, device=clean.device)
            operands += [zero if change is None else sign * change, sign * clean]
        return step.gather(sign * kernels.change_of_maximum(*operands))

    return apply


formula("aten.maximum", windows=position_wise, clean=everything)(_extreme(1))
formula("aten.minimum", windows=position_wise, clean=everything)(_extreme(-1))


def _constant_choice(node: Node) -> bool:
    """Whether which of the two is taken does not depend on the image."""
    name = "condition" if node.op == "aten.where" else "mask"
    return all(read.source is not node.arguments[name] for read in node.reads)


@formula("aten.masked_fill", fits=_constant_choice, windows=position_wise)
def masked_fill(step: Step) -> Tensor:
    """Where a constant is filled in, nothing changes any more."""
    change = step.spread(step.change(step["self"]))
    return step.gather(change.masked_fill(step.operand(step["mask"]), 0.0))
