"""``erf report``: results as one page to explore."""

from __future__ import annotations

from pathlib import Path

import click

from cli.arguments.file import claim_file


@click.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    help="New HTML file.",
)
@click.option("--title", default="Empirical receptive fields")
def report(results: tuple[Path, ...], out: Path, title: str) -> None:
    """Write RESULTS as one HTML page that needs no network and no other file.

    Results of whole layers (erf probe --unit all) let every unit be clicked and show whom a patch
    reaches; results of one unit carry intervals. Folders of results are taken whole.
    """
    claim_file(out, {".html"})

    from erf.atomic import write_text
    from erf.study import open_results
    from figures.report import report_page

    page = report_page([each for path in results for each in open_results(path)], title=title)
    write_text(out, page)
    click.echo(f"report  {out} ({out.stat().st_size / 1e6:.1f} MB)")
