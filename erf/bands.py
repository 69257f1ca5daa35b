"""Images that are no photos: arrays (``.npy``) and TIFF files of any number of channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Shaped, UInt8
from PIL import Image, ImageOps

from erf.errors import PhotoError
from erf.photo import Photo, hash_file, printable, read_photo

ARRAYS, TIFFS = frozenset({".npy"}), frozenset({".tif", ".tiff"})
LARGEST = 2**28
"""Numbers of an image, at most."""


def read_image(path: str | Path, size: tuple[int, int] | None = None, channels: int = 3) -> Photo:
    """Read an image for a model of some channels: a photo, or an array of numbers of its own.

    ``.npy`` is taken as it is, (rows, cols), (rows, cols, channels) or (channels, rows, cols), and
    so is a TIFF for a model of neither 1 nor 3 channels. All else is a photo, see `read_photo`.

    Args:
        path: of the file.
        size: (rows, cols) to scale and centre-crop to, or None to keep the image's own.
        channels: of the model, which say how an array is to be read.

    Raises:
        PhotoError: when it cannot be read, or has another number of channels.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in ARRAYS:
        values, mode = _array(path), "npy"
    elif suffix in TIFFS and channels not in (1, 3):
        values, mode = _tiff(path), "tiff"
    else:
        return read_photo(path, size)
    found = _channels_last(values, channels, path)
    if size is not None:
        found = _fitted(found, size)
    shown, words = _shown(found, values.dtype)
    source: dict[str, Any] = {
        "sha256": hash_file(path),
        "mode": f"{mode}, {values.dtype}",
        "size": list(values.shape),
        "shown": words,
    }
    if size is not None:
        source["fitted"] = list(size)
    return Photo(shown, printable(path.name), source, found)


def _array(path: Path) -> np.ndarray:
    try:
        # Mapped, so that a header that claims more than the file holds allocates nothing.
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise PhotoError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PhotoError(f"{path}: is no readable array ({reason[:200]})") from None


def _tiff(path: Path) -> np.ndarray:
    """All bands of a TIFF: by Pillow where it can, else by tifffile."""
    if not path.is_file():
        raise PhotoError(f"{path}: {'is no file' if path.exists() else 'no such file'}")
    try:
        with Image.open(path) as image:
            if image.mode in ("RGBA", "CMYK", "LA") and getattr(image, "n_frames", 1) == 1:
                return np.asarray(image)
    except (OSError, SyntaxError, ValueError):
        pass  # of bands that Pillow has no mode for
    try:
        import tifffile
    except ImportError:
        raise PhotoError(
            f"{path}: a TIFF of such bands needs tifffile (pip install tifffile); or save .npy"
        ) from None
    try:
        return np.asarray(tifffile.imread(path))
    except Exception as error:  # tifffile raises anything on a damaged file
        raise PhotoError(f"{path}: cannot be read as a TIFF ({str(error)[:200]})") from None


def _channels_last(
    values: Shaped[np.ndarray, "..."], channels: int, path: Path
) -> Float32[np.ndarray, "rows cols channels"]:
    """An array's numbers, its channels last.

    Raises:
        PhotoError: when it has another number of channels, or it is not known which they are.
    """
    if values.dtype.kind not in "biuf":
        raise PhotoError(f"{path}: holds {values.dtype} values, not real numbers")
    if values.size > LARGEST:
        raise PhotoError(f"{path}: holds {values.size} numbers, more than {LARGEST}")
    shape = "x".join(map(str, values.shape))
    if values.ndim == 2:
        values = values[:, :, None]
    if values.ndim != 3 or 0 in values.shape:
        raise PhotoError(f"{path}: has shape {shape}, not (rows, cols, channels)")
    first, last = values.shape[0] == channels, values.shape[2] == channels
    if first and last and channels > 1:
        raise PhotoError(
            f"{path}: has shape {shape}: which of the two {channels} are the channels is not known"
        )
    if not first and not last:
        raise PhotoError(f"{path}: has shape {shape}, the model takes {channels} channels")
    found = np.array(values if last else np.moveaxis(values, 0, 2), dtype=np.float32)
    if lost := int((~np.isfinite(found)).sum()):
        raise PhotoError(f"{path}: {lost} of {found.size} values are not finite")
    return found


def _fitted(
    values: Float32[np.ndarray, "rows cols channels"], size: tuple[int, int]
) -> Float32[np.ndarray, "rows cols channels"]:
    bands = (
        ImageOps.fit(Image.fromarray(band), (size[1], size[0]), Image.Resampling.BICUBIC)
        for band in np.ascontiguousarray(np.moveaxis(values, 2, 0))
    )
    return np.stack([np.asarray(band) for band in bands], axis=2)


def _shown(
    values: Float32[np.ndarray, "rows cols channels"], dtype: np.dtype
) -> tuple[UInt8[np.ndarray, "rows cols 3"], str]:
    """The image as a person sees it, and in words what that is."""
    channels = values.shape[2]
    if channels >= 3:
        chosen = values[:, :, :3]
        words = "its three channels" if channels == 3 else f"the first three of {channels} channels"
    else:
        chosen = np.repeat(values.mean(axis=2, keepdims=True), 3, axis=2)
        words = "its one channel" if channels == 1 else "the mean of its two channels"
    if dtype == np.uint8:
        return np.clip(np.rint(chosen), 0, 255).astype(np.uint8), words
    low, high = np.percentile(chosen, (2, 98), axis=(0, 1))
    scaled = (chosen - low) / np.where(high > low, high - low, 1)
    levels = np.rint(255 * np.clip(scaled, 0, 1)).astype(np.uint8)
    return levels, f"{words}, each from its 2nd to its 98th percentile"
