"""Views of CamVid's drives, whole photos or crops, and what a frozen trunk makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from parsenet.datasets import VOID, LabelledImages
from parsenet.freezing import freeze_trunk, kept_features
from parsenet.input_space import InputSpace
from parsenet.pretrained import CAFFE, load_weights, transplant
from parsenet.vgg16 import VGG16

LAYERS = ("conv4_3", "conv5_3")
STRIDE = 8
SIDES = range(184, 241, 8)
"""Of the crops, pixels; the stride's multiples from 180 to 240."""

CANDIDATES = 16
CLIP = 10
"""Photos that follow each other, a second apart, and are drawn or held out together."""


@dataclass(frozen=True)
class View:
    """A part of a photo that is a whole image to the network.

    Attributes:
        photo: its place in the data set.
        name, drive, clip: the photo's; a clip is part of a drive.
        top, left, height, width: in pixels.
    """

    photo: int
    name: str
    drive: str
    clip: str
    top: int
    left: int
    height: int
    width: int

    def cut(self, array: np.ndarray) -> np.ndarray:
        """Return this part of a photo or of its labels."""
        return array[self.top : self.top + self.height, self.left : self.left + self.width]


@dataclass(frozen=True, eq=False)
class Seen:
    """Everything that heads are trained and scored on, unit by unit.

    Attributes:
        views: in order.
        features: of each layer and unit, half precision, ``[unit, channel]``.
        labels: of the pixel in the middle of each unit.
        view_of: the view of each unit.
        pooled: mean of conv5_3 over each view, ``[view, channel]``.
    """

    views: tuple[View, ...]
    features: dict[str, np.ndarray]
    labels: UInt8[np.ndarray, " units"]
    view_of: np.ndarray
    pooled: Float32[Tensor, "views channels"]

    def units_of(self, views: Iterable[int]) -> np.ndarray:
        """Return the units of some views whose label is known."""
        chosen = np.isin(self.view_of, np.fromiter(views, int))
        return np.flatnonzero(chosen & (self.labels != VOID))


def whole_photos(dataset: LabelledImages, every: int) -> list[View]:
    """Return every n-th photo of each drive, whole."""
    drives: dict[str, list[int]] = {}
    for index, name in enumerate(dataset.names):
        drives.setdefault(name.partition("_")[0], []).append(index)
    rows, cols = dataset[0][1].shape
    return [
        View(index, dataset.names[index], drive, f"{drive}-{place // CLIP}", 0, 0, rows, cols)
        for drive, photos in drives.items()
        for place, index in enumerate(photos)
        if place % every == 0
    ]


def crops(
    dataset: LabelledImages, photos: Sequence[View], seed: int, sides: Sequence[int] = SIDES
) -> list[View]:
    """Return of each photo the two of several random crops whose sets of classes differ most."""
    found = []
    for view in photos:
        rng = np.random.default_rng((seed, view.photo))
        label = dataset[view.photo][1]
        drawn = [_crop(view, int(side), rng) for side in rng.choice(sides, CANDIDATES)]
        sets = [classes_in(each.cut(label)) for each in drawn]
        pairs = [(a, b) for a in range(CANDIDATES) for b in range(a)]
        first, second = max(pairs, key=lambda pair: unlike(sets[pair[0]], sets[pair[1]]))
        found += [drawn[first], drawn[second]]
    return found


def _crop(view: View, side: int, rng: np.random.Generator) -> View:
    top, left = (int(rng.integers(0, end - side + 1)) for end in (view.height, view.width))
    return View(view.photo, view.name, view.drive, view.clip, top, left, side, side)


def classes_in(labels: UInt8[np.ndarray, "*pixels"]) -> frozenset[int]:
    """Return the classes of some labels."""
    return frozenset(int(each) for each in np.unique(labels) if each != VOID)


def unlike(one: frozenset[int], other: frozenset[int]) -> float:
    """Return the share of the classes of either set that only one has (Jaccard's distance).

    Example:
        >>> round(unlike(frozenset({0, 1}), frozenset({1, 2})), 3)
        0.667
    """
    return len(one ^ other) / max(1, len(one | other))


def frozen_trunk(weights: Path) -> tuple[VGG16, InputSpace]:
    """Return VGG-16 at stride 8 with trained convolutions, ready to have its features kept."""
    model = VGG16(stride=STRIDE, fc6="reduced", dropout=False)
    planted = transplant(model, load_weights(weights), channel_order="bgr")
    print(planted.report(), flush=True)
    freeze_trunk(model)
    return model.train(), CAFFE


def look(
    dataset: LabelledImages,
    views: Sequence[View],
    model: VGG16,
    space: InputSpace,
    cache: Path,
    on_view: Callable[[int], None],
) -> Seen:
    """Return what a trunk makes of some views; what the cache holds is not computed again."""
    features: dict[str, list[np.ndarray]] = {layer: [] for layer in LAYERS}
    labels, pooled = [], []
    with kept_features(model, cache):
        for place, view in enumerate(views):
            image, label = dataset[view.photo]
            tensor = space.tensor(np.ascontiguousarray(view.cut(image)))
            blobs = model.trunk(tensor[None], *LAYERS)
            rows, cols = blobs[LAYERS[0]].shape[-2:]
            middle = view.cut(label)[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
            assert middle.shape == (rows, cols)
            labels.append(middle.ravel())
            pooled.append(blobs["conv5_3"][0].mean(dim=(1, 2)))
            for layer, kept in features.items():
                units = blobs[layer][0].flatten(1).T.numpy().astype(np.float16)
                assert np.isfinite(units).all()
                kept.append(units)
            on_view(place)
    counts = [len(each) for each in labels]
    return Seen(
        tuple(views),
        {layer: np.concatenate(kept) for layer, kept in features.items()},
        np.concatenate(labels),
        np.repeat(np.arange(len(views)), counts),
        torch.stack(pooled),
    )
