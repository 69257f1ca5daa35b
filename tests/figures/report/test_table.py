"""Every number of the page's table, recomputed from the maps."""

import numpy as np
import pytest

import erf
from erf.measures import Cells, mass_area
from figures.report.table import HEAD, layer_row, measurement_table, size_rows
from strategies.results import gaussian_result, influence_result


@pytest.fixture(scope="module")
def result():
    return gaussian_result(theory=188)


@pytest.fixture(scope="module")
def measurement(result):
    return erf.measure(result, resamples=50)


def cells(row):
    return dict(zip(HEAD, row, strict=True))


def share(text):
    number, unit = text.split(" ", 1)
    assert unit == "%"
    return float(number) / 100


def test_a_row_for_each_size_with_its_own_numbers(result, measurement):
    rows = [cells(row) for row in size_rows(result, measurement)]
    assert len(rows) == len(measurement.sizes) > 5
    box = result.theory.box
    visible = (box.bottom - box.top) * (box.right - box.left)
    for row, size in zip(rows, measurement.sizes, strict=True):
        assert row["definition"] == size.meaning
        assert float(row["area, px"].replace(",", "")) == pytest.approx(size.area, abs=0.5)
        assert float(row["side, px"]) == pytest.approx(size.side, abs=0.5)
        assert share(row["of image"]) == pytest.approx(size.area / (240 * 208), abs=0.005)
        assert share(row["of theory"]) == pytest.approx(size.area / visible, abs=0.005)
        if size.interval is None:
            assert row["interval of the area"] == ""
        else:
            low, high = map(float, row["interval of the area"].replace(",", "").split(" to "))
            assert low == pytest.approx(size.interval.low, abs=0.5)
            assert high == pytest.approx(size.interval.high, abs=0.5)
    assert any(row["interval of the area"] for row in rows)


def test_the_first_row_alone_says_whose_numbers_they_are(result, measurement):
    rows = [cells(row) for row in size_rows(result, measurement)]
    names = [(row["model"], row["unit"], row["image"]) for row in rows]
    assert names[0] == ("ParseNet", "fc7@7,6", "grace_hopper.jpg")
    assert set(names[1:]) == {("", "", "")}


def test_an_unknown_theory_is_said_to_be_unknown():
    result = gaussian_result(theory=None)
    rows = [cells(row) for row in size_rows(result, erf.measure(result, resamples=0))]
    assert {row["of theory"] for row in rows} == {"unknown"}
    assert {row["interval of the area"] for row in rows} == {""}


def test_a_recentred_average_has_no_share_of_the_image():
    results = [gaussian_result(unit=unit) for unit in ((3, 3), (7, 6))]
    measurement = erf.measure(erf.calibrate(results), resamples=0)
    assert measurement.recentred
    height, width = measurement.extent
    assert height * width > 1.2 * 240 * 208
    row = cells(size_rows(results[0], measurement)[0])
    number, words = row["of image"].split(" % ")
    assert words == "of map"
    assert float(number) / 100 == pytest.approx(measurement.area / (height * width), abs=0.005)


def test_a_layer_is_the_median_of_its_units_and_their_range():
    layer = influence_result(units=(3, 2))
    areas = Cells.of(layer.grid).areas
    sizes = sorted(
        float(mass_area(layer.discrepancy[:, :, row, col], areas, 0.9545))
        for row, col in np.ndindex(3, 2)
    )
    middle = (sizes[2] + sizes[3]) / 2
    row = cells(layer_row(layer))
    assert row["unit"] == "fc7, 3 × 2 units"
    assert (row["model"], row["image"]) == ("ParseNet", "grace_hopper.jpg")
    assert row["definition"].endswith(f"range {sizes[0]:,.0f} to {sizes[-1]:,.0f}")
    assert row["area, px"] == f"{middle:,.0f}"
    assert row["side, px"] == f"{np.sqrt(middle):.0f}"
    assert share(row["of image"]) == pytest.approx(middle / (240 * 208), abs=0.005)
    assert (row["interval of the area"], row["of theory"]) == ("", "")


def test_units_and_layers_stand_in_the_order_given():
    unit, layer = gaussian_result(name="unit"), influence_result(units=(3, 2), name="layer")
    table = measurement_table([layer, unit], lambda each: erf.measure(each, resamples=0))
    named = [row[0] for row in table["rows"] if row[0]]
    assert named == ["layer", "unit"]
    assert table["head"] == HEAD
