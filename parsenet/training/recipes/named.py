"""Recipes by name: those that come with the package, those of plugins, and anybody's TOML file."""

import tomllib
from importlib.resources import files

from parsenet.errors import TrainingError
from parsenet.training.recipe import Recipe

RECIPES = (
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


def named_recipe(name: str) -> Recipe:
    """Return a shipped recipe.

    A file that names a ``base`` holds what it changes in that recipe, and a description.

    Raises:
        TrainingError: if there is none of this name.
    """
    if name not in RECIPES:
        raise TrainingError(f"no recipe {name!r}; there are {', '.join(RECIPES)}")
    values = tomllib.loads((files("parsenet.training.recipes") / f"{name}.toml").read_text("utf-8"))
    if "base" not in values:
        return Recipe.from_table(values)
    base = named_recipe(values.pop("base"))
    return base.override(**values)
