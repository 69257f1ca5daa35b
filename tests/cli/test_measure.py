import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import cli
import erf
from erf.geometry import Box, PatchGrid
from erf.measures import PRESETS, SIZES, PresetReport, preset, register, size
from strategies.fields import as_result, draw, truth
from strategies.printed import table_rows

GRID = PatchGrid((128, 112), patch=16, stride=8)
CENTER = (63.5, 55.5)
THEORY = Box(10, 2, 118, 110)


@pytest.fixture
def run(monkeypatch):
    commands = tuple(dict.fromkeys((*cli.COMMANDS, "measure", "compare")))
    monkeypatch.setattr(cli, "COMMANDS", commands)
    return lambda *words: CliRunner().invoke(cli.main, [*map(str, words)])


def result(sigma: float = 18.0, seed: int = 0, image: str = "a") -> erf.UnitResult:
    samples = draw(truth(GRID, CENTER, sigma), 8, seed, freedom=50)
    return as_result(GRID, samples, theory=THEORY, image=image)


@pytest.fixture
def saved(tmp_path) -> Path:
    return erf.save(result(), tmp_path / "run" / "result.zarr")


def test_the_sentence_comes_first_then_every_size(run, saved):
    done = run("measure", saved)
    assert done.exit_code == 0, done.output
    found = erf.measure(result())
    assert done.output.startswith(found.sentence)
    for each in found.sizes:
        assert f"{each.area:,.0f}" in done.output
    assert "patches overlap: the field is blurred by the patch of 16 px" in done.output


def test_every_cell_of_the_table(run, saved, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    rows = table_rows(run("measure", saved).output)
    assert rows["size"] == ["area, px", "interval", "side, px", "of image", "of theory"]
    found = erf.measure(result())
    names = {
        "mass:0.9545": "mass 95.45 %",
        "peak:0.0455": "peak 4.55 %",
        "square:0.2": "square 20 %",
        "participation": "participation",
    }
    for name, label in names.items():
        known, interval = found.size(name), found.size(name).interval
        assert rows[label] == [
            f"{known.area:,.0f}",
            f"{interval.low:,.0f} to {interval.high:,.0f}",
            f"{known.side:.1f}",
            f"{100 * known.area / (128 * 112):.1f} %",
            f"{100 * known.area / (108 * 108):.1f} %",
        ]
    area = found.size("significant").area
    assert rows["significant"] == [
        f"{area:,.0f}",
        f"{area**0.5:.1f}",
        f"{100 * area / (128 * 112):.1f} %",
        f"{100 * area / (108 * 108):.1f} %",
    ]
    assert len(rows) == len(found.sizes) + 1


def test_every_note(run, saved, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    found = erf.measure(result())
    fit, (down, right) = found.gaussian, found.offset
    notes = run("measure", saved).output.splitlines()[-6:]
    assert notes == [
        f"unit centre 63.5, 55.5 px (from theory); centroid {down:+.1f}, {right:+.1f} px from it",
        f"anisotropy {found.moments.anisotropy:.2f}, longest axis at {found.moments.angle:.0f} "
        "degrees",
        f"Gaussian {fit.major:.1f} x {fit.minor:.1f} px, R² {fit.r_squared:.3f}",
        "patch 16, stride 8; floor 0 (exact)",
        "patches overlap: the field is blurred by the patch of 16 px",
        "8 draws, 1 image",
    ]
    # Made to hear 1.2 times farther up and down, sigma 18, seen through patches' centres.
    assert found.anisotropy == pytest.approx(1.2, abs=0.05)
    grid = PatchGrid((128, 112), patch=16, stride=16)
    apart = as_result(grid, draw(truth(grid, CENTER, 18.0), 8, 0, freedom=50), theory=THEORY)
    text = run("measure", erf.save(apart, tmp_path / "apart.zarr")).output
    assert "patch 16, stride 16;" in text
    assert "overlap" not in text
    samples = draw(truth(GRID, CENTER, 18.0), 8, 0, freedom=50)
    aside = as_result(GRID, samples, theory=THEORY.shift(4, -3))
    down, right = erf.measure(aside).offset
    assert (down, right) == pytest.approx((-4, 3), abs=0.6)
    text = run("measure", erf.save(aside, tmp_path / "aside.zarr")).output
    assert f"centroid {down:+.1f}, {right:+.1f} px from it" in text
    rough = as_result(GRID, draw(truth(GRID, CENTER, 18.0), 8, 0), engine="dense")
    floor = erf.measure(rough).floor
    text = run("measure", erf.save(rough, tmp_path / "rough.zarr")).output
    assert floor.value > 0
    assert f"floor {floor.value:.3g} ({floor.source})" in text
    assert "(from position)" in text


def units_of_one_photo(folder: Path) -> list[erf.UnitResult]:
    """Two units, two strides apart."""
    results = []
    for col, seed in ((6, 1), (8, 2)):
        shift = 8 * (col - 7)
        center = (CENTER[0], CENTER[1] + shift)
        samples = draw(truth(GRID, center, 14.0), 8, seed, freedom=50)
        results.append(
            as_result(GRID, samples, theory=THEORY.shift(0, shift), units=(16, 14), unit=(7, col))
        )
        erf.save(results[-1], folder / f"7,{col}.zarr")
    return results


def test_units_of_one_photo_are_no_images_and_their_map_no_image(run, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    results = units_of_one_photo(tmp_path / "units")
    done = run("measure", tmp_path / "units", "--recentre")
    assert done.exit_code == 0, done.output
    assert "average over 2 fields of 1 image" in done.output
    assert "hears" in done.output
    assert "of the image" not in done.output
    rows = table_rows(done.output)
    assert rows["size"][-2:] == ["of map", "of theory"]
    mean = erf.measure(erf.calibrate(results))
    height, width = mean.extent
    assert rows["mass 95.45 %"][-2] == f"{100 * mean.area / (height * width):.1f} %"


def test_the_hint_names_the_option(run, tmp_path):
    units_of_one_photo(tmp_path / "units")
    done = run("measure", tmp_path / "units")
    assert done.exit_code == 2
    assert "is centred at" in done.output
    assert "average them around their units with --recentre" in done.output
    assert "calibrate" not in done.output


def test_a_size_of_a_users_own_is_a_criterion_and_a_preset_a_choice(run, saved):
    @size("heard", meaning="all that is heard")
    def heard(maps, cells, center, share):
        return ((maps > 0) * cells.areas).sum(axis=(-2, -1))

    @register
    def brightest(raw_map):
        return PresetReport("brightest", raw_map.shape, {"peak": 2.5, "none": None}, ("loud",))

    try:
        done = run("measure", saved, "--criterion", "heard")
        assert "(all that is heard: " in done.output.splitlines()[0]
        lines = run("measure", saved, "--preset", "brightest").output.splitlines()
        assert lines[:4] == [
            "brightest on 128x112 pixels",
            "                peak  2.5",
            "                none  -",
            "note: loud",
        ]
        shown = " ".join(run("measure", "--help").output.split())
        assert "brightest|luo|openerf|replknet" in shown
        assert "heard|mass|participation" in shown
    finally:
        SIZES.remove("heard")
        PRESETS.remove("brightest")
    done = run("measure", saved, "--criterion", "heard")
    assert done.exit_code == 2
    assert "'heard' is none of mass, participation, peak, significant, square" in done.output
    assert "did you mean luo?" in run("measure", saved, "--preset", "lou").output


def test_json_is_the_measurement(run, saved):
    done = run("measure", saved, "--json", "--criterion", "peak", "--share", "0.3")
    values = json.loads(done.output)
    assert values == json.loads(erf.measure(result(), criterion="peak", share=0.3).to_json())
    assert values["criterion"] == "peak:0.3"


def test_a_run_folder_stands_for_its_result(run, saved):
    assert run("measure", saved.parent).output == run("measure", saved).output


def test_presets_are_computed_from_the_raw_map(run, saved):
    pixels = np.repeat(np.repeat(result().discrepancy, 8, axis=0), 8, axis=1)
    done = run("measure", saved, "--preset", "luo", "--json")
    values = json.loads(done.output)
    assert values["image_size"] == [128, 112]
    assert values["patch"] == 16
    # Inner cells are squares of a stride, those at the border half a patch deeper.
    field = erf.measures.Field.of(result())
    expected = preset("luo", field.cells.to_pixels(field.values))
    assert values["values"] == expected.values
    assert pixels.max() == field.cells.to_pixels(field.values).max()
    text = run("measure", saved, "--preset", "luo").output
    assert (
        "note: the authors take gradients of single pixels, this map has patches of 16 px" in text
    )


def test_a_preset_of_another_raw_map_is_refused(run, saved):
    done = run("measure", saved, "--preset", "replknet")
    assert done.exit_code == 2
    assert "this map is of noise: probe with --method gradient --reduce rectified" in done.stderr


def test_many_images_are_averaged(run, tmp_path):
    for name, sigma in (("a", 8.0), ("b", 10.0), ("c", 12.0)):
        erf.save(result(sigma, image=name), tmp_path / "many" / f"{name}.zarr")
    values = json.loads(run("measure", tmp_path / "many", "--json").output)
    assert values["draws"] == 3
    assert values["sizes"][0]["interval"]["low"] < values["area"]
    assert "average over 3 images" in run("measure", tmp_path / "many").output
    recentred = json.loads(run("measure", tmp_path / "many", "--recentre", "--json").output)
    assert recentred["area"] == pytest.approx(values["area"], rel=0.02)


def test_what_is_no_result(run, tmp_path, saved):
    (tmp_path / "empty").mkdir()
    for path, words in (("nowhere", "no such result or folder"), ("empty", "holds no result")):
        done = run("measure", tmp_path / path)
        assert done.exit_code == 2
        assert words in done.output
    done = run("measure", saved, "--share", "95")
    assert done.exit_code == 2
    assert "share 95.0 must lie between 0 and 1" in done.output


def test_compare_says_what_differs(run, tmp_path):
    for name, sigma, seed in (("small", 16.0, 1), ("same", 16.0, 3), ("large", 22.0, 2)):
        erf.save(result(sigma, seed), tmp_path / name / "result.zarr")
    done = run("compare", *(tmp_path / name for name in ("small", "same", "large")))
    assert done.exit_code == 0, done.output
    lines = {line.split()[0]: line for line in done.output.splitlines() if line.strip()}
    assert "no difference seen" in lines["same"]
    assert "differs" in lines["large"]
    assert "z test over draws, about these images only" in done.output
    rows = json.loads(run("compare", tmp_path / "small", tmp_path / "large", "--json").output)
    assert rows[0]["ratio"] is None
    assert rows[1]["ratio"]["significant"] is True
    assert rows[1]["measurement"]["area"] > rows[0]["measurement"]["area"]


def test_compare_pairs_images(run, tmp_path):
    for index, image in enumerate("abcd"):
        sigma = (12.0, 15.0, 19.0, 24.0)[index]
        erf.save(result(sigma, index, image), tmp_path / "before" / f"{image}.zarr")
        erf.save(result(1.05 * sigma, 9 + index, image), tmp_path / "after" / f"{image}.zarr")
    done = run("compare", tmp_path / "before", tmp_path / "after")
    assert "t test paired over the same images" in done.output
    assert "differs" in done.output


def test_one_result_is_nothing_to_compare(run, saved):
    done = run("compare", saved)
    assert done.exit_code == 2
    assert "at least 2 results, not 1" in done.output
    done = run("compare", saved, saved)
    assert done.exit_code == 2
    assert "the same result is named twice" in done.output
