"""What a package exports: all that its contents page imports, in order, hiding no module."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import parsenet

PACKAGES = ["parsenet"] + [
    module.name for module in pkgutil.walk_packages(parsenet.__path__, "parsenet.") if module.ispkg
]


def imported_names(package):
    """Names that the ``__init__`` of a package brings in, by reading its text."""
    tree = ast.parse(Path(importlib.import_module(package).__file__).read_text("utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return [name.asname or name.name for node in imports for name in node.names]


def place(name):
    """Constants, then classes, then functions; numbers within names by their value."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def test_there_are_packages_to_look_at():
    assert {"parsenet.datasets", "parsenet.scenes", "parsenet.training.recipes"} <= set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_exported_name_hides_a_module(package):
    module = importlib.import_module(package)
    modules = {found.name for found in pkgutil.iter_modules(module.__path__)}
    assert not modules & set(module.__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_all_that_is_imported_is_exported_in_order(package):
    exported = importlib.import_module(package).__all__
    assert exported == sorted(exported, key=place)
    assert sorted(exported) == sorted(imported_names(package))
