"""Who may open the page, and how it ends; without a browser."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

import erf
from figures.explorer import Explorer, explore_subject
from figures.explorer.messages import Ask as Asking
from figures.explorer.messages import Failed, Grown, Place
from figures.explorer.question import Manner, Question
from figures.explorer.worker import ProcessWorker, ThreadWorker
from strategies.explorers import LAYER, order_in, random_subject


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture(scope="module")
def explorer(tmp_path_factory):
    out = tmp_path_factory.mktemp("kept")
    with explore_subject(random_subject(), open_browser=False, out=out) as running:
        yield running


def test_only_the_address_with_its_token_is_answered(explorer):
    base, _, token = explorer.address.rpartition("/")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", base)
    assert len(token) >= 22  # 128 bits
    assert status(explorer.address) == 200
    for path in ("", "/", "/explore", f"/{token[:-1]}", f"/{token[:-1]}/ws", "/index.html"):
        assert status(base + path) == 404


def connect(address: str, origin: str, token: str) -> None:
    headers = {"Origin": origin, "Sec-WebSocket-Protocol": f"bokeh, {token}"}

    async def open_and_close() -> None:
        request = HTTPRequest(address.replace("http", "ws") + "/ws", headers=headers)
        connection = await websocket_connect(request, subprotocols=["bokeh", token])
        message = await connection.read_message()
        connection.close()
        if message is None:
            raise ConnectionError("closed at once")

    asyncio.run(open_and_close())


def test_another_origin_and_a_made_up_session_are_refused(explorer):
    with urllib.request.urlopen(explorer.address, timeout=30) as answer:
        token = re.search(r'"token":"([^"]+)"', answer.read().decode()).group(1)
    base, _, _ = explorer.address.rpartition("/")
    for origin in ("http://evil.example", base.replace("127.0.0.1", "localhost"), "null"):
        with pytest.raises(HTTPClientError, match="403"):
            connect(explorer.address, origin, token)
    with pytest.raises(ConnectionError):
        connect(explorer.address, base, token[:-4] + "AAAA")
    connect(explorer.address, base, token)


def test_it_listens_on_the_loopback_address_alone(explorer):
    port = int(re.search(r":(\d+)/", explorer.address).group(1))
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", port))  # would be taken if it listened everywhere


def test_a_notebook_shows_the_page_itself(explorer):
    assert f'<iframe src="{explorer.address}"' in explorer._repr_html_()
    assert repr(explorer) == f"Explorer at {explorer.address}"


def test_a_port_that_is_taken_is_said(explorer):
    port = int(re.search(r":(\d+)/", explorer.address).group(1))
    with pytest.raises(erf.SettingError, match=f"port {port} of 127.0.0.1 cannot be had"):
        random_subject().explore(port=port, open_browser=False)
    assert threading.active_count() < 50


def test_closing_ends_the_server_and_the_worker():
    explorer = random_subject().explore(open_browser=False)
    address = explorer.address
    explorer.close()
    explorer.close()
    explorer.wait()
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(address, timeout=5)
    assert not explorer.worker._thread.is_alive()


@pytest.mark.parametrize(
    "worker", [ThreadWorker, pytest.param(ProcessWorker, marks=pytest.mark.slow)]
)
def test_what_cannot_be_opened_is_said_in_words(tmp_path, worker):
    order = order_in(tmp_path, "nothing")
    with pytest.raises(erf.SourceError, match="nothing"):
        Explorer(order, worker)


class Heard:
    """What a worker says."""

    def __init__(self):
        self.reports, self._more = [], threading.Condition()

    def __call__(self, report):
        with self._more:
            self.reports.append(report)
            self._more.notify_all()

    def wait(self, found):
        with self._more:
            assert self._more.wait_for(lambda: any(map(found, self.reports)), timeout=120)
            return next(each for each in self.reports if found(each))


def ask(number: int, draws: int = 1) -> Asking:
    question = Question(layer=LAYER, manner=Manner(patch=16, draws=draws))
    return Asking(Place(1, 0, number), question)


@pytest.mark.slow
def test_a_killed_worker_is_told_of_and_another_answers(tmp_path):
    heard = Heard()
    worker = ProcessWorker(order_in(tmp_path), heard)
    try:
        worker.start()
        worker.send(ask(1))
        first = heard.wait(lambda each: isinstance(each, Grown))
        pid = worker.pid
        os.kill(pid, signal.SIGKILL)
        failed = heard.wait(lambda each: isinstance(each, Failed))
        assert failed.words == "the worker has died (killed by SIGKILL)"
        worker.send(ask(2))
        again = heard.wait(lambda each: isinstance(each, Grown) and each.place.number == 2)
        assert worker.pid != pid
        assert (again.result.samples == first.result.samples).all()
    finally:
        worker.close()
    assert worker.pid is None
    worker.send(ask(3))  # after its end: nothing


@pytest.mark.parametrize("name", ["SIGINT", pytest.param("SIGTERM", marks=pytest.mark.slow)])
def test_a_signal_ends_the_command_and_its_worker(tmp_path, name):
    order = order_in(tmp_path)
    command = [sys.executable, "-m", "erf", "explore", *order.names, "--no-browser"]
    command += ["--image", str(order.image)]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line, hint = process.stdout.readline(), process.stdout.readline()
        assert re.fullmatch(r"page  http://127\.0\.0\.1:\d+/\S+\n", line)
        assert status(line.split()[1]) == 200
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(getattr(signal, name))
        out, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert (hint, out) == ("Ctrl-C ends it\n", "ended\n")
    assert "Traceback" not in errors
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not (tmp_path / "erf-runs").exists()
