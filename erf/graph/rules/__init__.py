"""The table of spatial rules, one file a kind of operator."""

from erf.graph.rules import (  # noqa: F401  (each enters its operators into the table)
    contract,
    cut,
    fourier,
    pointwise,
    rearrange,
    recur,
    sample,
    slide,
    trace,
)
from erf.graph.rules.table import TABLE, effect_of, has_rule, rule_of

__all__ = ["TABLE", "effect_of", "has_rule", "rule_of"]
