"""Being asked to stop in the middle of a training: it ends after a whole iteration, saved."""

import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
ONE_PRESS = 0.5
"""Seconds within which the same wish comes twice: from a terminal, and from what started us."""


class Stopped(KeyboardInterrupt):
    """A training was asked to stop, and has after a whole iteration; its snapshot is written."""


class StoppingWarning(UserWarning):
    """A training was asked to stop and will, once the iteration in hand is done."""


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Take Ctrl-C and the signals of job schedulers as a wish, to be heeded between iterations.

    A second one interrupts at once. Signals that are ignored stay so. In processes that are made
    meanwhile, as those that load images, Ctrl-C is left to this one.

    Yields:
        What says whether that was asked. In threads other than the main one, where Python hears no
        signals, it always says no.
    """
    owner, first = os.getpid(), [float("inf")]

    def hear(number: int, _frame: object) -> None:
        if os.getpid() != owner:
            if number == signal.SIGINT:
                return
            raise KeyboardInterrupt
        if monotonic() > first[0] + ONE_PRESS:
            raise KeyboardInterrupt
        if first[0] == float("inf"):
            first[0] = monotonic()
            warnings.warn(
                "stopping when this iteration is done; once more stops at once, without a snapshot",
                StoppingWarning,
                stacklevel=2,
            )

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in SIGNALS if hasattr(signal, name)):
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, hear)
    try:
        yield lambda: first[0] < float("inf")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
