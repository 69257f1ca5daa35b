"""The figure of margins: what is drawn is what was measured."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from torch import nn

import erf
from figures import draw_margins, margin_figure


@pytest.fixture(scope="module")
def plan():
    return erf.tiling(nn.Conv2d(3, 4, 7, padding=3), image_size=(40, 40), tile=16)


def curves(plan, theory):
    margins = np.arange(4.0)
    worst = np.array([[1, 0.1, 0.01, 1e-9], [2, 0.2, 0.001, 1e-9]])
    overhead = np.array([0.1, 0.5, 1, np.inf])
    return erf.MarginCurves(plan, theory, margins, worst, worst / 10, None, overhead)


def test_every_photo_the_tolerance_theory_and_what_is_enough_are_drawn(plan):
    axes = Figure().add_subplot()
    draw_margins(axes, curves(plan, 3.0), 0.05)
    lines = [line for line in axes.lines if len(line.get_xdata()) == 4]
    drawn = [line.get_ydata().tolist() for line in lines]
    assert [1, 0.1, 0.01, 1e-9] in drawn
    assert [2, 0.2, 0.001, 1e-9] in drawn
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["worst unit", "root mean square", "tolerance", "theory", "enough: 2 px"]
    upright = [line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1]
    assert upright == [3.0, 2.0]
    assert axes.get_yscale() == "log"


def test_what_there_is_not_is_not_drawn(plan):
    axes = Figure().add_subplot()
    draw_margins(axes, curves(plan, None), 1e-12)
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["worst unit", "root mean square", "tolerance"]


def test_the_cost_stands_below_and_what_is_impossible_is_left_out(plan):
    figure = margin_figure(curves(plan, 3.0), width="page")
    (line,) = figure.axes[1].lines
    assert line.get_ydata().tolist() == [1.1, 1.5, 2, np.inf]
    assert figure.axes[1].get_ylim() == (1, 4)
    assert figure.get_size_inches()[0] == pytest.approx(7.16)
    with pytest.raises(erf.SettingError, match="width 1 is none of"):
        margin_figure(curves(plan, 3.0), width=1)
