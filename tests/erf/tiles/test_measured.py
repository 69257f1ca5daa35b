"""Margins that are enough in fact: against plain loops, theory, and photos not used to choose."""

import numpy as np
import pytest
import torch
from torch import nn

import erf

SIZE, TILE = (60, 48), 24


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 5, stride=2, padding=2),
        nn.Tanh(),
        nn.Conv2d(4, 4, 5, padding=2),
        nn.Upsample(scale_factor=2),
    ).double()


def images(number, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(3, *SIZE, generator=generator, dtype=torch.float64) for _ in range(number)]


def by_loops(model, image, margin):
    """Worst and typical change, and flips, of units at least ``margin`` inside tiles of 24."""
    with torch.no_grad():
        whole = model(image[None])[0].numpy()
    mean = whole.mean(axis=(1, 2), keepdims=True)
    spread = np.sqrt(((whole - mean) ** 2).sum(axis=0).mean())
    changes, flips = [], []
    for top in (0, 24, 36):  # the last one ends with the image
        for left in (0, 24):
            bottom, right = min(top + TILE, SIZE[0]), min(left + TILE, SIZE[1])
            with torch.no_grad():
                tile = model(image[None, :, top:bottom, left:right])[0].numpy()
            for row in range(top, bottom):
                for col in range(left, right):
                    sides = [row - top] if top else []
                    sides += [bottom - row - 1] if bottom < SIZE[0] else []
                    sides += [col - left] if left else []
                    sides += [right - col - 1] if right < SIZE[1] else []
                    if min(sides) >= margin:
                        here, there = tile[:, row - top, col - left], whole[:, row, col]
                        changes.append(np.sqrt(((here - there) ** 2).sum()) / spread)
                        flips.append(here.argmax() != there.argmax())
    return max(changes), np.sqrt(np.mean(np.square(changes))), np.mean(flips)


def test_curves_are_those_of_plain_loops():
    model, photos = network(), images(2)
    plan = erf.tiling(model, image_size=SIZE, tile=TILE)
    curves = erf.margin_curves(model, photos, plan)
    assert curves.flips is not None
    for number, image in enumerate(photos):
        for place in (0, 1, 4):
            margin = curves.margins[place]
            found = [c[number, place] for c in (curves.worst, curves.typical, curves.flips)]
            assert found == pytest.approx(by_loops(model, image, margin), rel=1e-9)


def test_nothing_is_left_beyond_the_margin_of_theory_and_something_before_it():
    model = network()
    plan = erf.tiling(model, image_size=SIZE, tile=TILE)
    curves = erf.margin_curves(model, images(3), plan)
    margin = max(plan.margins)
    beyond = curves.margins >= margin
    assert (curves.worst[:, beyond] < 1e-12).all()
    assert (curves.worst[:, curves.margins == margin - 1] > 1e-6).all()
    found = erf.enough_margin(model, images(3), curves, 1e-9)
    assert (found.margin, found.photos, found.exceeded) == (margin, 3, 0.25)
    assert found.interval == (margin, margin)
    assert found.left < 1e-12
    at = np.flatnonzero(beyond)[0]
    assert (curves.theory, plan.sufficient, curves.plan.sufficient) == (margin, True, False)
    assert curves.overhead[at] == pytest.approx(plan.with_margin(margin).overhead)


class Squeezed(nn.Module):
    """A pooled image beside every unit: no margin is enough."""

    def __init__(self):
        super().__init__()
        self.inner = network()

    def forward(self, x):
        found = self.inner(x)
        return found + 0.1 * found.mean((2, 3), keepdim=True)


def test_a_global_model_is_measured_and_what_is_left_is_said():
    model = Squeezed()
    with pytest.raises(erf.TilingError, match=r"reads the whole image, by aten\.mean"):
        erf.tiling(model, image_size=SIZE, tile=TILE)
    plan = erf.bare_tiling(model, image_size=SIZE, tile=TILE)
    assert plan.status == "whole_image"
    curves = erf.margin_curves(model, images(2), plan)
    assert curves.theory is None
    left = curves.worst[:, -1].max()
    assert left > 1e-5
    assert erf.enough_margin(model, images(2), curves, 2 * left).margin > 0
    none = erf.enough_margin(model, images(2), curves, 1e-7)
    assert (none.margin, none.left, none.each) == (None, left, (np.inf, np.inf))


def test_bad_questions_are_refused_in_words():
    model = network()
    plan = erf.tiling(model, image_size=SIZE, tile=TILE)
    with pytest.raises(erf.SettingError, match=r"must all be of \(60, 48\), at least one"):
        erf.margin_curves(model, [], plan)
    curves = erf.margin_curves(model, images(1), plan)
    for tolerance in (0, -1, float("nan"), float("inf")):
        with pytest.raises(erf.SettingError, match=f"tolerance {tolerance} must be a number above"):
            erf.enough_margin(model, images(1), curves, tolerance)
    single = erf.tiling(model, image_size=SIZE, tile=64)
    with pytest.raises(erf.TilingError, match="is one tile"):
        erf.margin_curves(model, images(1), single)
    with pytest.raises(erf.TilingError, match="the same everywhere"):
        erf.margin_curves(
            nn.Conv2d(3, 1, 3, padding=1).double(),
            [torch.zeros(3, *SIZE).double()],
            erf.tiling(nn.Conv2d(3, 1, 3, padding=1), image_size=SIZE, tile=TILE),
        )
    with pytest.raises(erf.TilingError, match="leave less than the step of 2 px"):
        plan.with_margin(12)


def test_a_single_channel_has_no_labels_to_flip():
    model = nn.Conv2d(3, 1, 3, padding=1).double()
    plan = erf.tiling(model, image_size=SIZE, tile=TILE)
    curves = erf.margin_curves(model, images(1), plan)
    assert curves.flips is None
    with pytest.raises(erf.SettingError, match="'output' has one channel: no labels"):
        erf.enough_margin(model, images(1), curves, criterion="flips")


def test_without_padding_a_tile_has_no_units_at_its_rim():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 9), nn.Tanh(), nn.Conv2d(4, 4, 3, padding=1)).double()
    plan = erf.tiling(model, image_size=SIZE, tile=TILE)
    assert plan.with_margin(0).margins == (4, 4, 4, 4)
    curves = erf.margin_curves(model, images(2), plan)
    found = erf.enough_margin(model, images(2), curves, 1e-9)
    assert found.margin == max(plan.margins) == 5
