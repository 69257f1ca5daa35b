from dataclasses import replace

import erf
from strategies.results import gaussian_result


def test_a_result_prints_in_a_few_lines():
    result = gaussian_result()
    text = repr(result)
    assert len(text.splitlines()) <= 10
    assert str(result.target) in text
    assert erf.measure(result).summary in text
    assert "array(" not in text


def test_a_notebook_shows_a_table_in_which_names_stay_text():
    result = gaussian_result()
    name = "<img src=x onerror=alert(1)>"
    named = replace(result, provenance={"model": {"name": name}})
    shown = named._repr_html_()
    assert name not in shown
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown
    assert erf.measure(named).summary in shown
