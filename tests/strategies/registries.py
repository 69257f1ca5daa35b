"""Registries that forget what a test has added."""

import pytest

from parsenet.datasets import DATASETS
from parsenet.training.recipes import RECIPES
from parsenet.variants import VARIANTS


@pytest.fixture
def registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is registered, by the test or by a plugin, end with the test."""
    for registry in (DATASETS, RECIPES, VARIANTS):
        monkeypatch.setattr(registry, "_things", dict(registry._things))
