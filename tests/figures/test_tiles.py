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
    worst = np.array([[1, 0.1, 0.01, 1e-5], [2, 0.2, 0.001, 1e-5]])
    overhead = np.array([0.1, 0.5, 1, np.inf])
    return erf.MarginCurves(plan, theory, margins, worst, worst / 10, worst / 4, overhead)


def enough(margin, criterion="change"):
    return erf.EnoughMargin(0.05, criterion, margin, 0.01, (1.0, 2.0), None)


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def upright(axes):
    return [line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1]


def drawn(axes):
    return [line.get_ydata().tolist() for line in axes.lines if len(line.get_xdata()) == 4]


def test_every_photo_the_tolerance_theory_and_what_is_enough_are_drawn(plan):
    axes = Figure().add_subplot()
    draw_margins(axes, curves(plan, 3.0), enough(2.0))
    assert [1, 0.1, 0.01, 1e-5] in drawn(axes)
    assert [2, 0.2, 0.001, 1e-5] in drawn(axes)
    assert legend(axes) == [
        *("worst unit", "root mean square", "tolerance"),
        *("enough: 2 px", "theory: 3 px"),
    ]
    assert upright(axes) == [2.0, 3.0]
    assert axes.get_yscale() == "log"


def test_what_there_is_not_is_not_drawn(plan):
    axes = Figure().add_subplot()
    draw_margins(axes, curves(plan, None), enough(None))
    assert legend(axes) == ["worst unit", "root mean square", "tolerance"]
    assert upright(axes) == []


def test_labels_that_flip_are_drawn_where_they_are_asked_for(plan):
    axes = Figure().add_subplot()
    draw_margins(axes, curves(plan, None), enough(None, "flips"))
    assert legend(axes) == ["labels that flip", "tolerance"]
    assert [0.25, 0.025, 0.0025, 2.5e-6] in drawn(axes)
    assert axes.get_ylabel() == "share of labels"


def test_the_cost_stands_below_and_what_is_impossible_is_left_out(plan):
    figure = margin_figure(curves(plan, 3.0), enough(2.0), width="page")
    bottom = figure.axes[1]
    assert bottom.lines[0].get_ydata().tolist() == [1.1, 1.5, 2, np.inf]
    assert upright(bottom) == [2.0, 3.0]
    assert bottom.get_ylim() == pytest.approx((0, 2.2))
    assert figure.get_size_inches()[0] == pytest.approx(7.16)
    with pytest.raises(erf.SettingError, match="width 1 is none of"):
        margin_figure(curves(plan, 3.0), enough(2.0), width=1)
