import subprocess
import sys

import pytest
from click.testing import CliRunner

from cli import COMMANDS, main

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


def test_an_unknown_command_exits_with_2():
    done = CliRunner().invoke(main, ["prob"])
    assert done.exit_code == 2
    assert "No such command 'prob'" in done.output
