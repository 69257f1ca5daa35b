"""The server: on the loopback address alone, under an address that holds a token."""

from __future__ import annotations

import asyncio
import secrets
import threading
import webbrowser
from collections.abc import Callable
from html import escape
from importlib.resources import files
from itertools import count
from typing import Any, Self

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document
from bokeh.server.server import BaseServer
from bokeh.server.tornado import BokehTornado
from bokeh.server.util import bind_sockets
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

from erf.errors import SettingError, SourceError
from figures.explorer.messages import Failed, Ready, Report
from figures.explorer.order import Order
from figures.explorer.painting import scale_css
from figures.explorer.tab import Tab
from figures.explorer.worker import Listen, Worker

HOST = "127.0.0.1"
MOST_BYTES = 64 * 2**20
"""Of a letter from the page: a photo of 40 MB as base64."""
PATIENCE = 10.0
"""Seconds that the server has to end."""


class Explorer:
    """A live page, served on this machine alone until it is closed.

    Only who knows the address can open it: its token is 128 random bits. A page of another origin
    cannot talk to it, whatever a browser is made to open.

    Args:
        order: what is explored.
        worker: builds the worker, from the order and what listens to it.
        port: of the page; 0 for any that is free.

    Raises:
        SourceError: when the worker cannot begin, with its words.
        SettingError: when the port is taken.
    """

    def __init__(
        self, order: Order, worker: Callable[[Order, Listen], Worker], *, port: int = 0
    ) -> None:
        self._tabs: dict[int, Tab] = {}
        self._numbers, self._first = count(1), threading.Event()
        self._ready: Ready | Failed | None = None
        self.worker = worker(order, self._hear)
        self._token = secrets.token_urlsafe(16)
        self._loop: IOLoop | None = None
        self._server: BaseServer | None = None
        self._port = port
        self._stopped = threading.Event()
        try:
            self.worker.start()
            self._first.wait()
            if not isinstance(self._ready, Ready):
                words = self._ready.words if self._ready is not None else "the worker said nothing"
                raise SourceError(words)
            self._serve(port)
        except BaseException:
            self.worker.close()
            raise

    @property
    def address(self) -> str:
        """Of the page, with its token."""
        return f"http://{HOST}:{self._port}/{self._token}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the models."""
        return self._ready.notes if isinstance(self._ready, Ready) else ()

    def open_browser(self) -> bool:
        """Open the page in the user's browser; whether there is one."""
        return webbrowser.open(self.address)

    def wait(self) -> None:
        """Serve until it is closed, or a signal interrupts."""
        while not self._stopped.wait(1.0):
            pass

    def close(self) -> None:
        """End: the page, what it asked, the worker."""
        if not self._stopped.is_set() and self._loop is not None:
            self._loop.add_callback(self._stop)
            self._stopped.wait(PATIENCE)
        self.worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Explorer at {self.address}"

    def _repr_html_(self) -> str:
        """The page itself, in a notebook."""
        source = escape(self.address, quote=True)
        return f'<iframe src="{source}" style="width: 100%; height: 900px; border: 0"></iframe>'

    def _hear(self, report: Report) -> None:
        """From a thread of the worker's, to all tabs or to the one that asked."""
        if self._ready is None and isinstance(report, Ready | Failed):
            self._ready = report
            self._first.set()
            return
        if isinstance(report, Ready | Failed):
            for each in list(self._tabs.values()):
                each.hear(report)
        elif (tab := self._tabs.get(report.place.tab)) is not None:
            tab.hear(report)

    def _serve(self, port: int) -> None:
        """Start the server's loop in a thread of its own."""
        failed: list[OSError] = []
        there = threading.Event()

        def run() -> None:
            asyncio.set_event_loop(asyncio.new_event_loop())
            self._loop = IOLoop.current()
            try:
                self._server = self._build(port, self._loop)
            except OSError as error:
                failed.append(error)
                there.set()
                return
            self._server.start()
            there.set()
            self._loop.start()
            self._loop.close(all_fds=True)
            self._stopped.set()

        threading.Thread(target=run, name="erf-explore-server", daemon=True).start()
        there.wait()
        if failed:
            reason = failed[0].strerror or str(failed[0])
            raise SettingError(f"port {port} of {HOST} cannot be had ({reason})") from None

    def _build(self, port: int, loop: IOLoop) -> BaseServer:
        sockets, self._port = bind_sockets(HOST, port)
        tornado = BokehTornado(
            {f"/{self._token}": Application(FunctionHandler(self._open_tab))},
            extra_websocket_origins=[f"{HOST}:{self._port}"],
            absolute_url=f"http://{HOST}:{self._port}/",
            use_index=False,
            sign_sessions=True,
            secret_key=secrets.token_urlsafe(32).encode(),
            generate_session_ids=True,
            websocket_max_message_size_bytes=MOST_BYTES,
            unused_session_lifetime_milliseconds=5_000,
            check_unused_sessions_milliseconds=2_000,
        )
        served = HTTPServer(tornado)
        served.add_sockets(sockets)
        return BaseServer(loop, tornado, served)

    def _open_tab(self, document: Document) -> None:
        """Bokeh's: somebody opened the page."""
        assert isinstance(self._ready, Ready)
        number = next(self._numbers)
        tab = self._tabs[number] = Tab(document, number, self._ready, self.worker.send)
        for name, root in tab.views.roots.items():
            root.name = name
            document.add_root(root)
        document.title = "What does this unit hear?"
        document.template = page_template()  # type: ignore[assignment]  # a string is taken too
        document.template_variables.update(page_variables())
        document.js_on_event(tab.views.ready_event, tab.views.ready)
        document.on_session_destroyed(lambda _context: self._close_tab(number))

    def _close_tab(self, number: int) -> None:
        tab = self._tabs.pop(number, None)
        if tab is not None:
            tab.leave()

    def _stop(self) -> None:
        assert self._server is not None
        assert self._loop is not None
        self._server.unlisten()
        self._server.stop(wait=False)
        self._loop.add_callback(self._loop.stop)


def page_template() -> str:
    """The page's HTML."""
    return (files("figures.explorer") / "page.html").read_text(encoding="utf-8")


def page_variables() -> dict[str, Any]:
    """Its style, its script, its colours; nothing of a user's."""
    folder = files("figures.explorer")
    return {
        "style": (folder / "page.css").read_text(encoding="utf-8"),
        "script": (folder / "page.js").read_text(encoding="utf-8"),
        "scale": scale_css(),
    }
