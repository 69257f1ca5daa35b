import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

import erf
from cli import COMMANDS, Failure, main

HEAVY = ("torch", "torchvision", "matplotlib", "scipy", "zarr", "bokeh", "numpy")


def test_help_answers_without_importing_anything_heavy():
    code = (
        "import sys\nfrom cli import main\n"
        "try: main(['--help'])\nexcept SystemExit as stop: assert not stop.code\n"
        f"print('loaded:', sorted(set({HEAVY}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "loaded: []" in done.stdout
    assert all(command in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_within_80_columns(command):
    done = CliRunner().invoke(main, [command, "--help"], terminal_width=80)
    assert done.exit_code == 0
    assert max(map(len, done.output.splitlines())) <= 80


@pytest.mark.parametrize("module", ["erf", "cli"])
def test_modules_are_the_command(module, tmp_path):
    (tmp_path / "cli").mkdir()
    (tmp_path / "figures").mkdir()
    command = [sys.executable, "-m", module, "--version"]
    folder = tmp_path if module == "erf" else None
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    assert done.stdout == f"erf, version {erf.__version__}\n"


def test_defaults_are_read_where_they_stand(monkeypatch):
    monkeypatch.setattr(erf.Occlusion.__dataclass_fields__["patch"], "default", 12)
    text = " ".join(CliRunner().invoke(main, ["probe", "--help"]).output.split())
    assert f"[default: noise {erf.Noise().patch}, occlusion 12]" in text
    assert f"[default: {erf.Noise().memory}]" in text
    assert "[default: noise gaussian, occlusion replace]" in text
    assert f"[default: {erf.Gradient().projections}]" in text


def options(command, path=()):
    """(words, option) of a command and of those under it."""
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            yield from options(command.get_command(click.Context(command), name), (*path, name))
    for option in command.params:
        if isinstance(option, click.Option):
            yield " ".join((*path, option.opts[-1])), option


def test_the_help_names_the_default_of_every_option():
    silent, context = [], click.Context(main, **main.context_settings)
    for words, option in options(main):
        record = option.get_help_record(context)
        if option.is_flag or record is None or option.default in (None, (), False):
            continue
        if type(option.default).__name__ != "Sentinel" and "[default: " not in record[1]:
            silent.append(words)
    assert not silent


def test_an_unknown_command_exits_with_2():
    done = CliRunner().invoke(main, ["prob"])
    assert done.exit_code == 2
    assert "No such command 'prob'" in done.output


def test_a_message_is_a_line_and_no_book():
    done = CliRunner().invoke(main, ["layers", "x" * 100_000])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert len(line) < 1100
    long = Failure("begins " + "x" * 100_000 + "\n ends").message
    assert long.startswith("begins xxx")
    assert "xxx ... xxx" in long
    assert long.endswith("xxx ends")
    assert len(long) == 1005
    assert Failure("short").message == "short"


@pytest.mark.parametrize("command", ["theory", "layers"])
def test_an_image_that_no_memory_holds_is_refused(command):
    done = CliRunner().invoke(main, [command, "none", "--image-size", "99999"])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: not enough memory: ")
