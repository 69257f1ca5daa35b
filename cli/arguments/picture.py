"""Naming a photo and its size on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8


def usual_photo() -> Path:
    """The photo that is taken where none is named: it comes with Matplotlib."""
    from matplotlib import cbook

    return Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))


def load_picture(
    path: Path | None, size: tuple[int, int] | None = None
) -> UInt8[np.ndarray, "rows cols 3"]:
    """A photo's grey levels, RGB; of the usual one where none is named.

    Raises:
        PhotoError: when it cannot be read as a person sees it.
    """
    from erf import read_photo

    return read_photo(usual_photo() if path is None else path, size).levels


class Size(click.ParamType[tuple[int, int]]):
    """``ROWS COLS`` written as ``500``, ``500,375`` or ``500x375``."""

    name = "ROWS,COLS"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Read one or two positive whole numbers."""
        if isinstance(value, tuple):
            return value
        parts = str(value).replace("x", ",").split(",")
        sides = [p.strip().lstrip("0") for p in parts]
        if len(parts) > 2 or not all(p.isdecimal() and len(p) < 6 for p in sides):
            self.fail(f"{value!r} is not ROWS,COLS (such as 500,375), 1 to 99999 each", param, ctx)
        return int(sides[0]), int(sides[-1])
