"""Start a function in its own process and kill that with SIGKILL, as the system might."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["pytest", "numpy", "torch._dynamo", "parsenet.training.loop"])


def start(target: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Start it; torch is imported once for all, in the server that they are forked from."""
    process = CONTEXT.Process(target=target, args=args, kwargs=options, daemon=True)
    process.start()
    return process


def run_apart(target: Callable[..., Any], *args: Any, **options: Any) -> None:
    """Run it to its end in a process of its own, as a user does, and not in the tests' process.

    What ran before in a process can move the last bit of a sum.
    """
    process = start(target, *args, **options)
    process.join(300)
    assert process.exitcode == 0


def kill(process: Any) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
