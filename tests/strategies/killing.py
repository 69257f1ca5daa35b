"""Start a function in its own process and kill that with SIGKILL, as the system might."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["pytest", "numpy", "torch._dynamo", "parsenet.loop"])


def start(target: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Start it; torch is imported once for all, in the server that they are forked from."""
    process = CONTEXT.Process(target=target, args=args, kwargs=options, daemon=True)
    process.start()
    return process


def kill(process: Any) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
