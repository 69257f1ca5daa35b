"""``erf figure``: saved results as figures for a paper."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.arguments.checkpoint import CHECKPOINT_HELP
from cli.arguments.file import claim_file
from cli.arguments.number import FiniteRange

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    import erf
    from figures.registry import FigureKind

Command = Callable[..., Any]

PATHS = click.Path(path_type=Path)


class Figures(click.Group):
    """The commands below, and one for each figure that is registered by ``figures.figure``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in alphabetical order."""
        from figures import FIGURES

        return sorted({*super().list_commands(ctx), *FIGURES})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        from figures import FIGURES

        found = super().get_command(ctx, cmd_name)
        return found or (registered(FIGURES.find(cmd_name)) if cmd_name in FIGURES else None)


@click.group(cls=Figures)
def figure() -> None:
    """Draw saved results: PNG, PDF or SVG, one column of a paper wide or two."""


def drawn(name: str, width: str) -> Callable[[Command], Command]:
    """The options that every figure has; what the command returns is written to --out.

    Nothing is computed where --out is taken or of a kind that cannot be written.
    """

    def add(command: Command) -> Command:
        @functools.wraps(command)
        def draw(out: Path, dpi: float, **options: Any) -> None:
            claim_file(out, {".png", ".pdf", ".svg"})
            drawing = command(**options)
            from figures import save

            click.echo(f"figure  {save(drawing, out, dpi=dpi)}")

        for option in (
            click.option("--dpi", type=FiniteRange(min=30, max=1200), default=300.0),
            click.option("--width", default=width, help="column, page or inches."),
            click.option(
                "--out",
                type=PATHS,
                default=Path(f"{name}.png"),
                help="New .png, .pdf or .svg file.",
            ),
        ):
            draw = option(draw)
        return draw

    return add


def open_units(paths: tuple[Path, ...], unit: str | None) -> list[erf.UnitResult]:
    """The results at paths and in folders, each narrowed to one unit."""
    from erf.geometry import parse_unit
    from erf.study import open_results
    from figures.unit import at_unit

    name = parse_unit(unit) if unit and ":" not in unit else None
    return [at_unit(result, name) for path in paths for result in open_results(path, unit)]


UNIT = click.option("--unit", help="Of a whole layer's result: center, max or ROW,COL.")


@figure.command()
@click.argument("result", type=PATHS)
@UNIT
@click.option(
    "--contour",
    "contours",
    multiple=True,
    default=("mass:0.9545", "mass:0.5"),
    help="mass:SHARE or peak:SHARE; repeat for more.",
)
@click.option("--scale", type=click.Choice(["log", "linear"]), default="log")
@drawn("field", "page")
def field(
    result: Path, unit: str | None, contours: tuple[str, ...], scale: str, width: str
) -> Figure:
    """Image, activation, theoretical field and empirical field of one unit.

    A folder of several results is drawn by `erf figure compare` instead.
    """
    from figures import Outline, ShareScale, field_figure

    opened = open_units((result,), unit)
    if len(opened) != 1:
        raise click.BadParameter(f"{result}: holds {len(opened)} results; name one of them")
    outlines = [Outline.parse(name) for name in contours]
    return field_figure(opened[0], width=width, outlines=outlines, scale=ShareScale(scale))


@figure.command()
@click.argument("results", nargs=-1, required=True, type=PATHS)
@UNIT
@click.option("--name", "names", multiple=True, help="Of each result.  [default: the model's]")
@drawn("compare", "page")
def compare(
    results: tuple[Path, ...], unit: str | None, names: tuple[str, ...], width: str
) -> Figure:
    """Fields side by side, their differences, profiles and sizes."""
    from figures import compare_figure

    opened = open_units(results, unit)
    if not names:
        return compare_figure(opened, width=width)
    if len(names) != len(opened) or len(set(names)) != len(names):
        raise click.BadParameter(
            f"--name: {len(set(names))} names for {len(opened)} results; each needs its own"
        )
    return compare_figure(dict(zip(names, opened, strict=True)), width=width)


def registered(kind: FigureKind) -> click.Command:
    """The command of a figure that is drawn of results alone, such as ``depth``."""

    @click.command(kind.name, help=kind.summary)
    @click.argument("results", nargs=-1, required=True, type=PATHS)
    @UNIT
    @drawn(kind.name, str(kind.width))
    def draw(results: tuple[Path, ...], unit: str | None, width: str) -> Figure:
        from erf.geometry import parse_unit
        from erf.study import open_results

        opened = [each for path in results for each in open_results(path, unit)]
        name = parse_unit(unit) if unit and ":" not in unit else None
        return kind.draw(opened, unit=name, width=width)

    assert isinstance(draw, click.Command)
    return draw


@figure.command()
@click.argument("runs", nargs=-1, required=True, type=PATHS)
@UNIT
@drawn("growth", "column")
def growth(runs: tuple[Path, ...], unit: str | None, width: str) -> Figure:
    """Size of the field during training.

    Each of RUNS is a folder of results; the last number in a result's path is its iteration.
    """
    from erf.geometry import parse_unit
    from erf.study import read_growth
    from figures import Growth, growth_figure

    name = parse_unit(unit) if unit and ":" not in unit else None
    curves = {
        run.name: [Growth.of(at, result, name) for at, result in read_growth(run)] for run in runs
    }
    return growth_figure(curves, width=width)


@figure.command()
@click.argument("runs", nargs=-1, required=True, type=PATHS)
@click.option("--score", default="mean_iou", help="Key of a score.")
@drawn("training", "page")
def training(runs: tuple[Path, ...], score: str, width: str) -> Figure:
    """Loss and scores of training RUNS, each a folder with metrics.jsonl or such a file."""
    from figures import training_figure
    from parsenet.training.journal import read_curves

    losses = {run.stem: read_curves(run, "loss") for run in runs}
    scores = {run.stem: read_curves(run, score) for run in runs}
    known = {name: curve for name, curve in scores.items() if curve}
    name = score.replace("_", " ").replace("iou", "IoU")
    return training_figure(losses, known, score_name=name, width=width)


@figure.command(epilog=CHECKPOINT_HELP)
@click.argument("checkpoint")
@click.option("--image", type=PATHS, help="Photo.  [default: Matplotlib's grace_hopper.jpg]")
@click.option("--positions", type=click.IntRange(min=1), default=200)
@click.option("--seed", type=click.IntRange(min=0), default=0)
@drawn("scales", "column")
def scales(checkpoint: str, image: Path | None, positions: int, seed: int, width: str) -> Figure:
    """L2 norms of the features that a network fuses, before and after it normalises them."""
    from cli.arguments.picture import load_picture
    from figures import scales_figure
    from parsenet import feature_norms
    from parsenet.shipment import open_checkpoint

    trained, picture = open_checkpoint(checkpoint), load_picture(image)
    norms = feature_norms(trained, picture, positions=positions, seed=seed)
    return scales_figure(*norms, width=width)


@figure.command(epilog=CHECKPOINT_HELP)
@click.argument("image", type=PATHS)
@click.argument("checkpoints", nargs=-1, required=True)
@click.option("--truth", type=PATHS, help="PNG whose pixel values are the labels.")
@drawn("segmentation", "page")
def segmentation(
    image: Path, checkpoints: tuple[str, ...], truth: Path | None, width: str
) -> Figure:
    """IMAGE, truth, what each of CHECKPOINTS calls its pixels, and a legend."""
    from cli.arguments.picture import load_picture
    from figures import predictions_figure
    from figures.colors import class_colors
    from parsenet import call_pixels
    from parsenet.class_colors import palette_of
    from parsenet.datasets.read import read_indices
    from parsenet.shipment import open_checkpoint

    picture = load_picture(image)
    stems = [Path(text).stem for text in checkpoints]
    if repeated := next((stem for stem in stems if stems.count(stem) > 1), None):
        raise click.BadParameter(f"two checkpoints are called {repeated}: name each once")
    opened = {stem: open_checkpoint(text) for stem, text in zip(stems, checkpoints, strict=True)}
    predictions, classes = call_pixels(opened, picture)
    label = None if truth is None else read_indices(truth)
    palette = class_colors(len(classes), palette_of(opened[stems[0]]))
    return predictions_figure(picture, predictions, classes, palette, truth=label, width=width)
