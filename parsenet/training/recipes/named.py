"""Recipes by name: this package's, those that are registered, and anybody's TOML file."""

import os
import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from parsenet.errors import TrainingError
from parsenet.registry import Registry
from parsenet.training.recipe import Recipe

_OWN = (
    "parsenet-release",
    "fcn32s",
    "fcn16s",
    "fcn8s",
    "baseline-a",
    "baseline-b",
    "baseline-c",
    "baseline-d",
    "scenes",
)

RECIPES: Registry[Recipe | Traversable] = Registry(
    "recipe",
    TrainingError,
    {name: files("parsenet.training.recipes") / f"{name}.toml" for name in _OWN},
)
"""The recipes by name, or the TOML files that hold them; registered ones and plugins' too."""


def register_recipe(name: str, recipe: Recipe | Path) -> None:
    """Give a recipe, or the TOML file of one, a name.

    Raises:
        TrainingError: if the name is one of this package's own.
    """
    RECIPES.register(name, recipe)


def named_recipe(name: str | os.PathLike[str]) -> Recipe:
    """Return a recipe by its name, or the one in a TOML file.

    A file that names a ``base`` holds what it changes in that recipe, and a description; a base
    that is a file lies beside it.

    Args:
        name: one of ``RECIPES``, or a path that ends in ``.toml``.

    Raises:
        TrainingError: if there is none of this name, or the file cannot be read or is no recipe.
    """
    if not str(name).endswith(".toml"):
        found = RECIPES.find(str(name))
        return found if isinstance(found, Recipe) else _read(found, None)
    return _read(Path(name), Path(name).parent)


def _read(file: Traversable, folder: Path | None) -> Recipe:
    """Read a recipe; ``folder`` is where a base that is a file lies."""
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{file}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise TrainingError(f"{file}: is not TOML: {error}") from error
    if "base" not in values:
        return Recipe.from_table(values)
    base = values.pop("base")
    if not isinstance(base, str):
        raise TrainingError(f"{file}: base must be the name of a recipe, not {base!r}")
    if base.endswith(".toml") and folder is not None:
        base = str(folder / base)
    return named_recipe(base).override(**values)
