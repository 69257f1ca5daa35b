"""What `erf train` was asked for, resolved to an experiment."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from parsenet.training import Experiment, Processes, Recipe

CONFIG = "config.toml"

# Small, with batch norm: a network for scenes. Dropout is for many passes over few images.
SCENE_OPTIONS = {"width": 0.125, "batch_norm": True, "dropout": False}
OPTIONS = ("fusion", "normalize", "context", "width", "batch_norm", "dropout")
OVERRIDES = {
    "iterations": "max_iter",
    "batch_size": "batch_size",
    "learning_rate": "base_lr",
    "seed": "seed",
}
# What may be asked anew each time: it does not change what a training comes to.
FREE = (
    "root",
    "snapshot_every",
    "keep",
    "score_every",
    "score_split",
    "score_limit",
    "probe_every",
    "probe_layer",
    "workers",
    "device",
)
RECIPES = {"parsenet": "parsenet-release", "fcn32s": "fcn32s", "fcn16s": "fcn16s", "fcn8s": "fcn8s"}


def asked_experiment(
    ctx: click.Context, asked: Mapping[str, Any]
) -> tuple[Experiment, Path | None]:
    """Return what is to be trained, and the folder where it has begun already if it has."""
    from parsenet.training import Experiment

    resume, config = asked["resume"], asked["config"]
    if resume is None and config is None:
        return _resolve(asked), None
    _refuse_others(ctx, "--resume" if resume is not None else "--config")
    file = resume / CONFIG if resume is not None else config
    if not file.is_file():
        raise click.BadParameter(f"{file}: no such file; a training writes it when it begins")
    experiment = Experiment.from_toml(file.read_text("utf-8"))
    if asked["root"] is not None:  # data may lie elsewhere by now, or on another machine
        experiment = replace(experiment, root=str(asked["root"]))
    if resume is not None and (resume / f"{default_name(experiment)}.safetensors").exists():
        raise click.BadParameter(f"--resume {resume}: this training has ended")
    return experiment, resume


def agreed_folder(out: Path | None, name: str, processes: Processes) -> Path:
    """Claim a folder for a new training; the first process does and tells the others."""
    from torch import distributed

    from cli.arguments.output import claim_folder

    told = [str(claim_folder(out, name)) if processes.first else ""]
    if processes.count > 1:
        distributed.broadcast_object_list(told)
    return Path(told[0])


def _resolve(asked: Mapping[str, Any]) -> Experiment:
    """Return the experiment of what was asked for, everything else at its default."""
    from parsenet.training import Experiment

    if asked["data"] == "scenes" and asked["root"] is not None:
        raise click.BadParameter(f"--root {asked['root']}: scenes are generated; name --data too")
    return Experiment(
        variant=asked["variant"],
        options=_options(asked),
        data=asked["data"],
        root="" if asked["root"] is None else str(asked["root"]),
        split=asked["split"],
        size=asked["size"],
        init=asked["init"] or "",
        recipe=_recipe(asked),
    )


def _options(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of the network."""
    local = asked["local"]
    given = {name: asked[name] for name in OPTIONS} | {"local": local and local.split(",")}
    usual: Mapping[str, Any] = SCENE_OPTIONS if asked["data"] == "scenes" else {}
    fusion = {"fusion": "late"} if asked["variant"] == "parsenet" else {}
    return {**fusion, **usual, **{name: v for name, v in given.items() if v is not None}}


def _recipe(asked: Mapping[str, Any]) -> Recipe:
    """Return the recipe that was named, or that fits data and network, with what is changed."""
    from parsenet.training import named_recipe
    from parsenet.training.recipe import parse_setting

    fitting = "scenes" if asked["data"] == "scenes" else RECIPES[asked["variant"]]
    changed = {name: asked[option] for option, name in OVERRIDES.items()}
    changed = {name: value for name, value in changed.items() if value is not None}
    settings = dict(map(parse_setting, asked["settings"]))
    return named_recipe(asked["recipe"] or fitting).override(**changed | settings)


def _refuse_others(ctx: click.Context, option: str) -> None:
    """Refuse options that a configuration which is there already has decided."""
    free = {*FREE, "resume", "config", "download"} | ({"out"} if option == "--config" else set())
    for parameter in ctx.command.params:
        if parameter.name not in free and _is_given(ctx, parameter):
            name = (parameter.name or "").replace("_", "-")
            raise click.BadParameter(f"{option} takes no {name}: that is settled")


def fetch_data(experiment: Experiment, processes: Processes) -> None:
    """Download what is missing of the data; the other processes wait for the first."""
    from parsenet.datasets import open_dataset

    if processes.first:
        open_dataset(experiment.data, experiment.root or None, experiment.split, download=True)
    processes.sum(0.0)


def default_name(experiment: Experiment) -> str:
    """Return what the folder and the checkpoint are called by default."""
    fusion = experiment.options.get("fusion")
    return experiment.variant + (f"-{fusion}" if fusion else "")


def given_command(ctx: click.Context) -> str:
    """Return the command line that was given, but for where it wrote."""
    return shlex.join(["erf", "train", *_words(ctx, lambda name: name != "out")])


def resuming_command(ctx: click.Context, folder: Path) -> str:
    """Return the command that goes on in a folder, with the same looks and files on the way."""
    given = _words(ctx, lambda name: name in FREE)
    return shlex.join(["erf", "train", "--resume", str(folder), *given])


def scoring_command(experiment: Experiment, checkpoint: Path) -> str:
    """Return the command that scores a model on photos of the data set that it was trained on."""
    where = ["--data", experiment.data, "--root", experiment.root]
    return shlex.join(["erf", "evaluate", str(checkpoint), *where])


def _words(ctx: click.Context, wanted: Callable[[str], bool]) -> list[str]:
    """Return what was given on the command line of some options, word by word."""
    words: list[str] = []
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if not wanted(name) or not _is_given(ctx, parameter):
            continue
        value = ctx.params[name]
        if isinstance(parameter, click.Argument):
            words.append(str(value))
        elif isinstance(value, bool):
            words.append(parameter.opts[0] if value else parameter.secondary_opts[0])
        else:
            for one in value if isinstance(value, tuple) else (value,):
                words += [parameter.opts[0], str(one)]
    return words


def _is_given(ctx: click.Context, parameter: click.Parameter) -> bool:
    return ctx.get_parameter_source(parameter.name or "") == ParameterSource.COMMANDLINE
