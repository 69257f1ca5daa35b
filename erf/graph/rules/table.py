"""The one table of spatial rules: operator name to rule."""

from __future__ import annotations

from collections.abc import Callable

import torch

from erf.geometry.axis import Whole
from erf.graph.layout import Axis, Digit, Dim, Layout, channel
from erf.graph.node import BatchSize, Call, Certainty, Effect, Node, Read
from erf.graph.shape_only import NAMES, shape_only

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
    """Meaning of an output whose every position reads everything, so that any guess is right.

    Dimensions that are as long as an input's are taken for the same: then what moves them later
    does not take rows for columns.
    """
    for source in call.sources:
        found = _like(source, call.shape)
        if found is not None:
            return found
    batch = max((s.layout.size(Axis.BATCH) for s in call.sources if s.layout), default=1)
    if len(call.shape) == 4 and _is_batch(call, 0, batch):
        return Layout.plain(call.shape)
    return Layout(tuple(_dim(call, d, batch) for d in range(len(call.shape))))


def _is_batch(call: Call, dim: int, batch: int) -> bool:
    """Whether a dimension counts images, and not heads or queries of the same number."""
    known = any(isinstance(size, BatchSize) for size in call.symbolic)
    return call.shape[dim] == batch and (not known or isinstance(call.symbolic[dim], BatchSize))


def _dim(call: Call, dim: int, batch: int) -> Dim:
    """Features, and the images among them where the size says so."""
    size, image = call.shape[dim], (Digit(Axis.BATCH, batch),)
    if batch > 1 and isinstance(call.symbolic[dim], BatchSize) and size % batch == 0:
        return image if size == batch else (*image, *channel(size // batch))
    if dim == 0 and batch > 1 and _is_batch(call, dim, batch):
        return image
    return channel(size) if size > 1 else ()


def _like(source: Node, shape: tuple[int, ...]) -> Layout | None:
    """The layout of a source, with one dimension more, fewer or none behind or before its own."""
    layout = source.layout
    if layout is None or layout.lost:
        return None
    if source.shape == shape:
        return layout
    if not layout.is_map:
        return None
    if source.shape == shape[:-1]:
        return Layout((*layout.dims, channel(shape[-1])))
    if source.shape[:-1] == shape and {digit.axis for digit in layout.dims[-1]} <= {Axis.CHANNEL}:
        return Layout(layout.dims[:-1])
    if len(source.shape) == len(shape) == 4 and source.shape[0] == shape[0]:
        return _resized(layout, shape)
    return None


def _resized(layout: Layout, shape: tuple[int, ...]) -> Layout:
    """The dimensions of a map in the same order, with other sizes."""
    axes = {layout.row_dim: Axis.ROW, layout.col_dim: Axis.COL}
    dims = [(Digit(axes[d], size),) if d in axes else channel(size) for d, size in enumerate(shape)]
    return Layout((layout.dims[0], *dims[1:])) if 0 not in axes else Layout.plain(shape)


def has_rule(target: torch._ops.OpOverload) -> bool:
    """Whether an operator has a rule of its own, or acts on every element alone."""
    name = f"{target.namespace}.{target._opname}"
    return name in TABLE or name in NAMES or torch.Tag.pointwise in target.tags


def rule_of(call: Call) -> Rule | None:
    """The rule of a call's operator, if it has one. PyTorch knows most pointwise operators."""
    found = TABLE.get(call.op)
    if found is None and torch.Tag.pointwise in getattr(call.target, "tags", ()):
        return TABLE["pointwise"]
    return found


def effect_of(call: Call) -> Effect:
    """What the table says of a call; a rule that fails costs its own operator, not the model."""
    if shape_only(call.op, call.arguments) or not call.sources:
        return Effect(None)
    found = rule_of(call)
    try:
        effect = found(call) if found else unknown(call)
        _check(call, effect)
    except Exception as error:  # a rule may be the user's, and an operator new to all of them
        return unknown(call, f"{call.op} (its rule fails: {_first_line(error)})")
    return effect


def _check(call: Call, effect: Effect) -> None:
    """Refuse an effect that no walk could use."""
    if effect.layout is None:
        return
    if effect.layout.shape != call.shape:
        raise ValueError(f"layout of shape {effect.layout.shape} for an output {call.shape}")
    if not effect.reads:
        raise ValueError("a layout, but nothing that is read")
    for read in effect.reads:
        if read.source.layout is None:
            raise ValueError(f"{read.source.name} does not depend on the image")
        read.rows.reads(0, 1)
        read.cols.reads(0, 1)


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"[:120]
