"""How `erf probe` without arguments ends: what global context does to a unit's field."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import erf

SHIPPED = {"no fusion": "none", "late fusion": "late"}
LAYER, PATCH, DRAWS, SIGMA = "score", 32, 2, 25.0


def compare_shipped(folder: Path) -> None:
    """Probe the class scores of the shipped checkpoints with and without context, and compare.

    Args:
        folder: of the run; gets ``comparison/``, ``comparison.png`` and ``report.html``.
    """
    import erf
    import figures
    from erf.atomic import write_text
    from figures.report import report_page

    click.echo("\nAnd with global context? The centre unit's class scores:")
    results = {
        title: _probe(name, folder / "comparison" / f"{name}.zarr")
        for title, name in SHIPPED.items()
    }
    for title, result in results.items():
        click.echo(f"  {title:<11}  {erf.measure(result).summary}")
    figures.save(figures.compare_figure(results), folder / "comparison.png")
    click.echo(f"figure  {folder / 'comparison.png'}")
    page = report_page(results, title="With and without global context")
    click.echo(f"page    {write_text(folder / 'report.html', page)}")


def _probe(name: str, place: Path) -> erf.UnitResult:
    import erf
    from cli.arguments.picture import usual_photo

    loaded = erf.load_model(name)
    settings = erf.Noise(patch=PATCH, draws=DRAWS, sigma=loaded.input_space.sigma(SIGMA))
    subject = loaded.subject(erf.read_photo(usual_photo()))
    result = subject.probe(LAYER, settings, progress=True)
    assert isinstance(result, erf.UnitResult)
    erf.save(result, place)
    return result
