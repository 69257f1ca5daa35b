"""Being told to stop: what SIGTERM, SIGHUP and a closed pipe leave behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import erf

PROBE = ["probe", "none", "--image-size", "160", "--layer", "conv3_3", "--patch", "4"]


def start(*words: str, folder: Path, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "erf", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True, **options)


def ended(process: subprocess.Popen[str]) -> str:
    """What was written to standard error."""
    try:
        return process.communicate(timeout=120)[1]
    finally:
        process.kill()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_like_ctrl_c_and_the_run_goes_on(tmp_path: Path, name: str) -> None:
    words = [*PROBE, "--engine", "dense", "--draws", "64", "--out", "run"]
    process = start(*words, folder=tmp_path)
    journal = tmp_path / "run" / ".result.journal"
    for _ in range(600):
        if journal.exists():
            break
        time.sleep(0.1)
    process.send_signal(getattr(signal, name))
    errors = ended(process)
    assert process.returncode == 1
    assert "the same command with --out run goes on" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "run" / ".holder").exists()
    assert not (tmp_path / "run" / "result.zarr").exists()


def test_an_ignored_hangup_stays_ignored(tmp_path: Path) -> None:
    ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731
    process = start(*PROBE, "--draws", "2", "--out", "run", folder=tmp_path, preexec_fn=ignore)
    time.sleep(3)
    process.send_signal(signal.SIGHUP)
    ended(process)
    assert process.returncode == 0
    assert erf.open(tmp_path / "run" / "result.zarr").draws == 2


def test_a_closed_pipe_is_silent(tmp_path: Path) -> None:
    process = start("theory", "resnet18", "--image-size", "64", folder=tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read()
    process.wait(timeout=120)
    assert errors == ""
    assert process.returncode in (0, 1, -signal.SIGPIPE, os.EX_OK)
