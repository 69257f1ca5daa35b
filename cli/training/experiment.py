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
    from parsenet.training import Experiment, Processes

OPTIONS = ("backbone", "fusion", "normalize", "context", "width", "batch_norm", "dropout")
OVERRIDES = {
    "iterations": "max_iter",
    "batch_size": "batch_size",
    "learning_rate": "base_lr",
    "seed": "seed",
}
# What may be asked anew each time: it does not change what a training comes to.
FREE = (
    "root",
    "features",
    "snapshot_every",
    "keep",
    "score_every",
    "score_split",
    "score_limit",
    "probe_every",
    "probe_layer",
    "probe_unit",
    "probe_image",
    "probe_patch",
    "probe_draws",
    "workers",
    "device",
)


def asked_experiment(
    ctx: click.Context, asked: Mapping[str, Any]
) -> tuple[Experiment, Path | None]:
    """Return what is to be trained, and the folder where it has begun already if it has."""
    from parsenet.training import read_config

    resume, config = asked["resume"], asked["config"]
    if resume is None and config is None:
        return _resolve(asked), None
    _refuse_others(ctx, "--resume" if resume is not None else "--config")
    experiment = read_config(resume / "config.toml" if resume is not None else config)
    if asked["root"] is not None:  # data may lie elsewhere by now, or on another machine
        experiment = replace(experiment, root=str(asked["root"]))
    return experiment, resume


def agreed_folder(out: Path | None, name: str, processes: Processes) -> Path:
    """Claim a folder for a new training; the first process does and tells the others."""
    from erf.study import new_place

    return Path(processes.told(str(new_place(out, name)) if processes.first else ""))


def _resolve(asked: Mapping[str, Any]) -> Experiment:
    """Return the experiment of what was asked for, everything else at its default."""
    from parsenet.training import named_recipe, usual_experiment, usual_recipe, usual_split
    from parsenet.training.recipe import parse_setting

    variant, data, root, local = (asked[name] for name in ("variant", "data", "root", "local"))
    variant = "backbone" if asked["backbone"] else variant
    if data == "scenes" and root is not None:
        raise click.BadParameter(f"--root {root}: scenes are generated; name --data too")
    options = {name: asked[name] for name in OPTIONS} | {"local": local and local.split(",")}
    changed = {name: asked[option] for option, name in OVERRIDES.items()} | dict(
        map(parse_setting, asked["settings"])
    )
    recipe = named_recipe(asked["recipe"]) if asked["recipe"] else usual_recipe(variant, data)
    usual = usual_experiment(
        variant,
        data=data,
        root="" if root is None else str(root),
        split=asked["split"] or (usual_split(data, asked["recipe"]) if asked["recipe"] else ""),
        size=asked["size"],
        init=asked["init"] or "",
        options={name: value for name, value in options.items() if value is not None},
        recipe=recipe.override(**{n: value for n, value in changed.items() if value is not None}),
    )
    return replace(usual, init_input=asked["init_input"] or "", freeze=asked["freeze"] or "")


def _refuse_others(ctx: click.Context, option: str) -> None:
    """Refuse options that a configuration which is there already has decided."""
    free = {*FREE, "resume", "config", "download"} | ({"out"} if option == "--config" else set())
    for parameter in ctx.command.params:
        if parameter.name not in free and _is_given(ctx, parameter):
            name = (parameter.name or "").replace("_", "-")
            raise click.BadParameter(f"{option} takes no {name}: that is settled")


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
