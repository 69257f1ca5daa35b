"""Names: an exported one never hides its module, and `__all__` is what a package imports."""

import ast
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import figures

PACKAGES = [
    "figures",
    *(each.name for each in pkgutil.walk_packages(figures.__path__, "figures.") if each.ispkg),
]


def imported(package):
    """Public names that a package's own file imports."""
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    names = [
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    return [name for name in names if not name.startswith("_")]


def test_there_is_more_than_one_package():
    assert PACKAGES == ["figures", "figures.explorer", "figures.report"]


@pytest.mark.parametrize("name", PACKAGES)
def test_no_exported_name_is_that_of_a_module(name):
    package = import_module(name)
    modules = {each.name for each in pkgutil.iter_modules(package.__path__)}
    assert modules
    assert not modules & set(package.__all__)


@pytest.mark.parametrize("name", PACKAGES)
def test_all_is_what_is_imported(name):
    package = import_module(name)
    assert sorted(package.__all__) == sorted(imported(package))
    assert len(set(package.__all__)) == len(package.__all__)
