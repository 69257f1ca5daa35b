"""``erf report``: one new file from saved results."""

import pytest
from click.testing import CliRunner

import cli
import erf
from strategies.results import gaussian_result, influence_result


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setattr(cli, "COMMANDS", tuple(dict.fromkeys((*cli.COMMANDS, "report"))))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(cli.main, ["report", *map(str, words)])


def test_units_and_layers_go_into_one_page(run, tmp_path):
    erf.save(gaussian_result(name="one unit"), tmp_path / "runs/unit.zarr")
    erf.save(influence_result(units=(3, 2), name="a layer"), tmp_path / "runs/layer.zarr")
    done = run("runs", "--title", "Two <results>")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("report  report.html (")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for text in ("<h1>Two &lt;results&gt;</h1>", "one unit", "a layer"):
        assert text in page


def test_nothing_is_overwritten(run, tmp_path):
    erf.save(gaussian_result(), tmp_path / "unit.zarr")
    (tmp_path / "report.html").write_text("mine")
    done = run("unit.zarr")
    assert done.exit_code == 2
    assert "report.html: exists already" in done.output
    assert (tmp_path / "report.html").read_text() == "mine"


def test_what_is_no_result_is_refused(run, tmp_path):
    assert run("missing.zarr").exit_code == 2
    assert run("missing.zarr", "--out", "a.txt").exit_code == 2
    assert not list(tmp_path.iterdir())
