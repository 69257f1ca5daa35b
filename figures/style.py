"""One look for every figure, and the widths of a paper's columns."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ParamSpec, TypeVar

import matplotlib.style
import numpy as np

from erf.errors import SettingError

WIDTHS = {"column": 3.5, "page": 7.16}
"""Widths of one column and of a whole page in a two-column paper (IEEE, CVF), inches."""

LIMITS = (2.0, 40.0)
"""Narrowest and widest figure whose letters still fit, inches."""

Width = str | float
"""``column``, ``page`` or inches."""

_Arguments = ParamSpec("_Arguments")
_Returned = TypeVar("_Returned")


def look() -> AbstractContextManager[None]:
    """The style sheet on top of Matplotlib's own defaults: a user's settings change nothing."""
    return matplotlib.style.context(["default", Path(__file__).with_name("erf.mplstyle")])


def styled(function: Callable[_Arguments, _Returned]) -> Callable[_Arguments, _Returned]:
    """Run ``function`` inside ``look()``, without warnings of what a user sees in the figure."""

    @functools.wraps(function)
    def inside(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Returned:
        with look(), warnings.catch_warnings(), np.errstate(over="ignore"):
            # Of a name's letters that no font has, which become boxes, and of numbers near 1e308.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            return function(*args, **kwargs)

    return inside


def inches(width: Width) -> float:
    """Inches of ``column``, ``page`` or a number.

    Raises:
        SettingError: when it is neither, or so narrow or wide that letters would not fit.
    """
    try:
        value = WIDTHS[width] if width in WIDTHS else float(width)
    except ValueError:
        value = math.nan
    low, high = LIMITS
    if not low <= value <= high:
        raise SettingError(
            f"width {width!r} is none of {', '.join(WIDTHS)} or {low:g} to {high:g} inches"
        )
    return value
