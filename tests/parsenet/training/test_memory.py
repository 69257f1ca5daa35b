"""Freed memory is kept, seen by the pages that the kernel has to bring anew."""

import subprocess
import sys

import pytest

from parsenet.training.memory import keep_freed_memory

SCRIPT = """
import resource, sys
from parsenet.training.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def once():
    b"x" * (64 << 20)
once()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    once()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    command = [sys.executable, "-c", SCRIPT, how]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_what_is_freed_is_used_again_without_the_kernel():
    assert faults("keep") < 100
    assert faults("give back") > 5 * 16


def test_elsewhere_nothing_is_done(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert keep_freed_memory() is False
