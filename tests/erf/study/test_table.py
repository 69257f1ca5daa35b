"""A study's table and comparison, on results whose sizes are a formula."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure
from scipy import stats

import cli
import erf
import figures
from erf.results import UnitResult
from strategies.results import gaussian_result, gaussian_side

SIGMA = (11.0, 13.0)
PHOTOS = {"a.jpg": 0.85, "b.jpg": 1.0, "c.jpg": 1.3}
"""What each photo does to the size of every field on it."""
UNITS = {(7, 6): 0.95, (7, 7): 1.05}
MODELS = {"small": 1.0, "large": 1.3}
LAYERS = {"conv4": 0.8, "fc_7": 1.0}


def side_of(*scales: float) -> float:
    scale = math.prod(scales)
    return gaussian_side((scale * SIGMA[0], scale * SIGMA[1]))


def result(model: str, layer: str, photo: str, unit: tuple[int, int], **more: int) -> UnitResult:
    scale = MODELS[model] * LAYERS[layer] * PHOTOS[photo] * UNITS[unit]
    values = {"patch": 8, "stride": 4, "draws": 12, "theory": 120} | more
    made = gaussian_result(
        name=model,
        layer=layer,
        unit=unit,
        sigma=(scale * SIGMA[0], scale * SIGMA[1]),
        tail=0.0,
        image_name=photo,
        seed=sum(map(ord, f"{model}{layer}{photo}{unit}")),
        **values,
    )
    image = {**made.origin["image"], "photo": {"sha256": photo}, "size": [240, 208]}
    study = {"model": model, "unit": "grid:2"}
    return replace(made, origin={**made.origin, "image": image, "study": study})


def save_all(root: Path, results: Iterable[UnitResult]) -> Path:
    for each in results:
        photo = each.origin["image"]["name"]
        name = "{},{}".format(*each.unit)
        erf.save(each, root / each.model_name / photo / each.target.layer / name)
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tables") / "study"
    return save_all(
        root,
        [
            result(model, layer, photo, unit)
            for model in MODELS
            for layer in LAYERS
            for photo in PHOTOS
            for unit in UNITS
        ],
    )


def run(*words: object) -> str:
    done = CliRunner().invoke(cli.main, [*map(str, words)])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_table_has_the_mean_and_the_spread_over_photos(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run("measure", folder, "--csv"))))
    assert [(row["model"], row["layer"], row["unit"]) for row in rows] == [
        (model, layer, "grid:2") for model in ("large", "small") for layer in LAYERS
    ]
    within = math.sqrt(math.prod(UNITS.values()))  # geometric mean of the units of a photo
    for row in rows:
        own = MODELS[row["model"]], LAYERS[row["layer"]]
        logs = [math.log(side_of(*own, photo, within)) for photo in PHOTOS.values()]
        truth = stats.ttest_1samp(logs, 0).confidence_interval(0.95)
        found = [float(row[name]) for name in ("side", "side_low", "side_high")]
        expected = np.exp([np.mean(logs), *truth])
        np.testing.assert_allclose(found, expected, rtol=0.05)
        assert (row["images"], row["units"], row["draws"]) == ("3", "2", "12")
        assert row["interval_over"] == "images"
        assert float(row["theory_side"]) == 120
        assert float(row["share_of_image"]) == pytest.approx(found[0] ** 2 / (240 * 208), rel=1e-6)


def test_json_and_latex_say_the_same(folder: Path) -> None:
    table = erf.Study.open(folder).measure()
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    told = json.loads(table.to_json())
    assert [each["side"] for each in told["rows"]] == [float(row["side"]) for row in rows]
    latex = run("measure", folder, "--latex").splitlines()
    body = [line for line in latex if line.startswith(("small", "large"))]
    for line, row in zip(body, rows, strict=True):
        side, low, high = (round(float(row[name])) for name in ("side", "side_low", "side_high"))
        share = 100 * float(row["share_of_image"])
        layer = row["layer"].replace("_", r"\_")
        assert line == (
            rf"{row['model']} & {layer} & grid:2 & 120 & {side} & {low}--{high} & "
            rf"{share:.1f}\,\% & 3 \\"
        )
    assert latex[-1].startswith("% sides in pixels of squares of equal area; ")
    assert latex[-1].endswith(r"95 \% intervals over images")


def test_models_are_compared_photo_by_photo(folder: Path) -> None:
    rows = json.loads(run("compare", folder, "--by", "model", "--json"))
    ratios = [row for row in rows if row["ratio_value"] is not None]
    assert {row["model"] for row in ratios} == {"small"}
    for row in ratios:  # the photos' own spread, 1.3 / 0.85, is in neither interval nor test
        assert row["ratio_value"] == pytest.approx((1 / 1.3) ** 2, rel=0.03)
        assert 0.75 < row["ratio_low"] / row["ratio_high"] < 1
        assert row["ratio_p_adjusted"] < 0.01
    shown = run("compare", folder, "--by", "model")
    assert "differs" in shown
    assert "photos" in shown


def test_depth_has_a_line_a_model_with_intervals_over_photos(folder: Path) -> None:
    study = erf.Study.open(folder)
    figure = figures.depth_figure(study.results(), by=partial(erf.measure, resamples=0))
    assert isinstance(figure, Figure)
    (axes,) = figure.axes
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    rows = study.measure().rows
    for model in MODELS:
        sides = [row.side for row in rows if row.model == model]
        np.testing.assert_allclose(lines[model], sides)
    drawn = [tuple(each.get_segments()[0][:, 1]) for each in axes.collections]
    intervals = [(row.side_low, row.side_high) for row in rows]
    np.testing.assert_allclose(sorted(drawn), sorted(intervals))
    assert "3 photos" in axes.get_ylabel()


def test_what_was_asked_otherwise_is_refused_unless_told(folder: Path, tmp_path: Path) -> None:
    mixed = [
        result("small", "conv4", "a.jpg", (7, 6)),
        result("small", "conv4", "b.jpg", (7, 6), patch=16),
    ]
    study = erf.Study.open(save_all(tmp_path / "mixed", mixed))
    with pytest.raises(
        erf.SettingError, match=r"with patch 16, .* with 8: .* say that they are mixed"
    ):
        study.measure()
    assert study.measure(mixed=True).rows[0].images == 2


def test_with_one_photo_the_interval_is_over_draws_and_says_so(tmp_path: Path) -> None:
    one = [result("small", layer, "a.jpg", unit) for layer in LAYERS for unit in UNITS]
    rows = erf.Study.open(save_all(tmp_path / "one", one)).measure().rows
    assert {(row.interval_over, row.images, row.units) for row in rows} == {("draws", 1, 2)}
    assert all(row.side_low < row.side < row.side_high for row in rows)
    shown = run("measure", tmp_path / "one")
    assert "intervals over draws (one photo); units of one photo count once" in " ".join(
        shown.split()
    )
