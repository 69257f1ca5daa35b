"""Results that version 1 of the store wrote (code of 95032e8), through every command.

The network: two 5x5 convolutions of four channels with a rectifier between them, the first at
stride 2, seed 0; a photo of noise. The numbers are those that the code of then printed.
"""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import erf
from cli import main

DATA = Path(__file__).parents[1] / "data"
UNIT, LAYER, GRADIENT = (DATA / f"result-v1-{name}.zarr" for name in ("unit", "layer", "gradient"))


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_a_unit_is_what_it_was():
    result = erf.open(UNIT)
    assert result.settings == erf.Noise(patch=8, stride=4, draws=2, sigma=0.25, seed=3)
    assert str(result.target) == "2@7,5"
    assert result.discrepancy.sum() == pytest.approx(0.8470788439238311, rel=1e-12)
    assert result.discrepancy.max() == pytest.approx(0.11042955279423168, rel=1e-12)
    assert result.theory.box.size == (13, 13)
    assert (result.model_name, result.image_name) == ("two layers", "noise.png")
    assert not result.joint
    found = erf.measure(result)
    assert found.area == pytest.approx(357.2694629532058)
    assert found.interval() == pytest.approx((346.28880720293995, 392.43694832260167))
    assert found.share_of_theory == pytest.approx(2.1140204908473716)


def test_a_layer_is_what_it_was():
    result = erf.open(LAYER)
    assert isinstance(result, erf.LayerResult)
    assert (result.target.channel, result.discrepancy.shape) == (1, (4, 4, 8, 8))
    assert result.discrepancy.sum() == pytest.approx(6.71552204639239, rel=1e-12)
    column = [0.00132303, 0.01602044, 0.01661261, 0.00245696]
    assert result.unit((3, 4)).discrepancy[:, 0] == pytest.approx(column, rel=1e-5)
    assert result.unit((3, 4)).theory.box == erf.Box(0, 2, 13, 15)


def test_a_gradient_is_what_it_was():
    result = erf.open(GRADIENT)
    assert result.settings == erf.Gradient(projections=8, seed=3)
    assert result.joint
    assert result.discrepancy.sum() == pytest.approx(7.268198779615204, rel=1e-12)
    found = erf.measure(result)
    assert found.area == pytest.approx(150.01449527273434)
    assert found.interval() == pytest.approx((149.74912532278645, 153.34170505850847))


def test_they_are_measured():
    done = run("measure", UNIT)
    assert done.output.splitlines()[0] == (
        "2@7,5 hears 47 % of the image; 211 % of its theoretical field (smallest area with "
        "95.45 % of the mass: 357 of 32x24 pixels; 95 % interval 346 to 392)"
    )
    done = run("measure", GRADIENT)
    assert done.output.splitlines()[0] == (
        "2@3,4 hears 59 % of the image; 89 % of its theoretical field (smallest area with "
        "95.45 % of the mass: 150 of 16x16 pixels; 95 % interval 150 to 153)"
    )
    assert run("measure", GRADIENT, "--preset", "luo").exit_code == 0


def test_they_are_compared_drawn_and_reported(tmp_path):
    done = run("compare", UNIT, GRADIENT)
    assert done.exit_code == 2
    assert "was measured with method gradient" in done.stderr
    done = run("compare", UNIT, GRADIENT, "--mixed")
    assert done.exit_code == 0, done.output
    assert f"{150.01449527273434 / 357.2694629532058:.2f}" in done.output
    for path, words in ((UNIT, []), (GRADIENT, []), (LAYER, ["--unit", "3,4"])):
        out = tmp_path / f"{path.stem}.png"
        done = run("figure", "field", path, *words, "--dpi", 60, "--out", out)
        assert done.exit_code == 0, done.output
    done = run("report", UNIT, GRADIENT, LAYER, "--out", tmp_path / "page.html")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "page.html").read_text(encoding="utf-8").count("two layers") >= 3


def test_they_can_be_kept_as_what_is_written_today(tmp_path):
    for path in (UNIT, LAYER, GRADIENT):
        old = erf.open(path)
        new = erf.open(erf.save(old, tmp_path / path.name))
        assert new.settings == old.settings
        assert np.array_equal(new.discrepancy, old.discrepancy)
