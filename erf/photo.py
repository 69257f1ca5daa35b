"""Reading a photo: the grey levels that a person sees, and what had to be done to get them."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from erf.errors import PhotoError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm"})
SIXTEEN_BITS = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
ORIENTATION = 0x0112
"""EXIF's tag of how a camera was held; 1 is upright."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo as a person sees it.

    Attributes:
        levels: RGB grey levels, 0..255, upright, scaled and cropped if that was asked for.
        name: of its file.
        source: how it was read, JSON-compatible: the file's SHA-256, mode and size, and where they
            are not the usual ones its EXIF orientation, number of frames and transparency.
        values: of an image that is no photo, its own numbers in all channels; ``levels`` then shows
            what ``source["shown"]`` says.
    """

    levels: UInt8[np.ndarray, "rows cols 3"]
    name: str
    source: Mapping[str, Any] = field(default_factory=dict)
    values: Float32[np.ndarray, "rows cols channels"] | None = None


def read_photo(path: str | Path, size: tuple[int, int] | None = None) -> Photo:
    """Read a photo of any kind that Pillow reads and that says how bright its pixels are.

    Sixteen bits are scaled to eight; of several frames the first is taken, of transparent pixels
    the colour they have; the photo is turned upright as EXIF says.

    Args:
        path: of the file.
        size: (rows, cols) to scale and centre-crop to, or None to keep the photo's own.

    Raises:
        PhotoError: when it is no file, no photo, too large, or of a mode without a range
            (32-bit integers and floating numbers), which is named.

    Example:
        >>> from matplotlib import cbook
        >>> photo = read_photo(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
        >>> photo.levels.shape, photo.source["mode"]
        ((600, 512, 3), 'RGB')
    """
    path = Path(path)
    if not path.exists():
        raise PhotoError(f"{path}: no such file")
    if not path.is_file():
        raise PhotoError(f"{path}: is no file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                source = {"sha256": hash_file(path), **_describe(image)}
                upright = ImageOps.exif_transpose(image)
    except UnidentifiedImageError:
        raise PhotoError(f"{path}: is no image that can be read") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise PhotoError(f"{path}: is larger than {Image.MAX_IMAGE_PIXELS} pixels") from None
    except (OSError, SyntaxError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PhotoError(f"{path}: cannot be read as an image ({reason})") from None
    picture = _eight_bits(upright, path)
    if size is not None:
        picture = ImageOps.fit(picture, (size[1], size[0]), Image.Resampling.BICUBIC)
        source["fitted"] = list(size)
    return Photo(np.array(picture), printable(path.name), source)


def printable(name: str) -> str:
    """A file's name as text: bytes that are none are shown as �.

    Example:
        >>> printable("a\\udcff.png")
        'a�.png'
    """
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _describe(image: Image.Image) -> dict[str, Any]:
    found: dict[str, Any] = {"mode": image.mode, "size": [image.height, image.width]}
    if (orientation := image.getexif().get(ORIENTATION, 1)) != 1:
        found["orientation"] = int(orientation)
    if (frames := getattr(image, "n_frames", 1)) > 1:
        found["frame"] = f"first of {frames}"
    if image.has_transparency_data:
        found["alpha"] = "ignored"
    return found


def _eight_bits(image: Image.Image, path: Path) -> Image.Image:
    """RGB of a mode that says what its brightest level is."""
    # Pillow before 11 opens a 16-bit PNG as 32-bit integers.
    if image.mode in SIXTEEN_BITS or (image.mode == "I" and path.suffix.lower() == ".png"):
        levels = np.asarray(image).astype(np.float64) * (255 / 65535)
        image = Image.fromarray(np.rint(levels).astype(np.uint8))
    if image.mode in ("I", "F"):
        kind = {"I": "32-bit integers", "F": "floating numbers"}[image.mode]
        raise PhotoError(
            f"{path}: mode {image.mode} ({kind}) does not say which level is white; save it with "
            "8 or 16 bits a channel"
        )
    return image.convert("RGB")


def find_photos(paths: list[Path] | tuple[Path, ...]) -> list[Path]:
    """Files as they are, folders unfolded in the order of names.

    Raises:
        PhotoError: when a folder holds no photo.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        every = sorted(path.iterdir())
        inside = [each for each in every if each.suffix.lower() in SUFFIXES]
        inside = inside or [each for each in every if each.suffix.lower() == ".npy"]
        if not inside:
            raise PhotoError(f"{path}: the folder holds no image")
        found += inside
    return found
