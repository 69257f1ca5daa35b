"""Reading one image or one label file of a data set; damage becomes one line."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from scipy.io import loadmat

from parsenet.errors import DatasetError


def read_image(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """Read a photo as RGB grey levels, its pixels in the order in which they are stored.

    Raises:
        DatasetError: if the file cannot be read as an image.
    """
    return np.array(_open(path).convert("RGB"))


def read_indices(path: Path) -> UInt8[np.ndarray, "height width"]:
    """Read the label of each pixel from a PNG with a palette or with 8-bit grey levels.

    Raises:
        DatasetError: if the file cannot be read, or its pixels are colours and not indices.
    """
    image = _open(path)
    if image.mode not in ("P", "L"):
        raise DatasetError(f"{path}: labels must be 8-bit indices (mode P or L), not {image.mode}")
    return np.array(image)


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(f"{path}: cannot be read as an image: {_line(error)}") from error


def read_mat(path: Path, variable: str, field: str | None = None) -> Any:
    """Read a matrix of a MATLAB file, or a field of a 1x1 struct in it.

    Raises:
        DatasetError: if the file cannot be read or has no such matrix.
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
    return matrix


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
