"""Naming a photo and its size on the command line."""

from __future__ import annotations

from pathlib import Path

import click


def usual_photo() -> Path:
    """The photo that is taken where none is named: it comes with Matplotlib."""
    from matplotlib import cbook

    return Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))


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
        if len(parts) > 2 or not all(p.strip().isdecimal() and int(p) > 0 for p in parts):
            self.fail(f"{value!r} is not ROWS,COLS (such as 500,375), both above 0", param, ctx)
        return int(parts[0]), int(parts[-1])
