"""``erf train``: train a small ParseNet on generated scenes and score how far it hears."""

from __future__ import annotations

import shlex
from itertools import count
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cli.number import FiniteRange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console
    from torch import nn

    from parsenet.recipe import Recipe
    from parsenet.scenes import SceneScores, SceneSpec

# Scenes that the trained model is scored on; the same for every seed.
SCORED_SCENES = 200
SCORED_SEED = 0


@click.command()
@click.option(
    "--fusion", type=click.Choice(["none", "early", "late"]), default="late", show_default=True
)
@click.option(
    "--normalize/--no-normalize", default=True, show_default=True, help="L2-normalise features."
)
@click.option(
    "--width",
    type=FiniteRange(min=0, max=1, min_open=True),
    default=0.125,
    show_default=True,
    help="Channels, as a share of VGG-16's.",
)
@click.option("--iterations", type=click.IntRange(min=1), default=500, show_default=True)
@click.option("--batch-size", type=click.IntRange(min=1), default=8, show_default=True)
@click.option(
    "--learning-rate",
    type=FiniteRange(min=0, max=1, min_open=True),
    default=0.003,
    show_default=True,
    help="At the start; it falls to 0 (poly, power 0.9).",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option(
    "--size", type=click.IntRange(64, 2048), default=384, show_default=True, help="Pixels a side."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="New .safetensors file.  [default: erf-runs/parsenet-FUSION.safetensors]",
)
@click.pass_context
def train(
    ctx: click.Context,
    fusion: str,
    normalize: bool,
    width: float,
    iterations: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    size: int,
    out: Path | None,
) -> None:
    """Train a small ParseNet on generated scenes.

    An object's class hangs on a sun or moon elsewhere in its scene: without global context a
    network can only guess it where that is out of hearing. Ends with scores by that distance, and
    writes a checkpoint for `erf probe`.
    """
    path = claim_file(out, f"parsenet-{fusion}")

    import torch
    from rich.console import Console

    from parsenet.recipes import recipe as named_recipe
    from parsenet.scenes import CLASSES, SceneSpec
    from parsenet.variants import build

    # Dropout is for many passes over few images; here no image comes twice.
    options = {
        "width": width,
        "batch_norm": True,
        "dropout": False,
        "fusion": fusion,
        "normalize": normalize,
    }
    torch.manual_seed(seed)
    model = build("parsenet", classes=len(CLASSES), **options)
    spec = SceneSpec(seed=seed, size=size)
    recipe = named_recipe("scenes").override(
        max_iter=iterations, batch_size=batch_size, base_lr=learning_rate, seed=seed
    )
    console = Console()
    _fit(model, spec, recipe, console)
    scores = _score(model, size)
    _report(scores, console)
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(model, options, path, _provenance(_command(ctx), spec, recipe, scores))
    console.print(f"[bold]{path}[/]  probe it: erf probe {shlex.quote(str(path))}", soft_wrap=True)


def claim_file(out: Path | None, name: str) -> Path:
    """Name the file of a checkpoint, not made yet.

    Raises:
        click.BadParameter: when the place is taken, or its name does not end in ``.safetensors``.
    """
    if out is None:
        places = (
            Path("erf-runs", f"{name}{'' if n == 1 else f'-{n}'}.safetensors") for n in count(1)
        )
        return next(place for place in places if not place.exists())
    if out.suffix != ".safetensors":
        raise click.BadParameter(f"--out {out}: a checkpoint's name ends in .safetensors")
    if out.exists():
        raise click.BadParameter(f"--out {out}: exists; name a new file")
    return out


def _fit(model: nn.Module, spec: SceneSpec, recipe: Recipe, console: Console) -> None:
    """Train, with a progress bar."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from parsenet.scenes import SceneSamples, class_weights
    from parsenet.train import Trainer

    progress = Progress(
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}  rate {task.fields[rate]:.1e}  left"),
        TimeRemainingColumn(),
        console=console,
    )
    with progress:
        bar = progress.add_task(
            "training", total=recipe.max_iter, loss=float("nan"), rate=recipe.rate(0)
        )
        smooth = None
        for step in Trainer(model, SceneSamples(spec), recipe, class_weights=class_weights(spec)):
            smooth = step.loss if smooth is None else 0.95 * smooth + 0.05 * step.loss
            progress.update(bar, completed=step.iteration, loss=smooth, rate=step.learning_rate)


def _score(model: nn.Module, size: int) -> SceneScores:
    """Score on scenes that no training has seen."""
    from parsenet.scenes import HELD_OUT, SceneSpec, score_scenes

    spec = SceneSpec(seed=SCORED_SEED, size=size)
    return score_scenes(model, spec, first=HELD_OUT, scenes=SCORED_SCENES)


def _report(scores: SceneScores, console: Console) -> None:
    """Print the scores per class and by cue distance."""
    from rich import box
    from rich.table import Table

    from parsenet.scenes import CLASSES

    classes = Table("class", box=box.SIMPLE_HEAD, title=f"IoU on {scores.scenes} unseen scenes")
    classes.add_column("IoU", justify="right")
    for name, iou in zip(CLASSES, scores.whole.iou, strict=True):
        classes.add_row(name, f"{iou:.3f}")
    classes.add_section()
    classes.add_row("mean", f"{scores.whole.mean_iou:.3f}", style="bold")
    console.print(classes)
    bands = Table("cue at, px", box=box.SIMPLE_HEAD, title="Objects by distance to their cue")
    for title in ("objects", "mean IoU", "cue right"):
        bands.add_column(title, justify="right")
    for band in scores.bands:
        reach = f"{band.near:.0f} to {band.far:.0f}" if band.far < 1e9 else f"{band.near:.0f} on"
        bands.add_row(reach, str(band.objects), f"{band.mean_iou:.3f}", f"{band.cue_accuracy:.3f}")
    console.print(bands)
    console.print("cue right: share of the pixels of the right shape; guessing gives 0.5")


def _command(ctx: click.Context) -> str:
    """Return the command line that was given, but for where it wrote."""
    words = ["erf", "train"]
    for option in ctx.command.params:
        name = option.name or ""
        if name == "out" or ctx.get_parameter_source(name) != ParameterSource.COMMANDLINE:
            continue
        value = ctx.params[name]
        if isinstance(value, bool):
            words.append(option.opts[0] if value else option.secondary_opts[0])
        else:
            words += [option.opts[0], str(value)]
    return shlex.join(words)


def _provenance(
    command: str, spec: SceneSpec, recipe: Recipe, scores: SceneScores
) -> Mapping[str, Any]:
    """Return how the model was trained, for the checkpoint's metadata."""
    from dataclasses import asdict
    from importlib.metadata import version

    from parsenet.scenes import CLASSES

    return {
        "command": command,
        "data": {"scenes": {"seed": spec.seed, "size": spec.size}},
        "recipe": asdict(recipe),
        "software": {name: version(name) for name in ("erf-probe", "torch", "numpy")},
        "scores": {
            "scenes": scores.scenes,
            "mean_iou": known(scores.whole.mean_iou),
            "iou": dict(zip(CLASSES, map(known, scores.whole.iou), strict=True)),
            "by_cue_distance": [
                {
                    "from": band.near,
                    "objects": band.objects,
                    "mean_iou": known(band.mean_iou),
                    "cue_accuracy": known(band.cue_accuracy),
                }
                for band in scores.bands
            ],
        },
    }


def known(score: float) -> float | None:
    """Return a score as JSON takes it: None where there was nothing to score."""
    return None if isnan(score) else float(score)


def _save(
    model: nn.Module, options: Mapping[str, Any], path: Path, training: Mapping[str, Any]
) -> None:
    from parsenet.checkpoint import Checkpoint, save_checkpoint
    from parsenet.scenes import CLASSES, INPUT_SPACE

    checkpoint = Checkpoint(
        "parsenet",
        options,
        CLASSES,
        INPUT_SPACE.mean,
        INPUT_SPACE.std,
        INPUT_SPACE.channel_order,
        training,
        model=model,
    )
    save_checkpoint(checkpoint, path)
