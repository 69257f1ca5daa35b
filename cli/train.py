"""``erf train``: train a ParseNet or an FCN, by default a small one on generated scenes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.arguments.number import FiniteRange
from cli.training.experiment import (
    agreed_folder,
    asked_experiment,
    default_name,
    fetch_data,
    given_command,
    resuming_command,
    scoring_command,
)

if TYPE_CHECKING:
    from cli.training.run import TrainingRun
    from parsenet.training import Experiment, Prepared, Processes


@click.command()
@click.argument(
    "variant", type=click.Choice(["parsenet", "fcn32s", "fcn16s", "fcn8s"]), default="parsenet"
)
@click.option(
    "--data",
    default="scenes",
    show_default=True,
    metavar="NAME",
    help="scenes, voc2012, pascal-context, pascal-context-59, sift-flow, camvid or folder.",
)
@click.option("--root", type=click.Path(path_type=Path), help="Folder of the photos.")
@click.option("--split", default="train", show_default=True, help="train, trainaug, ...")
@click.option("--download", is_flag=True, help="Fetch the data first (voc2012).")
@click.option(
    "--recipe",
    metavar="NAME",
    help="parsenet-release, baseline-a, ...  [default: that of data or VARIANT]",
)
@click.option(
    "--init", metavar="WEIGHTS", help="File of trained weights, or torchvision's name of some."
)
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
@click.option("--iterations", type=click.IntRange(min=1), help="[default: the recipe's]")
@click.option("--batch-size", type=click.IntRange(min=1), help="[default: the recipe's]")
@click.option(
    "--learning-rate",
    type=FiniteRange(min=0, max=1, min_open=True),
    help="At the start.  [default: the recipe's]",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Any other value of the recipe."
)
@click.option(
    "--size",
    type=click.IntRange(64, 2048),
    default=384,
    show_default=True,
    help="Side of the scenes, pixels.",
)
@click.option(
    "--config", type=click.Path(path_type=Path), help="Repeat the training of this config.toml."
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    help="Go on in this folder of an interrupted training.",
)
@click.option(
    "--snapshot-every",
    type=click.IntRange(min=1),
    help="Iterations between snapshots.  [default: a twentieth of all, at most 500]",
)
@click.option(
    "--keep", type=click.IntRange(min=1), default=2, show_default=True, help="Snapshots to keep."
)
@click.option(
    "--score-every",
    type=click.IntRange(min=1),
    help="Score on other images every so many iterations, into metrics.jsonl.",
)
@click.option(
    "--score-split", default="val", show_default=True, help="Which images: val, test, ..."
)
@click.option(
    "--score-limit",
    type=click.IntRange(min=1),
    help="Only the first so many.  [default: 50 scenes, all photos]",
)
@click.option(
    "--probe-every",
    type=click.IntRange(min=1),
    help="Probe a unit every so many iterations: its field's growth, for `erf figure growth`.",
)
@click.option("--probe-layer", default="fc7", show_default=True, help="Layer of that unit.")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Processes that load images.  [default: up to 2, as cores allow]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="New or empty folder.  [default: erf-runs/VARIANT-FUSION]",
)
@click.option("--device", help="cpu, cuda, cuda:1, ...  [default: a GPU if there is one]")
@click.pass_context
def train(ctx: click.Context, /, **asked: Any) -> None:
    """Train VARIANT, by default a small ParseNet on generated scenes.

    In a scene an object's class hangs on a sun or moon elsewhere: without global context a network
    can only guess it where that is out of hearing. Ends with scores by that distance. The folder
    gets a checkpoint for `erf probe`, the configuration, metrics.jsonl, and snapshots from which
    an interrupted training goes on. Under torchrun the images of each iteration are shared out.
    """
    experiment, begun = asked_experiment(ctx, asked)

    from rich.console import Console

    from cli.arguments.device import find_device
    from cli.training.bar import training_bar
    from cli.training.memory import keep_freed_memory
    from cli.training.notes import noted
    from cli.training.outcome import save_outcome
    from parsenet.training import joined, prepare

    with joined(str(find_device(asked["device"]))) as processes, noted():
        if processes.device.type == "cpu":
            keep_freed_memory()
        console = Console(quiet=not processes.first)
        if asked["download"]:
            fetch_data(experiment, processes)
        prepared = prepare(experiment)
        if prepared.report:
            console.print(prepared.report, highlight=False, soft_wrap=True)
        folder = begun or agreed_folder(asked["out"], default_name(experiment), processes)
        run = _run(asked, experiment, prepared, folder, processes)
        try:
            with training_bar(experiment.recipe.max_iter, console) as show:
                for step in run.steps():
                    show(step)
        except KeyboardInterrupt:
            if processes.first:
                click.echo(f"go on with: {resuming_command(ctx, folder)}", err=True)
            raise
        if processes.first:
            path = folder / f"{default_name(experiment)}.safetensors"
            save_outcome(experiment, prepared, path, given_command(ctx), console)
            console.print(f"[bold]{path}[/]  probe it: erf probe {path}", soft_wrap=True)
            if experiment.data != "scenes":
                click.echo(f"score it: {scoring_command(experiment, path)}")


def _run(
    asked: Mapping[str, Any],
    experiment: Experiment,
    prepared: Prepared,
    folder: Path,
    processes: Processes,
) -> TrainingRun:
    """Return the training in its folder with all that is to be looked at on the way."""
    from cli.training.growth import GrowthProbe
    from cli.training.run import TrainingRun
    from cli.training.watching import scoring

    every, growth = asked["probe_every"], None
    if every and processes.first:
        growth = GrowthProbe(every, asked["probe_layer"], experiment.size, folder / "probes")
    return TrainingRun(
        experiment,
        prepared,
        folder,
        processes,
        workers=asked["workers"],
        snapshot_every=asked["snapshot_every"],
        keep=asked["keep"],
        scoring=scoring(
            experiment,
            prepared,
            every=asked["score_every"],
            split=asked["score_split"],
            limit=asked["score_limit"],
        ),
        growth=growth,
    )
