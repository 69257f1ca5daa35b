"""What `erf train` was asked for, resolved to an experiment."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from parsenet.training.experiment import Experiment
    from parsenet.training.processes import Processes

CONFIG = "config.toml"

# Small, with batch norm: a network for scenes. Dropout is for many passes over few images.
SCENE_OPTIONS = {"width": 0.125, "batch_norm": True, "dropout": False}
RECIPES = {"parsenet": "parsenet-release", "fcn32s": "fcn32s", "fcn16s": "fcn16s", "fcn8s": "fcn8s"}


def asked_experiment(ctx: click.Context, **asked: Any) -> tuple[Experiment, Path | None]:
    """Return what is to be trained, and the folder where it has begun already if it has."""
    from parsenet.training.experiment import Experiment

    resume, config = asked.pop("resume"), asked.pop("config")
    if resume is not None or config is not None:
        _refuse_others(ctx, "--resume" if resume is not None else "--config")
        file = resume / CONFIG if resume is not None else config
        if not file.is_file():
            raise click.BadParameter(f"{file}: no such file; a training writes it when it begins")
        experiment = Experiment.from_toml(file.read_text("utf-8"))
    else:
        experiment = _resolve(**asked)
    if resume is not None:
        if (resume / f"{default_name(experiment)}.safetensors").exists():
            raise click.BadParameter(f"--resume {resume}: this training has ended")
        return experiment, resume
    return experiment, None


def agreed_folder(out: Path | None, name: str, processes: Processes) -> Path:
    """Claim a folder for a new training; the first process does and tells the others."""
    from torch import distributed

    from cli.output import claim_folder

    told = [str(claim_folder(out, name)) if processes.first else ""]
    if processes.count > 1:
        distributed.broadcast_object_list(told)
    return Path(told[0])


def _resolve(
    *,
    variant: str,
    data: str,
    root: Path | None,
    split: str,
    recipe: str | None,
    init: str | None,
    size: int,
    seed: int,
    iterations: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    settings: tuple[str, ...],
    local: str | None,
    **options: Any,
) -> Experiment:
    """Return the experiment of what was asked for, everything else at its default."""
    from parsenet.training.experiment import Experiment
    from parsenet.training.recipe import parse_setting
    from parsenet.training.recipes import named_recipe

    options["local"] = None if local is None else local.split(",")
    given = {name: value for name, value in options.items() if value is not None}
    usual: Mapping[str, Any] = SCENE_OPTIONS if data == "scenes" else {}
    usual = {"fusion": "late", **usual} if variant == "parsenet" else usual
    overrides = {
        "max_iter": iterations,
        "batch_size": batch_size,
        "base_lr": learning_rate,
        "seed": seed,
    }
    fitting = "scenes" if data == "scenes" else RECIPES[variant]
    plan = named_recipe(recipe or fitting).override(
        **{name: value for name, value in overrides.items() if value is not None}
    )
    return Experiment(
        variant=variant,
        options={**usual, **given},
        data=data,
        root="" if root is None else str(root),
        split=split,
        size=size,
        init=init or "",
        recipe=plan.override(**dict(map(parse_setting, settings))),
    )


def _refuse_others(ctx: click.Context, option: str) -> None:
    """Refuse options that a configuration which is there already has decided."""
    free = {"resume", "config", "snapshot_every", "workers", "device"} | (
        {"out"} if option == "--config" else set()
    )
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if name not in free and ctx.get_parameter_source(name) == ParameterSource.COMMANDLINE:
            raise click.BadParameter(f"{option} takes no {name.replace('_', '-')}: that is settled")


def default_name(experiment: Experiment) -> str:
    """Return what the folder and the checkpoint are called by default."""
    fusion = experiment.options.get("fusion")
    return experiment.variant + (f"-{fusion}" if fusion else "")


def given_command(ctx: click.Context) -> str:
    """Return the command line that was given, but for where it wrote."""
    words = ["erf", "train"]
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if name == "out" or ctx.get_parameter_source(name) != ParameterSource.COMMANDLINE:
            continue
        value = ctx.params[name]
        if isinstance(parameter, click.Argument):
            words.append(str(value))
        elif isinstance(value, bool):
            words.append(parameter.opts[0] if value else parameter.secondary_opts[0])
        else:
            for one in value if isinstance(value, tuple) else (value,):
                words += [parameter.opts[0], str(one)]
    return shlex.join(words)
