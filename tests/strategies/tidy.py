"""What a figure must never do, whatever it shows."""

from __future__ import annotations

from matplotlib.figure import Figure


def assert_tidy(figure: Figure) -> None:
    """No letters are cut off by the border, no two texts overlap, no formula shows its source."""
    figure.draw_without_rendering()
    texts = list(figure.texts)
    for axes in figure.axes:
        texts += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        texts += _visible_labels(axes)
        if axes.get_legend():
            texts += axes.get_legend().get_texts()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    for text, box in boxes:
        assert "$" not in text
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width, text
        assert 0 <= box.y0 < box.y1 <= figure.bbox.height, text
    for index, (text, box) in enumerate(boxes):
        for other, another in boxes[index + 1 :]:
            assert not box.overlaps(another), (text, other)


def _visible_labels(axes):
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        low, high = min(low, high), max(low, high)
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if tick.label1.get_visible() and low <= tick.get_loc() <= high:
                yield tick.label1
