"""The file in a training's folder that says what is trained, and by which it goes on."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from parsenet.atomic import whole_file
from parsenet.errors import TrainingError
from parsenet.training.experiment import Experiment

CONFIG = "config.toml"
LEFT = (f".{CONFIG}.", f"{CONFIG}.writing")
"""How names begin that a writer left which was killed, of this version and earlier ones."""


def write_config(experiment: Experiment, folder: Path) -> None:
    """Write what repeats the training; killed meanwhile, it leaves no half of it.

    Raises:
        TrainingError: if it cannot be written.
    """
    try:
        with whole_file(folder / CONFIG) as staging:
            staging.write_text(experiment.to_toml(), "utf-8")
    except OSError as error:
        raise TrainingError(f"{folder}: cannot be written: {error}") from error


def read_config(path: str | os.PathLike[str]) -> Experiment:
    """Read the configuration in a training's folder, or a file of one.

    Raises:
        TrainingError: if there is none, or it is damaged.
    """
    file = Path(path, CONFIG) if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise TrainingError(f"{file}: no such file; a training writes it when it begins")
    try:
        return Experiment.from_toml(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{file}: cannot be read: {error}") from error


def check_folder(folder: Path, experiment: Experiment) -> None:
    """Refuse a folder in which this experiment can neither begin nor go on.

    Data may lie elsewhere by now: its root may differ.

    Raises:
        TrainingError: if the training there has ended or is another, or the folder holds something
            else.
    """
    if (folder / f"{experiment.name}.safetensors").exists():
        raise TrainingError(f"{folder}: this training has ended")
    if (folder / CONFIG).is_file():
        before, now = _values(read_config(folder)), _values(experiment)
        for name, value in now.items():
            if before[name] != value:
                raise TrainingError(
                    f"{folder}: its training has {name} {before[name]!r}, not {value!r}"
                )
    elif folder.exists() and any(not path.name.startswith(LEFT) for path in _list(folder)):
        raise TrainingError(f"{folder}: holds something other than a training; name a new folder")


def _values(experiment: Experiment) -> dict[str, Any]:
    """Return what decides a training as its file has it, the recipe's values by their names."""
    values = asdict(Experiment.from_toml(experiment.to_toml()))
    recipe = values.pop("recipe")
    del values["root"], recipe["description"]
    return values | recipe


def _list(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise TrainingError(f"{folder}: cannot be read: {error}") from error
