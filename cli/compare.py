"""``erf compare``: sizes side by side, their ratio and whether it is more than chance."""

from __future__ import annotations

from pathlib import Path

import click

from cli.arguments.setting import Names
from cli.arguments.table import show_table

AXES = click.Choice(["model", "layer", "unit", "method"])


@click.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--criterion", type=Names("erf.measures", "SIZES"), default="mass")
@click.option("--share", type=float, help="Of mass or peak.  [default: the criterion's own]")
@click.option("--level", type=float, default=0.95, help="Of the intervals.")
@click.option("--by", type=AXES, help="Along which axis of a study.  [default: model]")
@click.option("--mixed", is_flag=True, help="Results may differ in patch, stimulus, image size.")
@click.option("--json", "as_json", is_flag=True, help="All numbers, as JSON.")
def compare(
    results: tuple[Path, ...],
    criterion: str,
    share: float | None,
    level: float,
    by: str | None,
    mixed: bool,
    as_json: bool,
) -> None:
    """Compare the fields in RESULTS with the first of them; of one study, along an axis.

    Each is a result, or a folder of results of one unit on many images. Over several images the
    difference is tested between images, paired where they are the same; with one image each only
    the draws are known, and nothing is said about other images. Files of `erf evaluate --json` are
    compared by their mean IoU, paired by photo, or by --group where that was evaluated.
    """
    if all(path.suffix == ".json" for path in results):
        from parsenet.evaluations import cells_of, compare_evaluations

        if by or mixed or share is not None or criterion != "mass":
            raise click.UsageError("--by, --criterion, --share, --mixed are of fields, not scores")
        scores = compare_evaluations(results, level=level)
        click.echo(scores.to_json()) if as_json else show_table(*cells_of(scores))
        return
    from erf.study import compare_folders
    from erf.study.comparing import cells_of as field_cells

    named = criterion if share is None else f"{criterion}:{share:g}"
    rows = compare_folders(results, by=by, criterion=named, level=level, mixed=mixed)
    click.echo(rows.to_json()) if as_json else show_table(*field_cells(rows))
