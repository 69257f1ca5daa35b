"""``erf compare``: sizes side by side, their ratio and whether it is more than chance."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.arguments.setting import Names

if TYPE_CHECKING:
    from erf import Comparison
    from erf.measures import Compared


@click.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--criterion", type=Names("erf.measures", "SIZES"), default="mass")
@click.option("--share", type=float, help="Of mass or peak.  [default: the criterion's own]")
@click.option("--level", type=float, default=0.95, help="Of the intervals.")
@click.option("--json", "as_json", is_flag=True, help="All numbers, as JSON.")
def compare(
    results: tuple[Path, ...], criterion: str, share: float | None, level: float, as_json: bool
) -> None:
    """Compare the fields in RESULTS with the first of them.

    Each is a result, or a folder of results of one unit on many images. Over several images the
    difference is tested between images, paired where they are the same; with one image each only
    the draws are known, and nothing is said about other images.
    """
    import erf
    from erf.measures import fields_of
    from erf.study import named_paths, open_results

    rows = erf.compare(
        {name: fields_of(open_results(path)) for name, path in named_paths(results).items()},
        criterion=criterion,
        share=share,
        level=level,
    )
    if as_json:
        click.echo(rows.to_json())
        return
    _print(rows)


def _print(rows: Comparison) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    first = rows[0]
    table = Table(box=box.SIMPLE)
    table.add_column("result", overflow="fold")
    for name in ("side, px", _covers(rows), "of theory", "area ratio"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for row in rows:
        found = row.measurement
        theory = found.share_of_theory
        table.add_row(
            row.name if row.images == 1 else f"{row.name} ({row.images} images)",
            _with_interval(found.side, found.interval("side"), 0),
            f"{100 * found.share_of_image:.1f} %",
            "" if theory is None else f"{100 * theory:.1f} %",
            *_ratio(row),
        )
    console = Console(markup=False)
    console.print(table)
    console.print(f"size: {first.measurement.size().meaning}", highlight=False, soft_wrap=True)
    console.print(f"ratios: to {first.name}; {_method(rows)}", highlight=False, soft_wrap=True)


def _covers(rows: Comparison) -> str:
    """Of what the sizes are shares: an average around units has a map of its own."""
    recentred = [row.measurement.recentred for row in rows]
    return "of map" if all(recentred) else "of image or map" if any(recentred) else "of image"


def _with_interval(value: float, interval: tuple[float, float] | None, digits: int) -> str:
    """The value, below it its interval."""
    if interval is None:
        return f"{value:.{digits}f}"
    low, high = interval
    return f"{value:.{digits}f}\n{low:.{digits}f} to {high:.{digits}f}"


def _ratio(row: Compared) -> tuple[str, str]:
    """Ratio with interval, and the verdict."""
    ratio = row.ratio
    if ratio is None:
        return "1", ""
    if math.isnan(ratio.p_adjusted):
        return f"{ratio.value:.2f}", "spread unknown"
    verdict = "differs" if ratio.significant else "no difference seen"
    return (
        _with_interval(ratio.value, (ratio.low, ratio.high), 2),
        f"{verdict}\n{_p(ratio.p_adjusted)}",
    )


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def _method(rows: Comparison) -> str:
    words = {
        "paired": "t test paired over the same images",
        "images": "Welch's t test over different images",
        "draws": "z test over draws, about these images only",
    }
    methods = dict.fromkeys(row.ratio.method for row in rows if row.ratio is not None)
    return "; ".join(words[each] for each in methods)
