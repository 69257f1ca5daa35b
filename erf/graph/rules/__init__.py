"""The table of spatial rules, one file a kind of operator."""

from erf.graph.rules import contract, pointwise, rearrange, recast, slide
from erf.graph.rules.table import TABLE, effect_of, rule_of

__all__ = ["TABLE", "contract", "effect_of", "pointwise", "rearrange", "recast", "rule_of", "slide"]
