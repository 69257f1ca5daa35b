"""The page on the paper's claim: what it counts, and which photos it takes."""

from pathlib import Path

import numpy as np
from PIL import Image

import erf
from benchmarks.paper import page, photos
from benchmarks.paper.networks import NETWORKS
from erf.geometry import Box, PatchGrid
from strategies.fields import as_result, draw, truth

GRID = PatchGrid((128, 128), patch=8, stride=8)
SIGMAS = {"a": 10.0, "b": 14.0, "c": 22.0}


def row() -> page.Row:
    found = {
        name: as_result(
            GRID,
            draw(truth(GRID, (63.5, 63.5), sigma), 4, k, freedom=50),
            theory=Box(10, 10, 118, 118),
            image=name,
        )
        for k, (name, sigma) in enumerate(SIGMAS.items())
    }
    return page.Row(NETWORKS[0], "fc7", found)


def test_photos_below_a_quarter_are_counted() -> None:
    found = row()
    areas = {n: erf.measure(r).size(page.CRITERION).area for n, r in found.by_photo.items()}
    assert found.shares(page.CRITERION) == {n: area / 128**2 for n, area in areas.items()}
    below = sum(area < 128**2 / 4 for area in areas.values())
    assert 0 < below < 3
    text = page.page([found], [], "setting")
    assert f"it is below a quarter on {below} of 3 photos" in text
    half = sum(erf.measure(r).size("peak:0.5").area < 128**2 / 4 for r in found.by_photo.values())
    assert f"{half} by above 50 %" in text
    logs = np.log(list(areas.values()))
    mean = np.exp(logs.mean()) / 128**2
    assert abs(float(found.said().split()[0]) / 100 - mean) < 0.03
    assert text.count("| a | ") == 1


def test_photos_are_of_places_of_their_own(tmp_path: Path) -> None:
    for name in ("one", "two", "grace_hopper"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    every = photos.chosen([tmp_path], 100)
    assert next(iter(every)) == "grace_hopper"
    assert every["grace_hopper"].suffix == ".jpg"
    assert {"one", "two"} <= set(every)
    assert list(photos.chosen([tmp_path], 1)) == ["grace_hopper"]
