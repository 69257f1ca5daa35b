"""Ctrl-C and what job schedulers send: a training ends after a whole iteration, and is saved."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from parsenet import load_checkpoint, named_recipe, train_into, usual_experiment
from parsenet.training import RunSettings, Stopped, StoppingWarning
from parsenet.training.journal import read_journal
from parsenet.training.snapshot import snapshots
from parsenet.training.stopping import asked_to_stop

RUN = RunSettings(workers=0, snapshot_every=1000)


@pytest.fixture(autouse=True)
def few_scenes(monkeypatch):
    monkeypatch.setattr("parsenet.training.trained.SCORED_SCENES", 2)


def tiny(**changes):
    recipe = named_recipe("scenes").override(**{"max_iter": 4, "batch_size": 2} | changes)
    return usual_experiment(size=64, options={"width": 1 / 64}, recipe=recipe)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_it_after_the_iteration_and_it_goes_on_to_the_same_bits(tmp_path, name):
    def stop(model, space, iteration):
        if iteration == 2:
            os.kill(os.getpid(), getattr(signal, name))

    before = signal.getsignal(getattr(signal, name))
    with pytest.warns(StoppingWarning, match="once more stops at once"), pytest.raises(Stopped):
        train_into(tmp_path / "run", tiny(), run=RUN, look=stop)
    assert signal.getsignal(getattr(signal, name)) == before
    assert [path.name for path in snapshots(tmp_path / "run")] == [
        "iteration-000000002.safetensors"
    ]
    assert len(read_journal(tmp_path / "run" / "metrics.jsonl")) == 2
    gone_on = train_into(tmp_path / "run", run=RUN)
    whole = train_into(tmp_path / "whole", tiny(), run=RUN)
    for key, tensor in whole.checkpoint.model.state_dict().items():
        assert torch.equal(tensor, gone_on.checkpoint.model.state_dict()[key]), key


def test_a_second_wish_interrupts_at_once_but_not_the_echo_of_the_first(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("parsenet.training.stopping.monotonic", lambda: now[0])
    with asked_to_stop() as wished:
        assert not wished()
        with pytest.warns(StoppingWarning):
            signal.raise_signal(signal.SIGINT)
        now[0] += 0.1  # a terminal's, passed on by what started us
        signal.raise_signal(signal.SIGTERM)
        assert wished()
        now[0] += 2
        with pytest.raises(KeyboardInterrupt) as raised:
            signal.raise_signal(signal.SIGINT)
        assert not isinstance(raised.value, Stopped)


def test_what_is_ignored_stays_ignored_and_other_threads_hear_nothing():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with asked_to_stop() as wished:
            signal.raise_signal(signal.SIGHUP)
            assert not wished()
    finally:
        signal.signal(signal.SIGHUP, before)
    heard = []

    def enter():
        with asked_to_stop() as wished:
            heard.append((wished(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert heard == [(False, signal.default_int_handler)]


def test_a_worker_that_was_ended_by_the_same_signal_is_no_error(tmp_path, monkeypatch):
    def dead(self):
        raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Terminated.")
        yield

    monkeypatch.setattr("parsenet.training.loop.DataLoader.__iter__", dead)
    with pytest.raises(Stopped):
        train_into(tmp_path / "run", tiny(), run=replace(RUN, stop=lambda: True))
    assert len(snapshots(tmp_path / "run")) == 1
    with pytest.raises(RuntimeError, match="worker"):
        train_into(tmp_path / "other", tiny(), run=replace(RUN, stop=lambda: False))


def test_the_command_names_the_line_that_goes_on(tmp_path: Path) -> None:
    words = ["--iterations", "500", "--size", "64", "--width", "0.0625", "--batch-size", "2"]
    command = [sys.executable, "-m", "erf", "train", *words, "--workers", "2", "--out", "run"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / "run" / "metrics.jsonl"
    for _ in range(1200):
        if journal.exists() and journal.stat().st_size:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    errors = process.communicate(timeout=120)[1]
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert "note: stopping when this iteration is done" in errors
    assert "go on with: erf train --resume run --workers 2" in errors
    (path,) = snapshots(tmp_path / "run")
    assert load_checkpoint(path).training["iteration"] == len(read_journal(journal))
