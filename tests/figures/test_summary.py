"""A result in a notebook: its numbers, its picture, and names that stay text."""

import base64
import io
import re

from PIL import Image

import erf
from figures import html_summary
from strategies.results import gaussian_result, influence_result

HOSTILE = '"><script>alert(1)</script>'


def test_a_unit_shows_its_figure_and_what_measure_says():
    result = gaussian_result()
    html = html_summary(result)
    assert erf.measure(result).sentence in html
    data = re.search(r'src="data:image/png;base64,([^"]*)"', html)[1]
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.size[0] == int(7.16 * 110)


def test_a_whole_layer_is_a_table():
    html = html_summary(influence_result())
    assert "<img" not in html
    assert "15 × 13 units" in html


def test_names_are_escaped():
    html = html_summary(influence_result(name=HOSTILE, image_name=HOSTILE))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
