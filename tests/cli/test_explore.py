"""``erf explore``: what is wrong is said in one line, exit code 2, before a page is served."""

import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

import cli
from strategies.explorers import order_in


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(cli.main, ["explore", *map(str, words)])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "b", "c"], "3 models: at most two stand side by side"),
        (["late", "--port", "70000"], "70000 is not in the range 0<=x<=65535"),
        (["late", "--image-size", "big"], "'big' is not ROWS,COLS"),
    ],
)
def test_wrong_words_are_one_line(run, words, said, tmp_path):
    done = run(*words)
    assert done.exit_code == 2
    assert said in done.output
    assert done.output.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "more", "said"),
    [
        ("no-such-model", [], "no-such-model"),
        (None, ["--image", "none.jpg"], "none.jpg: no such file"),
        (None, ["--image", "net.py"], "net.py: is no image that can be read"),
    ],
)
def test_what_cannot_be_opened_is_one_line(run, tmp_path, model, more, said):
    order = order_in(tmp_path)
    done = run(model or order.names[0], "--no-browser", *more)
    assert done.exit_code == 2
    assert said in done.output
    assert done.output.count("\n") == 1


def test_a_port_that_is_taken_is_one_line(run, tmp_path):
    order = order_in(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(order.names[0], "--no-browser", "--image", order.image, "--port", port)
    assert done.exit_code == 2
    assert f"port {port} of 127.0.0.1 cannot be had (Address already in use)" in done.output


def test_bokeh_is_imported_only_by_what_needs_it():
    code = (
        "import sys, erf, cli; cli.main(['--help'], standalone_mode=False); "
        "print('bokeh' in sys.modules or 'tornado' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")
