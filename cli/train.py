"""``erf train``: train a ParseNet or an FCN, by default a small one on generated scenes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.experiment import CONFIG, agreed_folder, asked_experiment, default_name, given_command
from cli.number import FiniteRange

if TYPE_CHECKING:
    from rich.console import Console

    from cli.growth import GrowthProbe
    from parsenet.training.experiment import Experiment, Prepared
    from parsenet.training.processes import Processes

# Scenes that a model trained on scenes is scored on; the same for every seed.
SCORED_SCENES = 200
SCORED_SEED = 0


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
@click.option("--context", metavar="LAYER", help="Layer that is averaged.  [default: fc7]")
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
    default=100,
    show_default=True,
    help="Iterations.",
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
    default=0,
    show_default=True,
    help="Processes that load images.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="New or empty folder.  [default: erf-runs/VARIANT-FUSION]",
)
@click.option("--device", help="cpu, cuda, cuda:1, ...  [default: a GPU if there is one]")
@click.pass_context
def train(
    ctx: click.Context,
    /,
    snapshot_every: int,
    probe_every: int | None,
    probe_layer: str,
    workers: int,
    device: str | None,
    out: Path | None,
    **asked: Any,
) -> None:
    """Train VARIANT, by default a small ParseNet on generated scenes.

    In a scene an object's class hangs on a sun or moon elsewhere: without global context a network
    can only guess it where that is out of hearing. Ends with scores by that distance. The folder
    gets a checkpoint for `erf probe`, the configuration, metrics.jsonl, and snapshots from which
    an interrupted training goes on. Under torchrun the images of each iteration are shared out.
    """
    experiment, begun = asked_experiment(ctx, **asked)

    from rich.console import Console

    from cli.device import find_device
    from cli.growth import GrowthProbe
    from parsenet.training.experiment import prepare
    from parsenet.training.processes import joined

    with joined(str(find_device(device))) as processes:
        console = Console(quiet=not processes.first)
        prepared = prepare(experiment)
        if prepared.report:
            console.print(prepared.report, highlight=False)
        folder = begun or agreed_folder(out, default_name(experiment), processes)
        growth = None
        if probe_every and processes.first:
            growth = GrowthProbe(probe_every, probe_layer, experiment.size, folder / "probes")
        try:
            _fit(experiment, prepared, folder, snapshot_every, workers, processes, console, growth)
        except KeyboardInterrupt:
            if processes.first:
                click.echo(f"go on with: erf train --resume {shlex.quote(str(folder))}", err=True)
            raise
        if processes.first:
            path = folder / f"{default_name(experiment)}.safetensors"
            _save(experiment, prepared, path, given_command(ctx), console)
            console.print(f"[bold]{path}[/]  probe it: erf probe {path}", soft_wrap=True)


def _fit(
    experiment: Experiment,
    prepared: Prepared,
    folder: Path,
    snapshot_every: int,
    workers: int,
    processes: Processes,
    console: Console,
    growth: GrowthProbe | None = None,
) -> None:
    """Train in the folder, with a progress bar; go on from its last snapshot if it has one."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from parsenet.training.loop import train as training

    if processes.first:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG).write_text(experiment.to_toml(), "utf-8")
    recipe = experiment.recipe
    columns = (
        "loss {task.fields[loss]:.3f}  rate {task.fields[rate]:.1e}  "
        "{task.fields[speed]:.1f} images/s  left"
    )
    progress = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(columns),
        TimeRemainingColumn(),
        console=console,
        disable=not processes.first,
    )
    steps = training(
        prepared.model,
        prepared.data,
        recipe,
        input_space=prepared.input_space,
        class_weights=prepared.class_weights,
        folder=folder,
        resume=True,
        snapshot_every=snapshot_every,
        workers=workers,
        processes=processes,
    )
    if growth:
        growth.look(prepared.model, prepared.input_space, 0)
    with progress:
        bar = progress.add_task("", total=recipe.max_iter, loss=0.0, rate=recipe.rate(0), speed=0.0)
        loss = None
        for step in steps:
            loss = step.loss if loss is None else 0.95 * loss + 0.05 * step.loss
            speed = step.images / step.seconds
            progress.update(
                bar, completed=step.iteration, loss=loss, rate=step.learning_rate, speed=speed
            )
            if growth:
                growth.look(prepared.model, prepared.input_space, step.iteration)


def _save(
    experiment: Experiment, prepared: Prepared, path: Path, command: str, console: Console
) -> None:
    """Score a model of scenes, and write the checkpoint."""
    from dataclasses import asdict
    from importlib.metadata import version

    from cli.scene_report import plain_scores, print_scores
    from parsenet.checkpoint import Checkpoint, save_checkpoint
    from parsenet.scenes import HELD_OUT, SceneSpec, score_scenes

    settings = asdict(experiment)
    trained: dict[str, Any] = {
        "command": command,
        "recipe": settings.pop("recipe"),
        "experiment": settings,
        "software": {name: version(name) for name in ("erf-probe", "torch", "numpy")},
    }
    if experiment.data == "scenes":
        spec = SceneSpec(seed=SCORED_SEED, size=experiment.size)
        scores = score_scenes(prepared.model, spec, first=HELD_OUT, scenes=SCORED_SCENES)
        print_scores(scores, console)
        trained["scores"] = plain_scores(scores)
    space = prepared.input_space
    checkpoint = Checkpoint(
        experiment.variant,
        experiment.options,
        prepared.classes,
        space.mean,
        space.std,
        space.channel_order,
        trained,
        model=prepared.model,
    )
    save_checkpoint(checkpoint, path)
