"""The package as it is met: names, an import that nothing beside a script disturbs, doors."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

import erf
from erf.registry import PluginWarning, load_plugins

ROOT = Path(erf.__file__).parent.parent


def packages(name: str) -> list[ModuleType]:
    top = importlib.import_module(name)
    inside = pkgutil.walk_packages(top.__path__, f"{name}.")
    return [top, *(importlib.import_module(module.name) for module in inside if module.ispkg)]


@pytest.mark.parametrize("package", packages("erf"), ids=lambda package: package.__name__)
def test_no_exported_name_hides_a_module(package):
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert modules.isdisjoint(getattr(package, "__all__", ()))


@pytest.mark.parametrize("package", packages("erf"), ids=lambda package: package.__name__)
def test_all_is_what_a_package_exports(package):
    names = getattr(package, "__all__", ())
    assert sorted(names) == sorted(set(names))
    shown = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert shown == set(names)


def test_the_version_is_the_distributions():
    from importlib.metadata import version

    assert erf.__version__ == version("erf-probe")


def run(script: Path, *args: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *args], cwd=script, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("what", ["empty folders", "modules that fail"])
def test_what_lies_beside_a_script_is_not_taken_for_ours(what, tmp_path):
    for name in ("figures", "cli", "parsenet"):
        if what == "empty folders":
            (tmp_path / name).mkdir()
        else:
            (tmp_path / f"{name}.py").write_text("raise RuntimeError('not yours')\n")
    for args in (
        ["-m", "erf", "--version"],
        ["-c", "from erf import figures, parsenet; print(figures.field_figure, parsenet.build)"],
    ):
        done = run(tmp_path, *args)
        assert done.returncode == 0, done.stderr
        assert done.stdout
    if what == "empty folders":
        plain = run(tmp_path, "-c", "import figures, parsenet; print(figures.__file__)")
        assert plain.stdout.strip() == str(ROOT / "figures" / "__init__.py"), plain.stderr
        assert run(tmp_path, "-m", "cli", "--version").returncode == 0


def test_a_name_taken_by_a_users_module_is_said_in_words(tmp_path):
    (tmp_path / "figures.py").write_text("mine = 1\n")
    done = run(tmp_path, "-c", "import figures, erf; print(figures.mine); erf.figures")
    assert done.stdout.strip() == "1"
    assert "is loaded under the name figures" in done.stderr


def test_a_package_brings_its_own_by_an_entry_point(tmp_path, monkeypatch):
    """A distribution with a stimulus, a size and a preset, and one that cannot be imported."""
    (tmp_path / "brought.py").write_text(
        "from erf.extend import PresetReport, preset, size, stimulus\n"
        "@stimulus('brought-black')\n"
        "def black(canvas, box, rng):\n"
        "    return -canvas.pixels(box)\n"
        "@size('brought-count', meaning='patches that are heard')\n"
        "def count(maps, cells, center, share):\n"
        "    return (maps > 0).sum(axis=(-2, -1)) * 1.0\n"
        "@preset\n"
        "def brought_sum(raw_map):\n"
        "    return PresetReport('brought_sum', raw_map.shape, {'sum': float(raw_map.sum())}, ())\n"
    )
    for name, module in (("brought", "brought"), ("broken", "nowhere.to_be_found")):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[erf.plugins]\n{name} = {module}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    load_plugins.cache_clear()
    torch.manual_seed(0)
    model, image = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1)), torch.randn(3, 24, 24)
    with pytest.warns(PluginWarning, match=r"plugin broken = nowhere.to_be_found cannot be loaded"):
        result = erf.probe(model, image, "0", patch=8, draws=1, stimulus="brought-black")
    constant = erf.probe(model, image, "0", patch=8, draws=1, stimulus="constant")
    assert (result.discrepancy == constant.discrepancy).all()
    assert erf.measure(result).size("brought-count").area == (result.discrepancy > 0).sum()
    assert erf.measure(result, criterion="brought-count").criterion == "brought-count"
    pixels = erf.preset("brought_sum", result).values["sum"]
    assert pixels == pytest.approx(64 * result.discrepancy.sum())


@pytest.fixture(autouse=True)
def forget():
    """Take out again what a test brought."""
    from erf.measures import PRESETS, SIZES
    from erf.stimulus import STIMULI

    yield
    for registry in (STIMULI, SIZES, PRESETS):
        for name in [name for name in registry if name.startswith("brought")]:
            registry.remove(name)
    load_plugins.cache_clear()
