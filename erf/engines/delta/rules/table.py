"""The table of formulas: operator to how a change passes through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from erf.engines.delta.step import Step
from erf.geometry.axis import IDENTITY
from erf.graph import Node

Apply = Callable[[Step], Tensor]
Fits = Callable[[Node], bool]
CleanOf = Callable[[Node], Sequence[Node]]


@dataclass(frozen=True)
class Formula:
    """One way to pass a change through an operator.

    Attributes:
        apply: the change of the output.
        fits: whether the way can be taken at all.
        windows: whether it can be taken on windows; else it runs on whole tensors.
        clean: the inputs whose clean value it needs.
    """

    apply: Apply
    fits: Fits
    windows: Fits
    clean: CleanOf


TABLE: dict[str, list[Formula]] = {}


def nothing(_: Node) -> Sequence[Node]:
    """No clean value is needed."""
    return ()


def everything(node: Node) -> Sequence[Node]:
    """The clean values of all inputs are needed."""
    return node.call.sources


def always(_: Node) -> bool:
    """It fits."""
    return True


def never(_: Node) -> bool:
    """It does not fit."""
    return False


def formula(
    *names: str,
    fits: Fits = always,
    windows: Fits = never,
    clean: CleanOf = nothing,
) -> Callable[[Apply], Apply]:
    """Enter a formula under these operator names; of several that fit the first is taken."""

    def enter(apply: Apply) -> Apply:
        for name in names:
            TABLE.setdefault(name, []).append(Formula(apply, fits, windows, clean))
        return apply

    return enter


def is_window_map(node: Node) -> bool:
    """Whether windows of the node's value can be cut: batch first, rows and columns apart."""
    layout = node.layout
    return layout is not None and layout.is_map and layout.batch_dim == 0


def position_wise(node: Node) -> bool:
    """Whether each output position reads the same position of every input, or of inputs that have
    but one position its only one."""
    layout = node.layout
    if layout is None or not is_window_map(node):
        return False
    places = layout.row_dim, layout.col_dim
    for read in node.reads:
        source = read.source.layout
        if source is None or source.batch_dim != 0 or not source.is_map:
            return False
        if (source.row_dim, source.col_dim) != places or len(source.dims) != len(layout.dims):
            return False
        same = (read.rows, read.cols) == (IDENTITY, IDENTITY)
        if not (same and source.map_size == layout.map_size) and source.map_size != (1, 1):
            return False
    return True


def moved_about(node: Node) -> bool:
    """Whether positions stay what they are while the dimensions that hold them may change."""
    (read,) = node.reads if len(node.reads) == 1 else (None,)
    return (
        read is not None
        and is_window_map(node)
        and is_window_map(read.source)
        and (read.rows, read.cols) == (IDENTITY, IDENTITY)
        and read.source.map_size == node.map_size
    )
