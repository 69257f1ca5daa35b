"""The page as text: whole, small, escaped."""

import json
import re
from functools import partial

import numpy as np
import pytest

import erf
from figures.report import report_page
from figures.report.page import script_json
from figures.report.sheet import averaged
from strategies.results import gaussian_result, influence_result

HOSTILE = '<img src=x onerror="document.title=1">.png'


def page_of(*results, **settings):
    return report_page(results, by=partial(erf.measure, resamples=0), **settings)


def own_text(html):
    """The page without Bokeh's library."""
    return "".join(part for part in re.split(r"(?=<script)", html) if len(part) < 400_000)


@pytest.fixture(scope="module")
def hostile():
    return page_of(gaussian_result(name=HOSTILE, image_name=HOSTILE), title=HOSTILE)


def test_names_and_titles_stay_text(hostile):
    assert "<img src=x" not in hostile
    assert "&lt;img src=x" in hostile


def test_data_cannot_end_their_script():
    text = script_json({"name": "</script><b>&"})
    assert not re.search("[<>&]", text)
    assert json.loads(text) == {"name": "</script><b>&"}


def test_the_page_names_no_other_place():
    html = page_of(gaussian_result())
    assert not re.search("<script[^>]* src=", html)
    outside = re.sub("<script.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"(src|href|url)\s*[=(]", outside)
    assert "default-src 'none'" in outside


def test_the_whole_provenance_is_there():
    result = gaussian_result(seed=5)
    html = own_text(page_of(result)).replace("&#34;", '"')
    assert '"seed": 5' in html
    assert f'"weights_sha256": "{"0" * 64}"' in html
    assert '"name": "gaussian"' in html


def test_the_table_says_what_measure_says():
    result = gaussian_result()
    measurement = erf.measure(result)
    html = report_page([result])
    for size in measurement.sizes:
        assert f">{size.meaning}<" in html
        assert f">{size.area:,.0f}<" in html
    low, high = measurement.interval()
    assert f">{low:,.0f} to {high:,.0f}<" in html


def test_three_whole_layers_take_a_few_megabytes():
    layers = [
        influence_result(size=(256, 256), units=(16, 16), name=name, seed=seed)
        for seed, name in enumerate(["none", "early", "late"])
    ]
    assert layers[0].discrepancy.shape == (31, 31, 16, 16)
    assert len(page_of(*layers).encode()) < 5_000_000


def test_results_of_one_name_can_each_be_chosen():
    same = [gaussian_result(), gaussian_result(seed=1), gaussian_result(unit=(1, 1))]
    names = [(each["layer"], each["image"], each["points"]) for each in data_of(*same)["sheets"]]
    assert names == [
        ("fc7", "grace_hopper.jpg (1)", [[7, 6], [1, 1]]),
        ("fc7", "grace_hopper.jpg (2)", [[7, 6]]),
    ]


def data_of(*results):
    return json.loads(re.search('id="sheets">(.*?)</script>', page_of(*results), re.DOTALL)[1])


def test_units_of_a_study_are_points_of_a_layer_and_a_photo_is_there_once():
    results = [
        gaussian_result(layer=layer, unit=unit, image_name=image)
        for layer in ("conv4", "fc7")
        for unit in ((2, 3), (7, 6))
        for image in ("a.jpg", "b.jpg")
    ]
    data = data_of(*results)
    found = [(each["layer"], each["image"], each["points"]) for each in data["sheets"]]
    both = [[2, 3], [7, 6]]
    assert found == [(layer, f"{name}.jpg", both) for layer in ("conv4", "fc7") for name in "ab"]
    assert len(data["pictures"]) == 1


def test_a_report_of_nothing_is_refused():
    with pytest.raises(erf.SettingError, match="at least one result is needed"):
        report_page([])


def test_a_large_layer_is_shown_by_averages_of_blocks():
    values = np.arange(7 * 4.0).reshape(7, 4)
    shown = averaged(values, 3)  # blocks of 3 rows and 2 columns
    assert shown.shape == (3, 2)
    assert shown[0, 0] == values[:3, :2].mean()
    assert shown[2, 1] == values[6:, 2:].mean()
    assert np.array_equal(averaged(values, 7), values)
