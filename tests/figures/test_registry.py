"""Figures by name: ours, and one that a user adds."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import erf
import figures
from figures.style import inches
from strategies.results import gaussian_result, influence_result


@pytest.fixture
def peaks():
    """What a user's own file holds."""

    @figures.figure("peaks", takes="results", width="column")
    def peaks(results, *, width):
        """The largest discrepancy of each result."""
        drawing = Figure(figsize=(inches(width), 2))
        drawing.subplots().plot([result.discrepancy.max() for result in results])
        return drawing

    yield figures.FIGURES.find("peaks")
    figures.FIGURES.remove("peaks")


def test_ours_are_listed_with_a_line_each():
    found = {name: figures.FIGURES.find(name) for name in figures.FIGURES}
    takes = {"field": "result", "compare": "results", "depth": "results"}
    assert {name: found[name].takes for name in takes} == takes
    assert all(each.summary.endswith(".") for each in found.values())


def test_a_users_figure_is_drawn_of_one_result_or_many(peaks):
    assert "peaks" in figures.FIGURES
    assert peaks.summary == "The largest discrepancy of each result."
    results = [gaussian_result(seed=seed) for seed in (1, 2)]
    for given in (results, dict(zip("ab", results, strict=True)), results[0]):
        drawing = peaks.draw(given)
        count = 1 if given is results[0] else 2
        expected = [result.discrepancy.max() for result in results[:count]]
        np.testing.assert_array_equal(drawing.axes[0].lines[0].get_ydata(), expected)
        assert drawing.get_figwidth() == 3.5
    assert peaks.draw(results, width=5).get_figwidth() == 5


def test_a_unit_of_a_layer_is_named(peaks):
    layer = influence_result(units=(5, 4))
    drawing = peaks.draw(layer, unit=(3, 1))
    assert drawing.axes[0].lines[0].get_ydata() == [layer.discrepancy[:, :, 3, 1].max()]
    with pytest.raises(erf.UnitError, match="holds 5x4 units: name one"):
        peaks.draw(layer)


def test_a_figure_of_one_result_refuses_two():
    results = [gaussian_result(), gaussian_result(seed=1)]
    with pytest.raises(erf.SettingError, match="figure 'field' takes 1 result, not 2"):
        figures.FIGURES.find("field").draw(results)


def test_a_figure_of_a_layer_gets_the_layer():
    got = []
    figures.figure("whole", takes="layer")(lambda layer, *, width: got.append(layer) or Figure())
    try:
        layer = influence_result(units=(3, 2))
        figures.FIGURES.find("whole").draw(layer)
        assert got == [layer]
        with pytest.raises(erf.SettingError, match="takes a whole layer, not fc7@7,6"):
            figures.FIGURES.find("whole").draw(gaussian_result())
    finally:
        figures.FIGURES.remove("whole")


def test_what_a_figure_takes_is_one_of_three():
    with pytest.raises(erf.SettingError, match="'photos', which is none of result, results, layer"):
        figures.figure("odd", takes="photos")
