"""Plugins: distributions on the path with entry points of ``erf.plugins``."""

import sys
import warnings

import pytest

from parsenet import ModelError, PluginWarning, build, plugins
from parsenet.variants import VARIANTS
from strategies.registries import registries  # noqa: F401

NETWORK = """
import parsenet
from torch import nn

@parsenet.register_variant("thin")
def thin(*, classes):
    return nn.Conv2d(3, classes, 1)
"""


@pytest.fixture
def install(tmp_path, monkeypatch, registries):  # noqa: F811
    """Put a distribution with one module and its entry point on the path."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(plugins, "_asked", False)

    def install(name, text):
        (tmp_path / f"{name}_module.py").write_text(text)
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        points = f"[erf.plugins]\n{name}-networks = {name}_module\n"
        (folder / "entry_points.txt").write_text(points)
        monkeypatch.delitem(sys.modules, f"{name}_module", raising=False)

    return install


def test_a_plugin_is_loaded_when_a_name_is_not_found(install):
    install("thin", NETWORK)
    build("fcn32s", classes=2, width=1 / 64)
    assert "thin_module" not in sys.modules
    assert build("thin", classes=4).out_channels == 4


def test_a_plugin_is_loaded_when_names_are_listed_and_only_once(install, tmp_path):
    count = "import pathlib\nwith pathlib.Path(__file__).with_name('log').open('a') as log:\n"
    install("thin", count + "    log.write('x')\n" + NETWORK)
    assert "thin" in list(VARIANTS)
    sys.modules.pop("thin_module")
    assert "thin" in list(VARIANTS)
    with pytest.raises(ModelError, match=r"no variant 'thick'; there are parsenet, .*, thin$"):
        build("thick")
    assert (tmp_path / "log").read_text() == "x"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise KeyError('oh')", "KeyError: 'oh'"),
        ("import no_such_module_anywhere", "ModuleNotFoundError: No module named"),
        ("def (", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (NETWORK.replace("thin", "parsenet"), "ModelError: the variant 'parsenet' is this"),
    ],
)
def test_a_plugin_that_fails_is_named_and_harms_nobody(install, text, words):
    install("bad", text)
    install("thin", NETWORK)
    with pytest.warns(PluginWarning, match=words) as caught:
        assert build("thin", classes=4).out_channels == 4
    (warning,) = caught
    assert str(warning.message).startswith("plugin 'bad-networks' of bad (bad_module) is left out")


def test_a_plugin_may_itself_ask_for_what_is_not_there(install):
    install("thin", "import parsenet\nassert 'thin' not in parsenet.VARIANTS\n" + NETWORK)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert build("thin", classes=4).out_channels == 4
