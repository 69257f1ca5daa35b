"""A result in a few lines of HTML, for notebooks and pages."""

from __future__ import annotations

import base64
import io
from html import escape

from erf.measures import measure
from erf.results import LayerResult, UnitResult
from figures.caption import stimulus_note, theory_note
from figures.field import field_figure
from figures.style import Width, styled

DPI = 110


@styled
def html_summary(result: UnitResult | LayerResult, *, width: Width = "page") -> str:
    """The four panels and a table; every name escaped, the picture inside.

    A whole layer has no single field: its summary is the table alone.

    Args:
        result: of one unit or of a whole layer.
        width: of the figure: ``column``, ``page`` or inches.

    Raises:
        SettingError: when ``width`` is out of range.
    """
    rows, cols = result.grid.image_size
    entries = {
        "model": result.model_name,
        "unit": str(result.target),
        "image": f"{result.image_name}, {rows} × {cols} px",
        "stimulus": f"{stimulus_note(result)}, patch {result.settings.patch} px, "
        f"stride {result.settings.step} px",
    }
    picture = ""
    if isinstance(result, LayerResult):
        entries["unit"] += ", {} × {} units".format(*result.unit_count)
    else:
        measurement = measure(result)
        entries["theoretical field"] = theory_note(result.theory, (rows, cols))
        entries["empirical field"] = measurement.sentence
        buffer = io.BytesIO()
        field_figure(result, width=width).savefig(
            buffer, format="png", dpi=DPI, metadata={"Software": None}
        )
        data = base64.b64encode(buffer.getvalue()).decode("ascii")
        text = escape(measurement.sentence, quote=True)
        picture = f'<img alt="{text}" src="data:image/png;base64,{data}">'
    lines = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(text)}</td></tr>"
        for name, text in entries.items()
    )
    return f"<div>{picture}<table>{lines}</table></div>"
