"""Figures of lines: depth, growth, feature scales, training."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

import erf
from figures import Growth, depth_figure, growth_figure, scales_figure, training_figure
from figures.training import running_mean
from strategies.results import gaussian_result
from strategies.tidy import assert_tidy


@pytest.fixture(scope="module")
def depth():
    sizes = {"conv1_2": 5, "conv3_3": 40, "fc7": 404}
    results = [
        gaussian_result(layer=layer, theory=size, sigma=(size / 8 + 4, size / 8 + 4))
        for layer, size in sizes.items()
    ]
    return results, [erf.measure(result) for result in results]


def test_depth_shows_theory_and_measurement_layer_by_layer(depth):
    results, measurements = depth
    (axes,) = depth_figure(results).axes
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    assert list(lines["theoretical"]) == [5, 40, 404]
    np.testing.assert_allclose(lines["empirical"], [m.side for m in measurements])
    inside = [math.sqrt(result.theory.box.area) for result in results]
    np.testing.assert_allclose(lines["theoretical, inside the image"], inside)
    assert lines["image"][0] == pytest.approx(math.sqrt(240 * 208))
    assert [t.get_text() for t in axes.get_xticklabels()] == ["conv1_2", "conv3_3", "fc7"]


@pytest.mark.parametrize("width", ["column", "page"])
def test_depth_is_tidy(depth, width):
    assert_tidy(depth_figure(depth[0], width=width))


def test_depth_needs_two_layers(depth):
    results, _ = depth
    with pytest.raises(erf.SettingError, match="1 result shows no depth"):
        depth_figure(results[:1])


def test_growth_is_drawn_in_the_order_of_iterations():
    probes = [Growth(200, 80.0, (70.0, 90.0)), Growth(0, 40.0), Growth(100, 60.0, (55.0, 65.0))]
    figure = growth_figure({"late": probes}, theory=188)
    (axes,) = figure.axes
    line, theory = axes.lines
    assert list(line.get_xdata()) == [0, 100, 200]
    assert list(line.get_ydata()) == [40, 60, 80]
    assert set(theory.get_ydata()) == {188}
    band = axes.collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == (40, 90)
    assert_tidy(figure)


def test_growth_needs_two_probes():
    with pytest.raises(erf.SettingError, match="'late' was probed 1 times"):
        growth_figure({"late": [Growth(0, 40.0)]})


def test_scales_show_every_norm_and_its_median():
    before = {"conv4_3": np.array([500.0, 100.0, 2000.0]), "fc7": np.array([0.0, 4.0, 2.0])}
    after = {layer: np.full(3, 10.0) for layer in before}
    figure = scales_figure(before, after)
    first, second = figure.axes
    shown = {line.get_gid(): list(line.get_ydata()) for line in first.lines}
    assert shown == {"norms conv4_3": [100, 500, 2000], "norms fc7": [2, 4]}
    assert [text.get_text() for text in first.texts] == ["500", "3"]
    assert first.get_yscale() == second.get_yscale() == "log"
    assert first.get_ylim() == second.get_ylim()
    assert_tidy(figure)


def test_scales_within_one_decade_are_tidy_too():
    norms = {"fc7": np.linspace(3, 60, 50)}
    figure = scales_figure(norms, {"fc7": np.full(50, 10.0)})
    assert_tidy(figure)
    figure.draw_without_rendering()
    assert not any(tick.label1.get_text() for tick in figure.axes[0].yaxis.get_minor_ticks())


def test_scales_of_what_is_not_normalised_are_one_panel_that_says_so():
    figure = scales_figure({"fc7": np.array([2.0, 4.0]), "conv5_3": np.array([50.0])})
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "as they are: nothing is normalised"
    assert [text.get_text() for text in axes.texts] == ["3", "50"]
    assert_tidy(figure)


def test_scales_need_the_same_layers():
    with pytest.raises(erf.SettingError, match=r"before \(fc7\) and after normalisation \(pool6\)"):
        scales_figure({"fc7": np.ones(2)}, {"pool6": np.ones(2)})


def test_training_shows_every_loss_its_running_mean_and_scores():
    losses = [(i, 2.0 / i) for i in range(1, 101)]
    figure = training_figure({"late": losses}, {"late": [(50, 0.4), (100, 0.6)]})
    loss, score = figure.axes
    smooth, raw = loss.lines
    np.testing.assert_allclose(raw.get_ydata(), [value for _, value in losses])
    np.testing.assert_allclose(smooth.get_ydata()[50], np.mean([2.0 / i for i in range(49, 54)]))
    assert list(score.lines[0].get_ydata()) == [0.4, 0.6]
    assert score.get_ylim() == (0, 1)
    assert_tidy(figure)


def test_training_without_scores_is_one_axes():
    assert len(training_figure({"late": [(1, 2.0), (2, 1.0)]}).axes) == 1


def test_training_needs_losses():
    with pytest.raises(erf.SettingError, match="'late' holds no losses"):
        training_figure({"late": []})


@pytest.mark.parametrize("window", [1, 2, 5, 9])
def test_running_means_equal_means_of_slices(window):
    values = np.random.default_rng(0).standard_normal(9)
    expected = [
        values[max(0, i - (window - 1) // 2) : i + window // 2 + 1].mean() for i in range(9)
    ]
    np.testing.assert_allclose(running_mean(values, window), expected)


def test_lines_can_be_drawn_on_ones_own_axes(depth):
    from figures import draw_depth

    axes = Figure().add_subplot()
    draw_depth(axes, *depth)
    assert len(axes.lines) == 4
