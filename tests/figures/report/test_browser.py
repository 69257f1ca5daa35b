"""The page in a real browser: click, point, slide, switch; the numbers are those of measure."""

import math
from functools import partial

import numpy as np
import pytest

import erf
from erf.geometry import Box
from erf.measures import Field
from figures.report import report_page
from figures.report.sheet import SHOWN_UNITS, averaged
from figures.report.thresholds import MASS_SHARES, PEAK_SHARES
from strategies.browser import browser, needs_browser, open_page
from strategies.results import gaussian_result, influence_result
from strategies.theories import theory_of_boxes

pytestmark = needs_browser

HOSTILE = "<img src=x onerror=\"document.title='bad'\">$$x^2$$.png"


SIZE, UNITS = (240, 208), (15, 13)


def around(unit):
    """A field of 101 pixels."""
    middle = [round((u + 0.5) * s / n) for u, s, n in zip(unit, SIZE, UNITS, strict=True)]
    return Box(middle[0] - 50, middle[1] - 50, middle[0] + 51, middle[1] + 51)


@pytest.fixture(scope="module")
def results():
    return [
        influence_result(name="none", theory=theory_of_boxes(SIZE, UNITS, around)),
        influence_result(name="late", sigma=(60, 50), seed=3),
        # A unit of each pixel: more values than JavaScript takes as arguments of one call.
        gaussian_result(
            name="late",
            layer="score",
            size=(400, 360),
            units=(400, 360),
            unit=(120, 250),
            image_name=HOSTILE,
        ),
    ]


@pytest.fixture(scope="module")
def report(results, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_page(results, by=partial(erf.measure, resamples=0)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def chromium():
    with browser() as running:
        yield running


@pytest.fixture(params=[1280, 400])
def page(request, chromium, report):
    page, watch = open_page(chromium, report, width=request.param)
    yield page
    assert watch.errors == []
    assert watch.requests == []
    assert page.title() == "Empirical receptive fields"
    page.close()


def value(page, name):
    return float(page.locator(f"#{name}").get_attribute("data-value"))


def at(page, plot, row, col, shape):
    """Where a cell of a plot is on the screen."""
    locator = page.locator(plot)
    share = (row + 0.5) / shape[0]
    locator.evaluate(
        """(plot, share) => {
            const { top, height } = plot.getBoundingClientRect();
            window.scrollBy(0, top + share * height - innerHeight / 2);
        }""",
        share,
    )
    box = locator.bounding_box()
    return box["x"] + (col + 0.5) / shape[1] * box["width"], box["y"] + share * box["height"]


def wait_for_text(page, name, text):
    page.wait_for_function(
        "([name, text]) => document.getElementById(name).textContent == text", arg=[name, text]
    )


def click_unit(page, row, col):
    page.mouse.click(*at(page, "#layer-plot", row, col, (15, 13)))
    wait_for_text(page, "unit-name", f"fc7@{row},{col}")


def slide_to(page, index):
    page.evaluate(f"fieldPage.models.threshold.value = {index}")


def expect_measure(page, field, criterion, share):
    measured = erf.measure(field, criterion=criterion, share=share, resamples=0)
    assert value(page, "area") == measured.area
    assert value(page, "side") == pytest.approx(measured.side, rel=1e-12)
    assert value(page, "share-of-image") == pytest.approx(measured.share_of_image, rel=1e-12)
    image = page.locator("#share-of-image").inner_text()
    theory = page.locator("#share-of-theory").inner_text()
    if measured.share_of_theory is None:
        assert theory == "unknown"
        assert measured.summary.startswith(f"hears {image} of the image;")
    else:
        assert measured.summary == (
            f"hears {image} of the image; {theory} of its theoretical field"
        )


def test_a_click_on_a_unit_shows_its_field_and_its_numbers(page, results):
    for unit in ((2, 3), (14, 12)):
        click_unit(page, *unit)
        expect_measure(page, Field.of(results[0].unit(unit)), "mass", 0.9545)
        ring = page.evaluate("fieldPage.models.unitSource.data")
        assert ([unit[0]], [unit[1]]) == (ring["y"], ring["x"])


def test_sliding_updates_numbers_and_contour_together(page, results):
    click_unit(page, 7, 6)
    field = Field.of(results[0].unit((7, 6)))
    for index in (0, 7, len(MASS_SHARES) - 1):
        slide_to(page, index)
        expect_measure(page, field, "mass", MASS_SHARES[index])
    page.locator("#criterion button, #criterion .bk-btn").nth(1).click()
    page.wait_for_function("fieldPage.criterion == 'peak'")
    expect_measure(page, field, "peak", 1 - 0.9545)
    for index in (0, 40, len(PEAK_SHARES) - 1):
        slide_to(page, index)
        expect_measure(page, field, "peak", PEAK_SHARES[index])
        assert enclosed(page) == value(page, "area")


def enclosed(page):
    """Area inside the contour's segments, by Green's theorem on a fine raster of its cells."""
    lines = page.evaluate("fieldPage.models.contourSource.data")
    edges = page.evaluate("[fieldPage.sheet.rowEdges, fieldPage.sheet.colEdges]")
    total = 0.0
    for top, bottom in zip(edges[0][:-1], edges[0][1:], strict=True):
        middle = (top + bottom) / 2
        crossings = sorted(
            x0
            for x0, x1, y0, y1 in zip(
                lines["x0"], lines["x1"], lines["y0"], lines["y1"], strict=True
            )
            if x0 == x1 and min(y0, y1) < middle < max(y0, y1)
        )
        pairs = zip(crossings[::2], crossings[1::2], strict=True)
        total += (bottom - top) * sum(right - left for left, right in pairs)
    return total


def test_the_slider_answers_to_the_keyboard(page):
    before = page.evaluate("fieldPage.models.threshold.value")
    area = value(page, "area")
    handle = page.locator("#threshold .noUi-handle")
    handle.focus()
    handle.press("ArrowLeft")
    page.wait_for_function(f"fieldPage.models.threshold.value == {before - 1}")
    assert value(page, "area") < area


def test_pointing_at_a_patch_shows_whom_it_reaches(page, results):
    rows, cols = results[0].grid.shape
    centers = results[0].grid.centers
    row, col = rows // 3, cols // 4
    size = results[0].grid.image_size
    page.mouse.move(*at(page, "#field-plot", centers[0][row], centers[1][col], size))
    wait_for_text(page, "layer-shows", f"projective field of patch {row},{col}")
    colors = page.evaluate("fieldPage.models.unitsSource.data.color")
    reach = page.evaluate("fieldPage.colors.reach")
    shown = [reach.index(color) / 255 for color in colors]
    truth = np.array(
        [Field.of(results[0].unit(unit)).clean[row, col] for unit in np.ndindex(15, 13)]
    )
    for dot, exact in zip(shown, truth / truth.max(), strict=True):
        assert dot == pytest.approx(exact, abs=0.06)
    page.keyboard.press("Escape")
    wait_for_text(page, "layer-shows", "response of the layer")


def test_switching_model_layer_and_image(page, results):
    click_unit(page, 7, 6)
    page.locator("#model_select select").select_option("late")
    wait_for_text(page, "model-name", "late")
    expect_measure(page, Field.of(results[1].unit((7, 6))), "mass", 0.9545)
    page.locator("#layer_select select").select_option("score")
    wait_for_text(page, "unit-name", "score@120,250")
    expect_measure(page, results[2], "mass", 0.9545)
    assert HOSTILE in page.locator("#image-name").inner_text()
    layer = page.evaluate("fieldPage.models.unitsSource.data")
    assert (min(layer["top"]), max(layer["bottom"])) == (-0.5, 399.5)
    assert (min(layer["left"]), max(layer["right"])) == (-0.5, 359.5)
    brightest = np.argmax(averaged(results[2].activation, SHOWN_UNITS))
    assert layer["color"][brightest] == page.evaluate("fieldPage.colors.activation.at(-1)")
    assert page.locator("img").count() == 0


def test_the_theoretical_box_goes_on_and_off(page):
    click_unit(page, 0, 0)
    box = around((0, 0)).clip(SIZE)
    data = page.evaluate("fieldPage.models.theorySource.data")
    assert (data["top"], data["bottom"]) == ([box.top - 0.5], [box.bottom - 0.5])
    assert (data["left"], data["right"]) == ([box.left - 0.5], [box.right - 0.5])
    page.locator("#theory-box input").click()
    page.wait_for_function("fieldPage.models.theorySource.data.top.length == 0")


def test_arrow_keys_move_the_unit_and_the_patch(page):
    click_unit(page, 7, 6)
    page.locator("#layer-plot").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.locator("#unit-name").inner_text() == "fc7@8,7"
    page.keyboard.press("Shift+ArrowUp")
    assert "projective field" in page.locator("#layer-shows").inner_text()
    spinner = page.locator("#unit_row input")
    spinner.fill("3")
    spinner.press("Enter")
    wait_for_text(page, "unit-name", "fc7@3,7")


def test_the_page_is_never_wider_than_the_screen(page):
    wide, screen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= screen
    box = page.locator("#field-plot").bounding_box()
    assert box["width"] <= screen
    assert box["width"] / box["height"] == pytest.approx(208 / 240, rel=0.02)


def test_print_leaves_out_what_paper_cannot_do(page):
    page.emulate_media(media="print")
    assert not page.locator("#print").is_visible()
    assert not page.locator("#threshold").is_visible()
    assert page.locator("#field-plot").is_visible()
    assert page.locator("#area").is_visible()
    assert math.isfinite(value(page, "area"))
