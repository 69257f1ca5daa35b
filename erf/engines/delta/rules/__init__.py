"""Operator by operator: which formula passes a change on, on windows or on whole tensors."""

from erf.engines.delta.rules import (  # noqa: F401  (each enters its operators into the table)
    arithmetic,
    convolution,
    normalization,
    pointwise,
    pooling,
    rearrange,
    reduction,
    resampling,
)
from erf.engines.delta.rules.choose import FALLBACK, find_rule
from erf.engines.delta.rules.folding import fold, window_weights
from erf.engines.delta.rules.table import Formula

__all__ = ["FALLBACK", "Formula", "find_rule", "fold", "window_weights"]
