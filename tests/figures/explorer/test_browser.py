"""The page in a real browser: click, numbers, cancel, names, two tabs, a killed worker."""

import base64
import os
import re
import signal

import numpy as np
import pytest
from PIL import Image

import erf
from figures.explorer import Explorer, explore
from figures.explorer.worker import ThreadWorker
from strategies.browser import Watch, browser, needs_browser
from strategies.explorers import LAYER, SIZE, UNITS, order_in, sigma_of, subject_of
from strategies.results import photo

pytestmark = needs_browser

HOSTILE = "<img src=x onerror=\"document.title='bad'\">'\\$$x^2$$.png"
TITLE = "What does this unit hear?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("explorer")


@pytest.fixture(scope="module")
def explorer(folder):
    with Explorer(order_in(folder, "make", "other"), ThreadWorker) as running:
        yield running


@pytest.fixture(scope="module")
def chromium():
    with browser() as running:
        yield running


def open_tab(chromium, address, *, width=1280):
    page = chromium.new_page(viewport={"width": width, "height": 1000})
    page.set_default_timeout(180_000)
    watch = Watch()
    watch.attach(page)
    page.goto(address)
    page.wait_for_selector("body[data-ready=yes]")
    return page, watch


@pytest.fixture
def page(chromium, explorer):
    page, watch = open_tab(chromium, explorer.address)
    page.locator("#compare").click()  # two models: two sides at first
    page.locator("#patch").fill("16")
    page.locator("#draws").fill("3")
    page.locator("#draws").press("Enter")
    wait_for(page, f"{LAYER}@6,5")
    yield page
    assert watch.errors == []
    own = explorer.address.rpartition("/")[0]
    assert all(url.startswith((own, own.replace("http", "ws"))) for url in watch.requests)
    assert page.title() == TITLE
    page.close()


def at(page, plot, row, col, shape):
    """Where a cell of a plot is on the screen."""
    locator = page.locator(plot)
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    return (
        box["x"] + (col + 0.5) / shape[1] * box["width"],
        box["y"] + (row + 0.5) / shape[0] * box["height"],
    )


def wait_for(page, unit, draws=3, side=0):
    page.wait_for_selector(f'#panel{side}[data-shows="{unit}"][data-draws="{draws}"]')


def click_unit(page, row, col, side=0):
    page.mouse.click(*at(page, f"#layer-plot{side}", row, col, UNITS))


def value(page, name, part="value"):
    return float(page.locator(f"#{name}").get_attribute(f"data-{part}"))


def truth_of(unit, *, draws=3, seed=0, patch=16, levels=None, **more):
    subject = subject_of(photo(SIZE) if levels is None else levels, seed)
    settings = erf.Noise(patch=patch, draws=erf.OneByOne(draws), sigma=sigma_of(25.0))
    return subject.probe(LAYER, settings, unit=unit, **more)


def expect(page, result, side=0, **by):
    """The page says what ``erf.measure`` says, every digit."""
    found = erf.measure(result, **by)
    for name, number in (
        ("area", found.area),
        ("side", found.side),
        ("share-of-image", found.share_of_image),
        ("share-of-theory", found.share_of_theory),
    ):
        assert value(page, f"{name}{side}") == number
        interval = found.interval(name.replace("-", "_"))
        assert interval == tuple(
            value(page, f"{name}-interval{side}", end) for end in ("low", "high")
        )
    assert page.locator(f"#summary{side}").inner_text() == found.summary


def test_a_click_on_a_unit_gives_the_numbers_of_the_probe(page):
    for unit in ((3, 4), (10, 8)):
        click_unit(page, *unit)
        wait_for(page, f"{LAYER}@{unit[0]},{unit[1]}")
        result = truth_of(unit)
        expect(page, result)
        ring = page.evaluate("explorerPage.models.layer0.renderers.at(-1).data_source.data")
        assert [list(ring["y"]), list(ring["x"])] == [[unit[0]], [unit[1]]]
    call = page.locator("#python0").inner_text()
    subject = subject_of(photo(SIZE))
    again = eval(call, {"subject": subject, "erf": erf})
    assert np.array_equal(again.samples, result.samples)


@pytest.mark.slow
def test_what_is_typed_is_asked_and_another_size_needs_no_new_draw(page):
    page.locator("#row0").fill("5")
    page.locator("#row0").press("Enter")
    page.locator("#col0").fill("2")
    page.locator("#col0").press("Enter")
    wait_for(page, f"{LAYER}@5,2")
    page.locator("#channel0").fill("4")
    page.locator("#channel0").press("Enter")
    wait_for(page, f"{LAYER}:4@5,2")
    expect(page, truth_of((5, 2), channel=4))
    page.locator("input[value=peak]").check()
    page.wait_for_function("document.getElementById('definition0').textContent.includes('peak')")
    expect(page, truth_of((5, 2), channel=4), criterion="peak")
    page.locator("input[value=gradient]").check()
    page.wait_for_selector("#panel0[data-draws='1']")
    gradient = subject_of(photo(SIZE)).probe(LAYER, erf.Gradient(), unit=(5, 2), channel=4)
    assert value(page, "area0") == erf.measure(gradient, criterion="peak").area


@pytest.mark.slow
def test_arrow_keys_move_the_unit(page):
    click_unit(page, 3, 3)
    wait_for(page, f"{LAYER}@3,3")
    page.locator("#layer-plot0").focus()
    page.keyboard.press("ArrowRight")
    wait_for(page, f"{LAYER}@3,4")
    page.keyboard.press("ArrowDown")
    wait_for(page, f"{LAYER}@4,4")


def test_a_wrong_number_is_refused_in_words(page):
    page.locator("#patch").fill("200")
    page.locator("#patch").press("Enter")
    page.wait_for_selector("#status.bad")
    assert page.locator("#status").inner_text() == "patch 200 is larger than the image (96x80)"
    page.locator("#patch").fill("16")
    page.locator("#patch").press("Enter")
    page.wait_for_selector("#status:not(.bad)")
    wait_for(page, f"{LAYER}@6,5")


@pytest.mark.slow
def test_the_next_click_ends_what_is_under_way(page):
    page.locator("#draws").fill("256")
    page.locator("#patch").fill("4")
    page.locator("#patch").press("Enter")
    click_unit(page, 2, 2)
    page.wait_for_selector(f'#panel0[data-shows="{LAYER}@2,2"]')
    assert int(page.locator("#panel0").get_attribute("data-draws")) < 256
    page.locator("#draws").fill("2")
    page.locator("#draws").press("Enter")
    click_unit(page, 9, 7)
    wait_for(page, f"{LAYER}@9,7", draws=2)
    page.wait_for_timeout(500)
    assert page.locator("#panel0").get_attribute("data-shows") == f"{LAYER}@9,7"
    expect(page, truth_of((9, 7), draws=2, patch=4))


@pytest.mark.slow
def test_a_click_on_a_patch_shows_whom_it_reaches(page):
    page.mouse.click(*at(page, "#field-plot0", 40, 24, SIZE))
    page.wait_for_function(
        "document.getElementById('layer-shows0').textContent == 'Whom patch 2,1 reaches, 3 draws'"
    )
    lines = page.evaluate("explorerPage.models.field0.renderers.at(-1).data_source.data")
    assert (list(lines["top"]), list(lines["left"])) == ([31.5], [15.5])
    page.locator("#let-go0").click()
    page.wait_for_function(
        "document.getElementById('layer-shows0').textContent.startsWith('Response')"
    )


@pytest.mark.slow
def test_two_models_stand_side_by_side(page):
    page.locator("#compare").click()
    click_unit(page, 4, 4, side=0)
    click_unit(page, 7, 3, side=1)
    wait_for(page, f"{LAYER}@4,4", side=0)
    wait_for(page, f"{LAYER}@7,3", side=1)
    expect(page, truth_of((4, 4)), side=0)
    expect(page, truth_of((7, 3), seed=1), side=1)


def test_a_photo_with_a_hostile_name_is_dropped(page, tmp_path):
    levels = photo((64, 104))
    Image.fromarray(levels).save(tmp_path / "plain.png")
    content = base64.b64encode((tmp_path / "plain.png").read_bytes()).decode()
    page.evaluate(
        """([name, content]) => {
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], name, { type: "image/png" }));
            const told = { dataTransfer: data, bubbles: true, cancelable: true };
            document.body.dispatchEvent(new DragEvent("drop", told));
        }""",
        [HOSTILE, content],
    )
    page.wait_for_function(
        "name => document.getElementById('image-name0').textContent.includes(name)",
        arg=f"{HOSTILE}, 64 × 104 px",
    )
    wait_for(page, f"{LAYER}@4,6")
    expect(page, truth_of((4, 6), levels=levels))
    assert page.locator("img").count() == 0
    page.locator("#file").set_input_files(
        {"name": "<b>bad</b>.png", "mimeType": "image/png", "buffer": b"none"}
    )
    page.wait_for_selector("#status.bad")
    said = page.locator("#status").inner_text()
    assert said == "<b>bad</b>.png: is no image that can be read"


@pytest.mark.slow
def test_what_was_measured_is_kept(page, folder):
    click_unit(page, 8, 8)
    wait_for(page, f"{LAYER}@8,8")
    page.locator("#keep-result").click()
    page.wait_for_function("document.getElementById('status').textContent.startsWith('kept as')")
    place = page.locator("#status").inner_text().removeprefix("kept as ")
    kept = erf.open(place)
    assert np.array_equal(kept.samples, truth_of((8, 8)).samples)
    page.locator("#keep-page").click()
    page.wait_for_function("document.getElementById('status').textContent.startsWith('page')")
    (report,) = (folder / "kept").glob("*.html")
    assert LAYER in report.read_text(encoding="utf-8")
    with page.expect_download() as download:
        page.locator("#keep-figure").click()
    assert download.value.suggested_filename.endswith(".png")


@pytest.mark.slow
def test_two_tabs_do_not_disturb_each_other(page, chromium, explorer):
    other, watch = open_tab(chromium, explorer.address)
    other.locator("#compare").click()
    other.locator("#patch").fill("8")
    other.locator("#draws").fill("4")
    other.locator("#draws").press("Enter")
    click_unit(other, 1, 1)
    click_unit(page, 11, 9)
    wait_for(page, f"{LAYER}@11,9")
    wait_for(other, f"{LAYER}@1,1", draws=4)
    expect(page, truth_of((11, 9)))
    expect(other, truth_of((1, 1), draws=4, patch=8))
    assert watch.errors == []
    other.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_is_never_wider_than_the_screen(chromium, explorer, width):
    page, watch = open_tab(chromium, explorer.address, width=width)
    wait_for(page, f"{LAYER}@6,5", draws=8)
    wide, screen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= screen
    assert page.locator("#field-plot0").bounding_box()["width"] <= screen
    assert watch.errors == []
    page.close()


@pytest.mark.slow
def test_a_killed_worker_is_told_of_and_the_next_click_starts_another(chromium, tmp_path):
    with explore(order_in(tmp_path)) as explorer:
        page, _ = open_tab(chromium, explorer.address)
        wait_for(page, f"{LAYER}@6,5", draws=8)
        os.kill(explorer.worker.pid, signal.SIGKILL)
        page.wait_for_selector("#status.bad")
        said = page.locator("#status").inner_text()
        assert re.search(r"the worker has died \(killed by SIGKILL\): the next click", said)
        click_unit(page, 2, 3)
        wait_for(page, f"{LAYER}@2,3", draws=8)
        expect(page, truth_of((2, 3), draws=8, patch=32))
        page.close()
