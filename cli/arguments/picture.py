"""Reading an image for a probe."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8

PHOTO = "grace_hopper.jpg"
"""Comes with Matplotlib."""


def load_picture(
    path: Path | None, size: tuple[int, int] | None
) -> UInt8[np.ndarray, "rows cols 3"]:
    """Read a picture as RGB grey levels; None is the photo that comes with Matplotlib.

    Args:
        path: of any file Pillow reads.
        size: (rows, cols) to scale and centre-crop to, or None to keep the picture's own.

    Raises:
        click.BadParameter: when the file cannot be read as an image.
    """
    import numpy as np
    from matplotlib import cbook
    from PIL import Image, ImageOps, UnidentifiedImageError

    source = cbook.get_sample_data(PHOTO, asfileobj=False) if path is None else path
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = ImageOps.exif_transpose(Image.open(source)).convert("RGB")
    except FileNotFoundError:
        raise click.BadParameter(f"{path}: no such file") from None
    except UnidentifiedImageError:
        raise click.BadParameter(f"{path}: is no image that can be read") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise click.BadParameter(
            f"{path}: is larger than {Image.MAX_IMAGE_PIXELS} pixels"
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise click.BadParameter(f"{path}: cannot be read as an image ({error})") from None
    if size is not None:
        rows, cols = size
        picture = ImageOps.fit(picture, (cols, rows), Image.Resampling.BICUBIC)
    return np.array(picture)


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
        if len(parts) > 2 or not all(p.strip().isdigit() and int(p) > 0 for p in parts):
            self.fail(f"{value!r} is not ROWS,COLS (such as 500,375), both above 0", param, ctx)
        return int(parts[0]), int(parts[-1])
