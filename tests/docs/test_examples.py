"""What people read runs: README's Python, and the examples of docstrings."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import erf
from erf.measures import PRESETS, SIZES
from erf.stimulus import STIMULI

ROOT = Path(erf.__file__).parent.parent


def modules(name: str) -> list[str]:
    top = importlib.import_module(name)
    return [name, *(found.name for found in pkgutil.walk_packages(top.__path__, f"{name}."))]


def with_examples(module: ModuleType) -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for test in finder.find(module, module.__name__) if test.examples]


NAMES = [
    name
    for package in ("erf", "figures", "parsenet")
    for name in modules(package)
    if not name.endswith("__main__")
]


@pytest.mark.parametrize("name", NAMES)
def test_examples_of_docstrings_give_what_they_say(name):
    torch.manual_seed(0)
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in with_examples(module):
        output: list[str] = []
        runner.run(test, out=output.append)
        assert not output, "".join(output)


@pytest.mark.parametrize(
    "thing",
    [
        *(erf.probe, erf.probe_layers, erf.probe_units, erf.gradient_field, erf.occlusion_field),
        *(erf.theory, erf.layers, erf.measure, erf.average, erf.calibrate, erf.compare),
        *(erf.preset, erf.save, erf.until, erf.Subject, erf.Noise, erf.Occlusion, erf.Gradient),
        *(erf.tiling, erf.tiled, erf.margin_curves),
        *(erf.unit_sizes, erf.LayerResult.unit, erf.TheoreticalField.unit),
    ],
    ids=lambda thing: thing.__qualname__,
)
def test_what_a_user_enters_by_has_an_example(thing):
    assert ">>> " in (thing.__doc__ or "")


def test_what_the_page_on_extending_registers_works():
    """All blocks but that of an operator of a library that is not there (see test_operators)."""
    text = (ROOT / "docs" / "extending.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    known: dict[str, object] = {}
    try:
        for block in blocks:
            if "mylib" not in block:
                exec(compile(block, "extending.md", "exec"), known)
        model, image = nn.Sequential(nn.Conv2d(3, 4, 3)), torch.randn(3, 24, 24)
        result = erf.probe(model, image, "0", patch=8, stimulus="stripes")
        assert erf.measure(result, criterion="heard").area == 64 * (result.discrepancy > 0).sum()
        assert erf.preset("brightest", result).values["peak"] == result.discrepancy.max()
    finally:
        STIMULI.remove("stripes")
        SIZES.remove("heard")
        PRESETS.remove("brightest")
    assert len(blocks) == 5


def test_the_readmes_python_runs(tmp_path, monkeypatch):
    """Its blocks in order, in one name space, on a model and a photo of the kind they speak of."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv5_3 = nn.Conv2d(3, 8, 5, stride=8, padding=2)
            self.fc7 = nn.Conv2d(8, 16, 3, padding=1)

        def forward(self, x):
            return self.fc7(torch.relu(self.conv5_3(x)))

    known = {"model": Net(), "image": torch.randn(3, 128, 128), "photo": torch.randn(3, 128, 128)}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), known)
    assert (tmp_path / "run.zarr").exists()


def test_the_page_on_models_runs(tmp_path, monkeypatch):
    (block,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "models.md").read_text(), re.DOTALL
    )
    Image.fromarray(np.zeros((120, 130, 3), np.uint8)).save(tmp_path / "cat.jpg")
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "models.md", "exec"), {"erf": erf})


def test_the_page_on_tiles_prints_what_it_says(capsys):
    page = (ROOT / "docs" / "tiles.md").read_text()
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "tiles.md", "exec"), {})
        assert capsys.readouterr().out.splitlines() == re.findall(r"print\(.*\)  # (.*)", block)
