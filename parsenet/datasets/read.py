"""Reading one image or one label file of a data set; damage becomes one line."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, Integer, UInt8
from PIL import Image, ImageOps
from scipy.io import loadmat

from parsenet.errors import DatasetError

Colors = Mapping[tuple[int, int, int], int]
"""The label of each colour (red, green, blue)."""

SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")


def read_image(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """Read a photo as RGB grey levels, upright as EXIF says; sixteen bits are scaled to eight.

    Raises:
        DatasetError: if the file cannot be read as an image, or its mode does not say which level
            is white.
    """
    image = ImageOps.exif_transpose(_open(path))
    if image.mode in SIXTEEN_BITS:
        levels = np.asarray(image).astype(np.float64) * (255 / 65535)
        image = Image.fromarray(np.rint(levels).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise DatasetError(
            f"{path}: mode {image.mode} does not say which level is white; save the photo with 8 "
            "or 16 bits a channel"
        )
    return np.array(image.convert("RGB"))


def read_indices(
    path: Path, *, colors: Colors | None = None
) -> Integer[np.ndarray, "height width"]:
    """Read the label of each pixel from a PNG: a palette, grey levels of 8 or 16 bits, or a mask.

    A mask of single bits holds the classes 0 and 1. A label whose own file says how a camera was
    held is turned upright, as its photo is.

    Args:
        path: the file.
        colors: the label of each colour (red, green, blue), where labels may be colours.

    Raises:
        DatasetError: if the file cannot be read, its pixels are colours and not indices, or one of
            them is the colour of no class.
    """
    image = ImageOps.exif_transpose(_open(path))
    if colors is not None and image.mode in ("RGB", "RGBA"):
        return _labels_of(np.array(image.convert("RGB")), colors, path)
    if image.mode not in ("1", "P", "L", *SIXTEEN_BITS):
        hint = ": turn each colour into the number of its class" if "RGB" in image.mode else ""
        raise DatasetError(
            f"{path}: labels must be indices (mode P, L, 1 or I;16), not {image.mode}{hint}"
        )
    labels = np.array(image)
    return labels.astype(np.uint8) if image.mode == "1" else labels


def _labels_of(
    levels: UInt8[np.ndarray, "height width 3"], colors: Colors, path: Path
) -> Integer[np.ndarray, "height width"]:
    """Turn each colour into its label."""
    codes = levels.astype(np.int64) @ (65536, 256, 1)
    known = {red << 16 | green << 8 | blue: label for (red, green, blue), label in colors.items()}
    found, places = np.unique(codes, return_inverse=True)
    if strange := [code for code in found.tolist() if code not in known]:
        color = strange[0] >> 16, strange[0] >> 8 & 255, strange[0] & 255
        count = int(np.isin(codes, strange).sum())
        raise DatasetError(
            f"{path}: the colour {color} is that of no class; {count} of {codes.size} pixels are so"
        )
    return np.array([known[code] for code in found.tolist()])[places].reshape(codes.shape)


def _open(path: Path) -> Image.Image:
    if path.exists() and not path.is_file():
        raise DatasetError(f"{path}: is no file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                return image
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise DatasetError(f"{path}: is larger than {Image.MAX_IMAGE_PIXELS} pixels") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read as an image: {_line(error)}") from error


def read_mat(
    path: Path, variable: str, field: str | None = None
) -> Int64[np.ndarray, "height width"]:
    """Read labels from a matrix of a MATLAB file, or from a field of a 1x1 struct in it.

    Raises:
        DatasetError: if the file cannot be read, has no such matrix, or not whole numbers in it.
    """
    name = variable if field is None else f"{variable}.{field}"
    try:
        value = loadmat(path, variable_names=[variable])[variable]
        matrix = value if field is None else value[field].item()
    except Exception as error:  # a damaged file can raise anything in scipy
        reason = "no such variable" if isinstance(error, KeyError) else _line(error)
        raise DatasetError(f"{path}: {name} cannot be read: {reason}") from error
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or matrix.dtype.kind not in "iuf":
        raise DatasetError(f"{path}: {name} is no matrix of numbers")
    if not matrix.size:
        raise DatasetError(f"{path}: {name} is empty")
    labels: Any = np.rint(matrix)
    whole = (labels == matrix) & (abs(labels) < 2**31)
    if not whole.all():
        raise DatasetError(
            f"{path}: {name} holds {matrix[~whole].flat[0]}, which is no whole number of a class"
        )
    return labels.astype(np.int64)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
