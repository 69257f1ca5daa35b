"""Margins that are enough: on the photos they were chosen on, and on photos that they were not."""

from math import comb
from pathlib import Path

import numpy as np
import pytest
import torch

import erf

PHOTOS = sorted((Path(__file__).parents[2] / "data" / "photos").glob("*.jpg"))
LAYER, SIZE, TILE, TOLERANCE = "conv4_3", (160, 160), 120, 0.05


@pytest.fixture(scope="module")
def loaded():
    return erf.load_model("none")


@pytest.fixture(scope="module")
def plan(loaded):
    return erf.tiling(loaded.model, LAYER, image_size=SIZE, tile=TILE)


@pytest.fixture(scope="module")
def images(loaded):
    """Twelve photos, in an order that has nothing to do with what they show."""
    order = np.random.default_rng(0).permutation(len(PHOTOS))
    return [loaded.image(erf.read_photo(PHOTOS[index], SIZE)) for index in order]


def whole_map(model, image):
    """What the layer puts out for the whole image, by a hook."""
    found = []
    layer = model.get_submodule(LAYER)
    hook = layer.register_forward_hook(lambda _, __, output: found.append(output[0]))
    with torch.no_grad():
        model(image[None])
    hook.remove()
    return found[0]


def left(model, image, plan):
    """What is left in tiles, over the spread: by subtraction of what is stitched."""
    whole = whole_map(model, image).double().numpy()
    found = erf.tiled(model, image, plan).double().numpy()
    spread = np.sqrt(((whole - whole.mean((1, 2), keepdims=True)) ** 2).sum(0).mean())
    return np.sqrt(((found - whole) ** 2).sum(0)).max() / spread


@pytest.fixture(scope="module")
def chosen(loaded, plan, images):
    """Chosen on six photos."""
    curves = erf.margin_curves(loaded.model, images[:6], plan)
    return erf.enough_margin(loaded.model, images[:6], curves, TOLERANCE)


def test_a_margin_keeps_the_photos_that_it_was_chosen_on(loaded, plan, images, chosen):
    assert 0 < chosen.margin < max(plan.margins)
    found = [left(loaded.model, image, plan.with_margin(chosen.margin)) for image in images[:6]]
    assert max(found) == pytest.approx(chosen.left, rel=1e-3)
    assert chosen.left < TOLERANCE
    less = plan.with_margin(chosen.margin - plan.rows.stride)
    assert max(left(loaded.model, image, less) for image in images[:6]) >= TOLERANCE


def test_a_margin_holds_on_photos_not_used_to_choose_it(loaded, plan, images, chosen):
    assert chosen.exceeded == pytest.approx(1 / 7)
    # That the k most demanding of 12 photos are all among the 6 others has this chance by itself.
    by_chance = [comb(12 - k, 6 - k) / comb(12, 6) for k in range(7)]
    assert by_chance[1] == 0.5
    assert by_chance[5] < 0.01

    def exceeding(margin):
        tiles = plan.with_margin(margin)
        return sum(left(loaded.model, image, tiles) >= TOLERANCE for image in images[6:])

    assert exceeding(chosen.margin) < 5
    assert exceeding(chosen.margin - 2 * plan.rows.stride) >= 5


def test_labels_that_flip_may_be_what_counts(loaded, plan, images):
    curves = erf.margin_curves(loaded.model, images[:2], plan)
    found = erf.enough_margin(loaded.model, images[:2], curves, 0.02, criterion="flips")
    shares = []
    for image in images[:2]:
        whole = whole_map(loaded.model, image)
        tiles = erf.tiled(loaded.model, image, plan.with_margin(found.margin))
        shares.append(float((tiles.argmax(0) != whole.argmax(0)).double().mean()))
    assert found.left == pytest.approx(max(shares))
    assert 0 < found.left < 0.02
