"""The page: models, data, tables and provenance in one HTML file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.resources import INLINE
from matplotlib import colormaps
from matplotlib.colors import to_hex

from erf.measures import LUO_SHARE, TWO_SIGMA, measure
from erf.results import LayerResult, Result, UnitResult, each_of
from figures.maps import ShareScale, overlay_colors
from figures.naming import Measure
from figures.report.controls import build_controls
from figures.report.sheet import pictures_once, sheets_of, told_apart
from figures.report.table import measurement_table
from figures.report.thresholds import MASS_SHARES, PEAK_SHARES


def report_page(
    results: Iterable[Result] | Mapping[str, Result],
    *,
    by: Measure = measure,
    title: str = "Empirical receptive fields",
) -> str:
    """One HTML page to explore results: no other file, no network.

    Args:
        results: of single units or of whole layers.
        by: measures single units.
        title: of the page.

    Raises:
        SettingError: when there is no result.
    """
    shown = each_of(results, (UnitResult, LayerResult))
    controls = build_controls()
    document = Document(title=title)
    for name, root in controls.roots.items():
        root.name = name
        document.add_root(root)
    document.js_on_event(controls.ready_event, controls.ready)
    sheets, pictures = pictures_once(told_apart([each.to_json() for each in sheets_of(shown)]))
    data = {"sheets": sheets, "pictures": pictures, "shares": shares_json()}
    variables = {
        "heading": title,
        "style": resource("page.css"),
        "script": resource("page.js"),
        "sheets": script_json(data | {"colors": colors_json()}),
        "gradient": gradient(),
        "levels": len(PEAK_SHARES) + 1,
        "table": measurement_table(shown, by),
        "provenance": [provenance(result) for result in shown],
    }
    return file_html(
        document,
        resources=INLINE,
        title=title,
        template=resource("page.html"),
        template_variables=variables,
    )


def resource(name: str) -> str:
    """A text file of this folder."""
    return (files("figures.report") / name).read_text(encoding="utf-8")


def script_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def shares_json() -> dict[str, Any]:
    """The slider's thresholds, and where it starts."""
    return {
        "mass": MASS_SHARES,
        "peak": PEAK_SHARES,
        "massStart": TWO_SIGMA,
        "peakStart": LUO_SHARE,
    }


def colors_json() -> dict[str, list[str]]:
    """Colour of each level of the field, of a layer's response, of a patch's reach."""
    scale, overlay = ShareScale(), overlay_colors()
    shares = np.array([0.0, *PEAK_SHARES])
    return {
        "field": [to_hex(color, keep_alpha=True) for color in overlay(scale.norm(shares))],
        "activation": [to_hex(color) for color in colormaps["cividis"](np.linspace(0, 1, 256))],
        "reach": [to_hex(color) for color in colormaps["inferno"](np.linspace(0, 1, 256))],
    }


def gradient() -> str:
    """The field's colours as CSS, from 1 % to 100 % of the peak."""
    colors = overlay_colors()(np.linspace(0, 1, 17))
    return ", ".join(to_hex(color, keep_alpha=True) for color in colors)


def provenance(result: UnitResult | LayerResult) -> dict[str, str]:
    """Everything that made a result, as indented JSON under a title."""
    values: dict[str, Any] = {"target": asdict(result.target), "draws": result.draws}
    if isinstance(result, UnitResult) and result.theory is not None:
        values["theory"] = asdict(result.theory)
    values |= result.provenance
    text = json.dumps(values, indent=2, default=str, ensure_ascii=False)
    seed = result.settings.seed
    title = f"{result.model_name}, {result.target}, {result.image_name}, seed {seed}"
    return {"title": title, "text": text}
