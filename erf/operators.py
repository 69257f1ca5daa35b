"""The one door for operators: what it reads, and how a change passes, in one registration.

An operator that the toolkit does not know (one of ``torch.library``, say) counts as reading all of
its inputs, and delta propagation computes it as a difference of whole maps: right, but a bound and
slow. One function that says what an output position reads makes theory exact and lets delta skip
what is not touched; a formula for its change makes delta fast:

    from erf import operators

    def change(step):  # linear: it acts on the change alone; the canvas holds the padding
        return blur_without_padding(step.change(step["x"], step.canvas()))

    @operators.register("mylib::blur3", change=change, windows=operators.sliding)
    def blur3(call):
        (source,) = call.sources
        return operators.same_map(source, rows=operators.Window(3, padding=1))

It holds for every graph that is exported afterwards.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from erf.engines.delta.rules.table import TABLE as FORMULAS
from erf.engines.delta.rules.table import (
    CleanOf,
    Fits,
    Formula,
    always,
    everything,
    never,
    nothing,
    position_wise,
)
from erf.engines.delta.step import Step
from erf.errors import SettingError
from erf.geometry.axis import IDENTITY, Adaptive, Relation, Transposed, Whole, Window
from erf.geometry.rearrange import Flip, Listed, Mirror, Repeat, Roll
from erf.graph import Axis, Call, Certainty, Digit, Layout, Node, Read
from erf.graph.node import Effect
from erf.graph.rules import TABLE as RULES
from erf.graph.rules.pointwise import pointwise
from erf.graph.rules.table import Rule

__all__ = [
    "IDENTITY",
    "Adaptive",
    "Axis",
    "Call",
    "Certainty",
    "Digit",
    "Effect",
    "Flip",
    "Layout",
    "Listed",
    "Mirror",
    "Node",
    "Read",
    "Relation",
    "Repeat",
    "Roll",
    "Step",
    "Transposed",
    "Whole",
    "Window",
    "always",
    "everything",
    "never",
    "nothing",
    "pointwise",
    "position_wise",
    "register",
    "same_map",
    "sliding",
]


def register(
    *names: str,
    change: Callable[[Step], Tensor] | None = None,
    fits: Fits = always,
    windows: Fits = never,
    clean: CleanOf = nothing,
) -> Callable[[Rule], Rule]:
    """Register an operator for theory and for delta propagation, as a decorator of its rule.

    The rule gets the call and says which dimensions of the output are rows and columns, and what
    each output position reads of each input. What it says is taken for exact; where it raises, the
    operator counts as unknown.

    Args:
        names: of the operator without its overload, ``mylib::myop`` or ``mylib.myop``.
        change: the change of its output, from changes of its inputs; it goes before formulas that
            the operator has. None leaves delta what it has: for a new operator the difference of
            whole maps.
        fits: whether ``change`` holds for a node.
        windows: whether it may run on windows rather than on whole maps.
        clean: the inputs whose clean values it needs.

    Raises:
        SettingError: when a name has no library before its name.
    """
    found = [_dotted(name) for name in names]

    def enter(rule: Rule) -> Rule:
        for name in found:
            RULES[name] = rule
            if change is not None:
                FORMULAS.setdefault(name, []).insert(0, Formula(change, fits, windows, clean))
        return rule

    return enter


def _dotted(name: str) -> str:
    library, _, rest = name.replace("::", ".").partition(".")
    if not library or not rest or "." in rest:
        raise SettingError(f"operator {name!r} is not library::name, without an overload")
    return f"{library}.{rest}"


def same_map(source: Node, rows: Relation = IDENTITY, cols: Relation = IDENTITY) -> Effect:
    """The effect of an operator that keeps the map's shape and reads along rows and columns.

    All channels of the output read all channels of the input.
    """
    assert source.layout is not None, f"{source.name} does not depend on the image"
    return Effect(source.layout.settled(), (Read(source, rows, cols),))


def sliding(node: Node) -> bool:
    """Whether a node reads sliding windows, so that a formula may ask for ``step.canvas()``."""
    return all(
        isinstance(relation, Window) for read in node.reads for relation in (read.rows, read.cols)
    ) and all(n.layout is not None and n.layout.is_map for n in (node, *(node.call.sources)))
