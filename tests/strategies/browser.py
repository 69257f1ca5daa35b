"""A page in a real headless browser, watched for errors and requests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

needs_browser = pytest.mark.skipif(
    EXECUTABLE is None, reason="no Chromium on this machine: apt-get install chromium"
)


@dataclass
class Watch:
    """What a page must not do."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def attach(self, page) -> None:
        """Listen to a page."""
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)
        page.on("request", self._request)

    def _console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _request(self, request) -> None:
        if not request.url.startswith(("data:", "blob:", "file:")):
            self.requests.append(request.url)


@contextmanager
def browser() -> Iterator[object]:
    """Debian's Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=EXECUTABLE, args=list(FLAGS))
        try:
            yield running
        finally:
            running.close()


def open_page(running, path: Path, *, width: int = 1280, height: int = 900):
    """Open a report and wait until it is drawn: (page, watch)."""
    page = running.new_page(viewport={"width": width, "height": height})
    watch = Watch()
    watch.attach(page)
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    return page, watch
