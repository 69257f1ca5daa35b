"""The worker beside the server: a thread for a subject that is there, a process for models by name.

A process can be killed, by hand or for want of memory, and takes no page with it: whoever waits is
told, and the next question starts another.
"""

from __future__ import annotations

import multiprocessing
import queue
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Protocol, runtime_checkable

from erf.errors import ErfError
from figures.explorer.messages import Failed, Report, Request
from figures.explorer.order import Order

Listen = Callable[[Report], None]
"""Takes reports, in a thread of the worker's."""

PATIENCE = 5.0
"""Seconds that a worker has to end by itself."""


@runtime_checkable
class Worker(Protocol):
    """Does the work of a `Bench` somewhere else."""

    def start(self) -> None:
        """Begin; the first report is `Ready` or `Failed`."""
        ...

    def send(self, request: Request) -> None:
        """Have something done; never waits."""
        ...

    def close(self) -> None:
        """End, whatever is being done."""
        ...


def work(order: Order, receive: Callable[[bool], Request | None], publish: Listen) -> None:
    """Do what is asked until there is nothing more to come.

    Args:
        order: what is explored.
        receive: the next request; given True it waits for one. None when there is none yet.
        publish: takes the reports.

    Raises:
        EOFError: from ``receive``, when nothing will come any more.
    """
    from figures.explorer.bench import Bench

    try:
        bench = Bench(order, publish)
    except (ErfError, OSError) as error:
        publish(Failed(str(error)))
        return
    while True:
        request = receive(not bench.busy)
        while request is not None:
            bench.take(request)
            request = receive(False)
        if bench.busy:
            bench.step()


class ThreadWorker:
    """Works in a thread of this process."""

    def __init__(self, order: Order, listen: Listen) -> None:
        self._order, self._listen = order, listen
        self._inbox: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="erf-explore", daemon=True)

    def start(self) -> None:
        """See `Worker`."""
        self._thread.start()

    def send(self, request: Request) -> None:
        """See `Worker`."""
        self._inbox.put(request)

    def close(self) -> None:
        """See `Worker`; the batch in hand is finished."""
        self._inbox.put(None)
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        with suppress(EOFError):
            work(self._order, self._receive, self._listen)

    def _receive(self, wait: bool) -> Request | None:
        try:
            found = self._inbox.get(block=wait)
        except queue.Empty:
            return None
        if found is None:
            raise EOFError
        return found


class ProcessWorker:
    """Works in a process of its own, and in another one when that has died."""

    def __init__(self, order: Order, listen: Listen) -> None:
        self._order, self._listen = order, listen
        self._lock = threading.Lock()
        self._closing = False
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None

    def start(self) -> None:
        """See `Worker`."""
        with self._lock:
            self._begin()

    @property
    def pid(self) -> int | None:
        """Of the process at work, None where there is none."""
        process = self._process
        return None if process is None else process.pid

    def send(self, request: Request) -> None:
        """See `Worker`."""
        with self._lock:
            if self._connection is None:
                if self._closing:
                    return
                self._begin()
            assert self._connection is not None
            with suppress(OSError):  # it has just died: its listener says so
                self._connection.send(request)

    def close(self) -> None:
        """See `Worker`."""
        with self._lock:
            self._closing = True
            process, connection = self._process, self._connection
            self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is not None:
            process.terminate()
            process.join(PATIENCE)
            if process.is_alive():
                process.kill()
                process.join(PATIENCE)

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_serve, args=(self._order, theirs), name="erf-explore", daemon=True
        )
        process.start()
        theirs.close()
        self._process, self._connection = process, ours
        threading.Thread(target=self._hear, args=(process, ours), daemon=True).start()

    def _hear(self, process: multiprocessing.process.BaseProcess, connection: Connection) -> None:
        """Pass on what one process says, until it has nothing more to say."""
        failed = False
        while True:
            try:
                report = connection.recv()
            except (EOFError, OSError):
                break
            failed = isinstance(report, Failed)
            self._listen(report)
        process.join(PATIENCE)
        with self._lock:
            if self._connection is connection:
                self._process = self._connection = None
            closing = self._closing
        if not closing and not failed:
            self._listen(Failed(f"the worker has died ({_cause(process.exitcode)})"))


def _cause(code: int | None) -> str:
    """Why a process ended, for people."""
    if code is None or code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"


def _serve(order: Order, connection: Connection) -> None:
    """In the process: Ctrl-C is the server's, whose end of the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def receive(wait: bool) -> Request | None:
        return connection.recv() if wait or connection.poll() else None

    with suppress(EOFError, OSError):
        work(order, receive, connection.send)
