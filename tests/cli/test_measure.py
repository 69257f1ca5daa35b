import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import cli
import erf
from cli.measure import PRESETS
from erf.geometry import Box, PatchGrid
from erf.measures import PRESETS as KNOWN
from erf.measures import preset
from strategies.fields import as_result, draw, truth

GRID = PatchGrid((128, 112), patch=16, stride=8)
CENTER = (63.5, 55.5)
THEORY = Box(10, 2, 118, 110)


@pytest.fixture
def run(monkeypatch):
    commands = tuple(dict.fromkeys((*cli.COMMANDS, "measure", "compare")))
    monkeypatch.setattr(cli, "COMMANDS", commands)
    return lambda *words: CliRunner().invoke(cli.main, [*map(str, words)])


def result(sigma: float = 18.0, seed: int = 0, image: str = "a") -> erf.ProbeResult:
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
    for size in found.sizes:
        assert f"{size.area:,.0f}" in done.output
    assert "patches overlap: the field is blurred by the patch of 16 px" in done.output


def test_json_is_the_measurement(run, saved):
    done = run("measure", saved, "--json", "--criterion", "peak", "--share", "0.3")
    values = json.loads(done.output)
    assert values == json.loads(erf.measure(result(), criterion="peak", share=0.3).to_json())
    assert values["criterion"] == "peak:0.3"


def test_a_run_folder_stands_for_its_result(run, saved):
    assert run("measure", saved.parent).output == run("measure", saved).output


def test_presets_are_computed_from_the_raw_map(run, saved):
    assert set(PRESETS) == set(KNOWN)
    pixels = np.repeat(np.repeat(result().discrepancy, 8, axis=0), 8, axis=1)
    done = run("measure", saved, "--preset", "replknet", "--json")
    values = json.loads(done.output)
    assert values["image_size"] == [128, 112]
    assert values["patch"] == 16
    # Inner cells are squares of a stride, those at the border half a patch deeper.
    field = erf.measures.Field.of(result())
    expected = preset("replknet", field.cells.to_pixels(field.values))
    assert values["values"] == expected.values
    assert pixels.max() == field.cells.to_pixels(field.values).max()
    text = run("measure", saved, "--preset", "replknet").output
    assert "note: log10(1 + score) depends on the scale" in text
    assert (
        "note: the authors take gradients of single pixels, this map has patches of 16 px" in text
    )


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
