"""The one table of spatial rules: operator name to rule."""

from __future__ import annotations

from collections.abc import Callable

import torch

from erf.geometry.axis import Whole
from erf.graph.layout import Axis, Layout, channel
from erf.graph.node import Call, Certainty, Effect, Node, Read

Rule = Callable[[Call], Effect]
TABLE: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a function into the table under these operator names."""

    def enter(function: Rule) -> Rule:
        for name in names:
            TABLE[name] = function
        return function

    return enter


def read_everything(source: Node, certainty: Certainty) -> Read:
    """All positions of an input."""
    rows, cols = source.map_size
    return Read(source, Whole(rows), Whole(cols), certainty)


def unknown(call: Call, reason: str | None = None) -> Effect:
    """An operator without a rule: every output may read everything; and the answer names it."""
    sources = call.sources
    if not any(s.layout and s.layout.positioned for s in sources):
        # Vectors have no positions to confuse: whatever the operator does, it reads all there is.
        reads = tuple(read_everything(s, Certainty.EXACT) for s in sources)
        return Effect(guess_layout(call), reads)
    reads = tuple(read_everything(s, Certainty.BOUND) for s in sources)
    return Effect(guess_layout(call), reads, reason or call.op)


def guess_layout(call: Call) -> Layout:
    """Meaning of an output whose every position reads everything, so that any guess is right."""
    for source in call.sources:
        if source.layout and source.shape == call.shape and not source.layout.lost:
            return source.layout
    if len(call.shape) == 4:
        return Layout.plain(call.shape)
    batch = max((s.layout.size(Axis.BATCH) for s in call.sources if s.layout), default=1)
    dims = [channel(size) if size > 1 else () for size in call.shape]
    layout = Layout(tuple(dims))
    if call.shape and call.shape[0] == batch > 1:
        layout = layout.replace(0, Layout.plain((batch, 1, 1, 1)).dims[0])
    return layout


SHAPE_ONLY = frozenset(
    f"aten.{name}"
    for name in (
        *("new_zeros", "new_ones", "new_full", "new_empty", "zeros_like", "ones_like", "full_like"),
        *("empty_like", "zeros", "ones", "full", "empty", "arange", "scalar_tensor", "sym_size"),
    )
)
"""Operators that look at the shape of their input, never at its values."""


def rule_of(call: Call) -> Rule | None:
    """The rule of a call's operator, if it has one. PyTorch knows most pointwise operators."""
    found = TABLE.get(call.op)
    if found is None and torch.Tag.pointwise in getattr(call.target, "tags", ()):
        return TABLE["pointwise"]
    return found


def effect_of(call: Call) -> Effect:
    """What the table says of a call."""
    if call.op in SHAPE_ONLY or not call.sources:
        return Effect(None)
    found = rule_of(call)
    effect = found(call) if found else unknown(call)
    assert effect.layout is None or effect.layout.shape == call.shape, (call, effect)
    return effect
