"""What `erf compare` prints: every cell, and above all the p."""

import json
import math
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

import erf
from cli import main
from erf.geometry import Box, PatchGrid
from erf.measures import Compared, Ratio
from erf.measures.verdict import ratio_cells
from strategies.fields import as_result, draw, truth

GRID = PatchGrid((128, 112), patch=16, stride=8)
THEORY = Box(10, 2, 118, 110)


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def run(*words):
    return CliRunner().invoke(main, ["compare", *map(str, words)])


def result(sigma: float, seed: int, image: str = "a", unit: tuple[int, int] = (7, 7)):
    samples = draw(truth(GRID, (63.5, 55.5), sigma), 8, seed, freedom=50)
    found = as_result(GRID, samples, theory=THEORY, image=image)
    return replace(found, target=replace(found.target, unit=unit))


def ratio(p: float, adjusted: float) -> Ratio:
    return Ratio(1.234, 1.1, 1.39, p, adjusted, "paired", 0.95)


def compared(found: Ratio) -> Compared:
    return Compared("b", 2, erf.measure(result(16.0, 1), resamples=0), found)


@pytest.mark.parametrize(
    ("adjusted", "verdict"),
    [
        (0.0004, "differs\np < 0.001"),
        (0.00099, "differs\np < 0.001"),
        (0.001, "differs\np = 0.001"),
        (0.0123, "differs\np = 0.012"),
        (0.0499, "differs\np = 0.05"),
        (0.06, "no difference seen\np = 0.06"),
        (0.734, "no difference seen\np = 0.73"),
    ],
)
def test_the_adjusted_p_is_printed(adjusted, verdict):
    row = compared(ratio(0.0001, adjusted))
    assert ratio_cells(row.ratio) == ("1.23\n1.10 to 1.39", verdict)


def test_a_spread_that_is_not_known_has_no_p():
    row = compared(ratio(math.nan, math.nan))
    assert ratio_cells(row.ratio) == ("1.23", "spread unknown")


def test_every_cell_is_the_comparisons(tmp_path):
    sigmas = {"small": (16.0, 1), "same": (16.0, 3), "slightly": (15.9, 4), "large": (22.0, 2)}
    groups = {name: result(*each) for name, each in sigmas.items()}
    for name, each in groups.items():
        erf.save(each, tmp_path / name / "result.zarr")
    done = run(*(tmp_path / name for name in groups))
    assert done.exit_code == 0, done.output
    expected = erf.compare(groups)
    lines = [re.split(r"\s{2,}", line.strip()) for line in done.output.splitlines()]
    assert ["result", "side, px", "of image", "of theory", "area ratio", "verdict"] in lines
    printed = set()
    for row in expected:
        at = next(index for index, line in enumerate(lines) if line[0] == row.name)
        area, (low, high) = row.measurement.area, row.measurement.interval()
        assert lines[at][1:4] == [
            f"{area**0.5:.0f}",
            f"{100 * area / (128 * 112):.1f} %",
            f"{100 * area / (108 * 108):.1f} %",
        ]
        assert lines[at + 1][0] == f"{low**0.5:.0f} to {high**0.5:.0f}"
        if row.ratio is None:
            assert lines[at][4:] == ["1"]
            continue
        p = row.ratio.p_adjusted
        words = "differs" if p <= 0.05 else "no difference seen"
        assert lines[at][4:] == [f"{area / expected[0].measurement.area:.2f}", words]
        found = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
        assert lines[at + 1][1:] == [f"{row.ratio.low:.2f} to {row.ratio.high:.2f}", found]
        printed.add(found)
    assert len(printed) == 3, "this test needs different p to tell them apart"
    assert f"size: {expected[0].measurement.size().meaning}" in done.output
    assert "ratios: to small; z test over draws, about these images only" in done.output


def test_units_of_one_photo_are_not_images(tmp_path):
    for index, name in enumerate(("one", "other")):
        for col in (5, 7):
            place = tmp_path / name / f"7,{col}.zarr"
            erf.save(result(16.0 + index, 10 * index + col, unit=(7, col)), place)
    done = run(tmp_path / "one", tmp_path / "other")
    assert done.exit_code == 0, done.output
    assert "images)" not in done.output
    rows = json.loads(run(tmp_path / "one", tmp_path / "other", "--json").output)
    assert [row["images"] for row in rows] == [1, 1]


def test_images_are_counted_and_their_test_named(tmp_path):
    for index, image in enumerate("abcd"):
        sigma = (12.0, 15.0, 19.0, 24.0)[index]
        erf.save(result(sigma, index, image), tmp_path / "before" / f"{image}.zarr")
        erf.save(result(1.05 * sigma, 9 + index, image), tmp_path / "after" / f"{image}.zarr")
        erf.save(result(sigma, index, 2 * image), tmp_path / "elsewhere" / f"{image}.zarr")
    done = run(tmp_path / "before", tmp_path / "after")
    assert "after (4 images)" in done.output
    assert "ratios: to before; t test paired over the same images" in done.output
    done = run(tmp_path / "before", tmp_path / "elsewhere")
    assert "Welch's t test over different images" in done.output


def test_shares_of_recentred_averages_are_not_of_the_image(tmp_path):
    moved = replace(result(16.0, 4, "b"), theory=None)
    erf.save(result(16.0, 1), tmp_path / "one.zarr")
    erf.save(result(16.0, 2), tmp_path / "two" / "a.zarr")
    erf.save(moved, tmp_path / "two" / "b.zarr")
    assert "of image or map" in run(tmp_path / "one.zarr", tmp_path / "two").output
    erf.save(result(18.0, 3), tmp_path / "more" / "a.zarr")
    erf.save(replace(result(18.0, 5, "b"), theory=None), tmp_path / "more" / "b.zarr")
    text = run(tmp_path / "two", tmp_path / "more").output
    assert "of map" in text
    assert "of image" not in text


def test_any_registered_size_can_be_the_criterion(tmp_path):
    for name, sigma in (("a", 12.0), ("b", 24.0)):
        erf.save(result(sigma, 1), tmp_path / f"{name}.zarr")
    done = run(tmp_path / "a.zarr", tmp_path / "b.zarr", "--criterion", "participation")
    assert "size: participation area" in done.output
    done = run(tmp_path / "a.zarr", tmp_path / "b.zarr", "--criterion", "significant")
    assert done.exit_code == 2
    assert "'significant' is none of mass, participation, peak, square" in done.output
