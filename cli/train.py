"""``erf train``: train a ParseNet or an FCN, by default a small one on generated scenes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.arguments.number import FiniteRange
from cli.training.experiment import (
    agreed_folder,
    asked_experiment,
    given_command,
    resuming_command,
    scoring_command,
)

if TYPE_CHECKING:
    from rich.console import Console
    from torch import nn

    from parsenet import Experiment, InputSpace, Processes, RunSettings, Trained
    from parsenet.training import Prepared

COUNT, PATH = click.IntRange(min=1), click.Path(path_type=Path)


@click.command()
@click.argument("variant", default="parsenet")
@click.option(
    "--data",
    default="scenes",
    metavar="NAME",
    help="scenes, voc2012, pascal-context, pascal-context-59, sift-flow, camvid or folder.",
)
@click.option("--root", type=PATH, help="Folder of the photos.")
@click.option("--split", help="[default: train; trainaug of voc2012 by parsenet-release]")
@click.option("--download", is_flag=True, help="Fetch the data first (voc2012).")
@click.option(
    "--recipe",
    metavar="NAME",
    help="parsenet-release, baseline-a, ... or a .toml file.  [default: that of data or VARIANT]",
)
@click.option(
    "--init", metavar="WEIGHTS", help="File of trained weights, or torchvision's name of some."
)
@click.option(
    "--init-input",
    metavar="SPACE",
    help="Of --init: caffe, imagenet, unit or grey. [default: usual]",
)
@click.option("--freeze", type=click.Choice(["trunk"]), help="Train the head alone.")
@click.option("--features", type=PATH, help="Of a frozen trunk, kept here.")
@click.option("--backbone", metavar="NAME", help="ParseNet's head on resnet50, timm:NAME, ...")
@click.option("--fusion", type=click.Choice(["none", "early", "late"]), help="[default: late]")
@click.option(
    "--normalize/--no-normalize", default=None, help="L2-normalise features.  [default: yes]"
)
@click.option("--context", metavar="LAYER", help="Layer that is averaged, or none.  [default: fc7]")
@click.option("--local", metavar="LAYERS", help="Local features, as fc7,conv5_3.  [default: fc7]")
@click.option(
    "--width",
    type=FiniteRange(min=0, max=1, min_open=True),
    help="Share of VGG-16's channels.  [default: 0.125 on scenes, else 1]",
)
@click.option("--batch-norm/--no-batch-norm", default=None, help="[default: on scenes]")
@click.option("--dropout/--no-dropout", default=None, help="[default: not on scenes]")
@click.option("--iterations", type=COUNT, help="[default: the recipe's]")
@click.option("--batch-size", type=COUNT, help="[default: the recipe's]")
@click.option(
    "--learning-rate",
    type=FiniteRange(min=0, max=1, min_open=True),
    help="At the start.  [default: the recipe's]",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0)
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Any other value of the recipe."
)
@click.option(
    "--size",
    type=click.IntRange(64, 2048),
    default=384,
    help="Side of the scenes, pixels.",
)
@click.option("--config", type=PATH, help="Repeat the training of this config.toml.")
@click.option("--resume", type=PATH, help="Go on in this folder of an interrupted training.")
@click.option(
    "--snapshot-every",
    type=COUNT,
    help="Iterations between snapshots.  [default: a twentieth of all, at most 500]",
)
@click.option("--keep", default="2", help="Snapshots to keep; best: the best scored one too.")
@click.option(
    "--score-every",
    type=COUNT,
    help="Score on other images every so many iterations, into metrics.jsonl.",
)
@click.option("--score-split", default="val", help="Which images: val, test, ...")
@click.option(
    "--score-limit",
    type=COUNT,
    help="Only the first so many.  [default: 50 scenes, all photos]",
)
@click.option(
    "--probe-every",
    type=COUNT,
    help="Probe a unit every so many iterations: its field's growth, for `erf figure growth`.",
)
@click.option("--probe-layer", default="fc7", metavar="LAYERS", help="As fc7,conv5_3.")
@click.option("--probe-unit", default="center", help="center, max, ROW,COL or all.")
@click.option("--probe-image", type=PATH, help="[default: one of the data]")
@click.option("--probe-patch", type=COUNT, default=32, help="Pixels.")
@click.option("--probe-draws", type=COUNT, default=2, help="Per patch.")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Processes that load images.  [default: up to 2, as cores allow]",
)
@click.option("--out", type=PATH, help="New or empty folder.  [default: erf-runs/VARIANT-FUSION]")
@click.option("--device", help="cpu, cuda, cuda:1, ...  [default: a GPU if there is one]")
@click.pass_context
def train(ctx: click.Context, /, **asked: Any) -> None:
    """Train VARIANT, by default a small ParseNet on generated scenes.

    VARIANT is parsenet, fcn32s, fcn16s, fcn8s or a plugin's network.

    In a scene an object's class hangs on a sun or moon elsewhere: without global context a network
    can only guess it where that is out of hearing. Ends with scores by that distance. The folder
    gets a checkpoint for `erf probe`, the configuration, metrics.jsonl, and snapshots from which
    an interrupted training goes on. Under torchrun the images of each iteration are shared out.
    """
    experiment, begun = asked_experiment(ctx, asked)

    from rich.console import Console

    from cli.training.notes import noted
    from erf.device import find_device
    from parsenet import joined, prepare
    from parsenet.scenes.report import print_scores
    from parsenet.training import fetch_data

    with joined(str(find_device(asked["device"]))) as processes, noted():
        console = Console(markup=False, quiet=not processes.first)
        if asked["download"]:
            fetch_data(experiment, processes)
        prepared = prepare(experiment)
        if prepared.report:
            console.print(prepared.report, highlight=False, soft_wrap=True)
        folder = begun or agreed_folder(asked["out"], experiment.name, processes)
        trained = _trained(ctx, folder, experiment, prepared, processes, console)
        if trained.scores is not None:
            print_scores(trained.scores, console)
        console.print(f"{trained.path}  probe it: erf probe {trained.path}", soft_wrap=True)
        if experiment.data != "scenes" and processes.first:
            click.echo(f"score it: {scoring_command(experiment, trained.path)}")


def _trained(
    ctx: click.Context,
    folder: Path,
    experiment: Experiment,
    prepared: Prepared,
    processes: Processes,
    console: Console,
) -> Trained:
    """Train to the end; interrupted, say by which line it goes on."""
    from parsenet import train_into
    from parsenet.training.bar import training_bar

    run = _run_settings(ctx.params, experiment, processes)
    look = _growth(ctx.params, experiment, folder)
    begin = partial(train_into, folder, experiment, run=run, prepared=prepared, look=look)
    try:
        with training_bar(experiment.recipe.max_iter, console) as show:
            return begin(on_step=show, command=given_command(ctx))
    except KeyboardInterrupt:
        if processes.first:
            click.echo(f"go on with: {resuming_command(ctx, folder)}", err=True)
        raise


def _growth(
    asked: dict[str, Any], experiment: Experiment, folder: Path
) -> Callable[[nn.Module, InputSpace, int], None] | None:
    """What looks at the model while it is trained, if that was asked for."""
    if asked["probe_every"] is None:
        return None
    import erf
    from erf.photo import Photo
    from parsenet.training import usual_picture

    names = ("every", "layer", "image", "unit", "patch", "draws")
    every, layer, path, unit, patch, draws = (asked[f"probe_{name}"] for name in names)
    photo = erf.read_photo(path) if path is not None else Photo(*usual_picture(experiment))
    noise = erf.Noise(patch=patch, draws=draws)
    return erf.GrowthProbe(every, layer, photo, folder / "probes", noise, unit=unit).look


def _run_settings(
    asked: dict[str, Any], experiment: Experiment, processes: Processes
) -> RunSettings:
    """How the training runs, which changes nothing of what it learns."""
    from parsenet import RunSettings, usual_scoring
    from parsenet.training.settings import read_keep

    keep, best = read_keep(asked["keep"])
    every, split, limit = (asked[f"score_{name}"] for name in ("every", "split", "limit"))
    return RunSettings(
        processes=processes,
        workers=asked["workers"],
        snapshot_every=asked["snapshot_every"],
        keep=keep,
        keep_best=best,
        features=asked["features"],
        scoring=every and usual_scoring(experiment, every=every, split=split, limit=limit),
        keep_freed_memory=True,
    )
