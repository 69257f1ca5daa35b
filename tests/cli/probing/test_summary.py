"""What a probe tells a person: every line of the table, the notes, the average."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

import erf
from cli.probing.summary import print_average, print_result
from erf.engines.report import Agreement, EngineReport
from erf.measures import describe_result
from strategies.results import gaussian_result, influence_result

TRAINED = SimpleNamespace(label="net (trained)")


def test_every_line_of_a_unit():
    result = gaussian_result(theory=100, draws=2)
    found = erf.measure(result)
    low, high = (end**0.5 for end in found.interval())
    lines = describe_result(result, TRAINED.label, 25.0)
    assert lines == {
        "model": "net (trained)",
        "layer, unit": "fc7@7,6",
        "image": "240 x 208 px",
        "patch, stride": "16 px, 8 px",
        "draws": "2 of gaussian, sigma 25 of 255",
        "engine": lines["engine"],
        "theoretical": "100 x 100 px, 100 x 100 inside the image",
        "empirical": f"{found.area**0.5:.0f} px a side (95 % interval {low:.0f} to {high:.0f}): "
        "smallest area with 95.45 % of the mass",
        "share": found.summary,
    }
    assert round(low) < round(high)
    assert describe_result(result, "a (random weights)")["draws"] == "2 of gaussian, sigma 0.1"


def test_the_theoretical_line():
    result = gaussian_result(theory=100)
    clipped = replace(result.theory, box=erf.Box(0, 0, 90, 70), status="upper_bound")
    lines = describe_result(replace(result, theory=clipped), TRAINED.label, 25.0)
    assert lines["theoretical"] == "100 x 100 px (upper bound), 90 x 70 inside the image"
    whole = replace(result.theory, status="whole_image")
    lines = describe_result(replace(result, theory=whole), TRAINED.label, 25.0)
    assert lines["theoretical"] == "whole image"
    assert (
        describe_result(replace(result, theory=None), TRAINED.label, 25.0)["theoretical"]
        == "unknown"
    )


def test_a_probe_without_repeated_draws_has_no_interval():
    lines = describe_result(gaussian_result(draws=2), TRAINED.label, 25.0)
    assert "95 % interval" in lines["empirical"]
    result = gaussian_result(draws=2)
    lines = describe_result(replace(result, samples=None, draws=1), TRAINED.label, 25.0)
    assert lines["empirical"].split(":")[0].endswith("px a side")
    assert lines["draws"].startswith("1 of gaussian")


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (None, "delta"),
        (Agreement(9, 0.5, agrees=False), "delta"),
        (
            Agreement(9, 2e-6, agrees=True, floor=1e-5),
            "delta, compared with dense: within 2e-06 of the peak of 9 patches; below 1e-05 of it "
            "lies dense's rounding",
        ),
    ],
)
def test_the_engines_line(check, text):
    result = replace(gaussian_result(), engine=EngineReport("delta", exact=True, check=check))
    assert describe_result(result, TRAINED.label, 25.0)["engine"] == text


def test_every_line_of_a_layer_and_of_a_gradient():
    layer = influence_result(units=(3, 2))
    lines = describe_result(layer, TRAINED.label, 25.0)
    rows, cols = layer.grid.shape
    assert lines["influence"] == f"{rows} x {cols} x 3 x 2 (patch rows, cols, unit rows, cols)"
    assert "empirical" not in lines
    assert lines["theoretical"] == "unknown"
    gradient = replace(
        gaussian_result(patch=1, stride=1), settings=erf.Gradient(), draws=8, joint=True
    )
    lines = describe_result(gradient, TRAINED.label, 25.0)
    assert lines["method"] == "gradient, 8 projections"
    assert not {"draws", "engine", "patch, stride"} & set(lines)


def test_notes_are_printed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    notes = ("first thing to know", "second thing to know")
    result = replace(gaussian_result(), engine=EngineReport("dense", exact=False, notes=notes))
    print_result(result, TRAINED, 25.0)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["note: first thing to know", "note: second thing to know"]
    assert any(line.split() == ["engine", "dense"] for line in lines)


def test_the_average_is_of_units_and_of_more_than_one(capsys):
    one, other = gaussian_result(unit=(7, 6)), gaussian_result(unit=(7, 7), seed=1)
    print_average([one, influence_result(units=(3, 2))])
    assert capsys.readouterr().out == ""
    print_average([one, other])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2] == "2 fields, recentred on their units and averaged:"
    assert lines[-1] == erf.measure(erf.calibrate([one, other])).sentence
    assert "of the image" not in lines[-1]
