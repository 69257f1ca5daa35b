"""Units of a study on the page, in a real browser: points of their layer, not layers."""

from functools import partial

import numpy as np
import pytest

import erf
from figures.report import report_page
from strategies.browser import browser, needs_browser, open_page
from strategies.results import gaussian_result

pytestmark = needs_browser

UNITS = {"conv4": ((1, 1), (1, 5), (5, 1), (5, 5)), "fc7": ((2, 3), (7, 6), (12, 3), (14, 12))}
COUNTS = {"conv4": (30, 26), "fc7": (15, 13)}
PHOTOS = ("a.jpg", "b.jpg")


@pytest.fixture(scope="module")
def results():
    found = {}
    for number, (layer, photo) in enumerate((layer, photo) for layer in UNITS for photo in PHOTOS):
        for index, unit in enumerate(UNITS[layer]):
            found[layer, photo, unit] = gaussian_result(
                layer=layer,
                unit=unit,
                units=COUNTS[layer],
                image_name=photo,
                sigma=(20 + 9 * index, 24 + 5 * number),
            )
    return found


@pytest.fixture(scope="module")
def report(results, tmp_path_factory):
    path = tmp_path_factory.mktemp("units") / "report.html"
    measure = partial(erf.measure, resamples=0)
    path.write_text(report_page(list(results.values()), by=measure), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def chromium():
    with browser() as running:
        yield running


@pytest.fixture
def page(chromium, report):
    page, watch = open_page(chromium, report)
    yield page
    assert watch.errors == []
    page.close()


def choose(page, layer, photo):
    page.locator("#layer_select select").select_option(layer)
    page.locator("#image_select select").select_option(photo)


def tap(page, row, col):
    page.evaluate(f"fieldPage.tapUnit({col}, {row})")


def expect(page, results, layer, photo, unit):
    """The unit's name, ring and numbers are those of this result."""
    assert page.locator("#unit-name").inner_text() == f"{layer}@{unit[0]},{unit[1]}"
    assert page.locator("#image-name").inner_text().startswith(photo)
    ring = page.evaluate("fieldPage.models.unitSource.data")
    assert (ring["y"], ring["x"]) == ([unit[0]], [unit[1]])
    measured = erf.measure(results[layer, photo, unit], resamples=0)
    assert float(page.locator("#area").get_attribute("data-value")) == measured.area


def test_layers_are_layers_and_units_are_points(page):
    options = page.locator("#layer_select option").all_inner_texts()
    assert options == ["conv4", "fc7"]
    for layer, units in UNITS.items():
        choose(page, layer, "a.jpg")
        points = page.evaluate("fieldPage.models.pointsSource.data")
        assert list(zip(points["y"], points["x"], strict=True)) == list(units)
        assert page.locator("#points-told").is_visible()


def test_a_click_chooses_the_nearest_point(page, results):
    choose(page, "fc7", "a.jpg")
    for row, col in ((2, 3), (0, 0), (9, 9), (14, 0), (13, 11)):
        tap(page, row, col)
        away = np.hypot(*(np.array(UNITS["fc7"]) - (row, col)).T)
        expect(page, results, "fc7", "a.jpg", UNITS["fc7"][int(away.argmin())])


# (12.5 / 15, 3.5 / 13) of fc7 is nearest to (5.5 / 30, 5.5 / 26) of conv4.
def test_a_unit_stays_chosen_on_other_photos_and_comes_back_after_another_layer(page, results):
    choose(page, "fc7", "a.jpg")
    tap(page, 12, 3)
    choose(page, "fc7", "b.jpg")
    expect(page, results, "fc7", "b.jpg", (12, 3))
    choose(page, "conv4", "b.jpg")
    expect(page, results, "conv4", "b.jpg", (5, 5))
    choose(page, "fc7", "a.jpg")
    expect(page, results, "fc7", "a.jpg", (12, 3))


def test_arrows_and_numbers_go_from_point_to_point(page, results):
    choose(page, "conv4", "a.jpg")
    tap(page, 1, 1)
    page.locator("#layer-plot").focus()
    for key, unit in (("Right", (1, 5)), ("Down", (5, 5)), ("Down", (5, 5)), ("Left", (5, 1))):
        page.keyboard.press(f"Arrow{key}")
        expect(page, results, "conv4", "a.jpg", unit)
    spinner = page.locator("#unit_row input")
    spinner.fill("4")  # not measured: the next one that way
    spinner.press("Enter")
    page.wait_for_function("document.getElementById('unit-name').textContent == 'conv4@1,1'")
    assert spinner.input_value() == "1"


def test_a_patch_colours_the_points_that_it_reaches(page, results):
    choose(page, "fc7", "b.jpg")
    row, col = 10, 8
    page.evaluate(f"fieldPage.point({row}, {col})")
    reach = page.evaluate("fieldPage.colors.reach")
    colors = page.evaluate("fieldPage.models.pointsSource.data.color")
    shown = [reach.index(color) / 255 for color in colors]
    truth = [
        erf.measures.Field.of(results["fc7", "b.jpg", unit]).clean[row, col]
        for unit in UNITS["fc7"]
    ]
    assert shown == pytest.approx(np.array(truth) / max(truth), abs=0.06)
    page.keyboard.press("Escape")
    assert page.locator("#layer-shows").inner_text() == "response of the layer"
