"""The recipes that come with the package, one TOML file each, and how all are found by name."""

from parsenet.training.recipes.named import RECIPES, named_recipe, register_recipe

__all__ = ["RECIPES", "named_recipe", "register_recipe"]
