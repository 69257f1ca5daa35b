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
    from figures.report import report_page

    click.echo("\nAnd with global context? The centre unit's class scores:")
    results = {
        title: _probe(name, folder / "comparison" / f"{name}.zarr")
        for title, name in SHIPPED.items()
    }
    measured = [erf.measure(result) for result in results.values()]
    for name, found in zip(results, measured, strict=True):
        click.echo(f"  {name:<11}  {found.summary}")
    figure = figures.compare_figure(list(results.values()), measured, names=list(results))
    figures.save(figure, folder / "comparison.png")
    click.echo(f"figure  {folder / 'comparison.png'}")
    page = report_page(list(results.values()), measured, title="With and without global context")
    (folder / "report.html").write_text(page, encoding="utf-8")
    click.echo(f"page    {folder / 'report.html'}")


def _probe(name: str, place: Path) -> erf.ProbeResult:
    import erf
    from cli.arguments.model import load_model
    from cli.arguments.picture import load_picture

    loaded, picture = load_model(name), load_picture(None, None)
    result = erf.probe(
        loaded.model,
        loaded.input_space.tensor(picture),
        LAYER,
        patch=PATCH,
        stride=PATCH,
        draws=DRAWS,
        sigma=loaded.input_space.sigma(SIGMA),
        picture=picture,
        name=loaded.name,
        image_name="grace_hopper.jpg",
        progress=True,
    )
    erf.save(result, place)
    return result
