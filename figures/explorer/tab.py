"""A tab of the explorer: what its page asks goes to the worker, what comes back is shown."""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from bokeh.document import Document

from erf.errors import ErfError, SettingError
from erf.geometry import PatchGrid
from erf.measures import Cells, Field, inside_mass, inside_share_of_peak
from figures.explorer.messages import (
    Ask,
    Dropped,
    Failed,
    Foreseen,
    Grown,
    Keep,
    Kept,
    Leave,
    Opened,
    Place,
    Reached,
    Ready,
    Refused,
    Report,
    Request,
    Responded,
    Stop,
)
from figures.explorer.painting import (
    contour,
    field_raster,
    photo_raster,
    reach_raster,
    response_raster,
)
from figures.explorer.question import Question, read_questions
from figures.explorer.telling import tell_grown, tell_opened, tell_ready, tell_responded
from figures.explorer.views import build_views, fit

DIED = "the next click starts another"


class Tab:
    """One open page.

    Args:
        document: Bokeh's, of the page.
        number: of the tab.
        ready: what the worker said when it began.
        send: has the worker do something.
    """

    def __init__(
        self, document: Document, number: int, ready: Ready, send: Callable[[Request], None]
    ) -> None:
        self.document, self.number, self.ready, self.send = document, number, ready, send
        self.views = build_views()
        self._image: Dropped | None = None
        self._asked: dict[int, tuple[Question, Dropped | None]] = {}
        self._latest: dict[int, int] = {}
        self._counted = 0
        self._sizes: dict[int, tuple[int, int]] = {}
        self._grids: dict[int, PatchGrid] = {}
        self._waiting: dict[tuple[type, int], Report] = {}
        self._lock = threading.Lock()
        self.views.asked.on_change("data", self._on_asked)

    # --- from the page -------------------------------------------------------------------------

    def _on_asked(self, _name: str, _old: Any, new: Any) -> None:
        """Bokeh's: the page has written a letter."""
        try:
            self.take(new["json"][0])
        except ErfError as error:
            self._tell({"kind": "refused", "side": -1, "words": str(error)})

    def take(self, text: str) -> None:
        """Do what the page says.

        Raises:
            SettingError: when it cannot be understood, or a number is out of range.
        """
        letter = _letter(text)
        what = letter.get("do")
        if what == "hello":
            self._tell(tell_ready(self.ready))
        elif what == "ask":
            self._ask(read_questions(text, len(self.ready.models)))
        elif what == "drop":
            self._image = _dropped(letter)
        elif what == "keep" and letter.get("what") in ("result", "figure", "page"):
            self._counted += 1
            self._latest[-1] = self._counted
            self.send(Keep(Place(self.number, -1, self._counted), letter["what"], len(self._asked)))
        else:
            raise SettingError("the page sent something that is not known")

    def _ask(self, questions: list[Question]) -> None:
        """Ask of the sides that have changed; a side that is no more is let go."""
        for side, question in enumerate(questions):
            if self._asked.get(side) == (question, self._image):
                continue
            self._counted += 1
            self._asked[side] = question, self._image
            self._latest[side] = self._counted
            self.send(Ask(Place(self.number, side, self._counted), question, self._image))
        for side in [each for each in self._asked if each >= len(questions)]:
            del self._asked[side]
            self.send(Stop(self.number, side))

    def leave(self) -> None:
        """The page was closed."""
        self.send(Leave(self.number))

    # --- from the worker -----------------------------------------------------------------------

    def hear(self, report: Report) -> None:
        """Take a report, in any thread; only the latest of a kind is shown."""
        side = -1 if isinstance(report, Ready | Failed) else report.place.side
        with self._lock:
            first = not self._waiting
            self._waiting.pop((type(report), side), None)
            self._waiting[type(report), side] = report
        if first:
            self.document.add_next_tick_callback(self._show_waiting)

    def _show_waiting(self) -> None:
        with self._lock:
            reports = list(self._waiting.values())
            self._waiting.clear()
        for report in reports:
            self.show(report)

    def show(self, report: Report) -> None:
        """Show a report, unless it answers a question that is no more asked."""
        if isinstance(report, Ready):
            return
        if isinstance(report, Failed):
            self._asked.clear()
            self._tell({"kind": "refused", "side": -1, "words": f"{report.words}: {DIED}"})
            return
        place = report.place
        if isinstance(report, Opened) or place.number == self._latest.get(place.side):
            SHOWN[type(report)](self, report)

    def _show_opened(self, report: Opened) -> None:
        rows, cols = report.levels.shape[:2]
        view = self.views.sides[report.place.side]
        self._sizes[report.place.side] = rows, cols
        for plot in (view.field, view.layer):
            fit(plot, (rows, cols), cols / rows)
        view.show_image("picture", photo_raster(report.levels), (rows, cols))
        for name in ("overlay", "response"):
            view.show_image(name, None, (rows, cols))
        view.show_box("theory", None)
        self._tell(tell_opened(report))

    def _show_responded(self, report: Responded) -> None:
        side = report.place.side
        view, units = self.views.sides[side], report.activation.shape
        rows, cols = self._sizes[side]
        self._grids[side] = report.grid
        fit(view.layer, (units[0], units[1]), cols / rows)
        view.show_image("response", response_raster(report.activation), (units[0], units[1]))
        view.show_unit(report.unit)
        box = report.box
        edges = None if box is None else (box.top, box.left, box.bottom, box.right)
        view.show_box("theory", None if edges is None else _between(edges))
        view.show_box("patch", None)
        view.sources["contour"].data = {name: [] for name in ("x0", "y0", "x1", "y1")}
        self._tell(tell_responded(report))

    def _show_foreseen(self, report: Foreseen) -> None:
        side = report.place.side
        grid = PatchGrid(self._sizes[side], report.patch, report.stride)
        raster = field_raster(report.field, Cells.of(grid), self._sizes[side])
        self.views.sides[side].show_image("overlay", raster, self._sizes[side])
        self._tell({"kind": "foreseen", "side": side})

    def _show_grown(self, report: Grown) -> None:
        side, result = report.place.side, report.result
        view, field = self.views.sides[side], Field.of(result)
        raster = field_raster(field.clean, field.cells, result.image_size)
        view.show_image("overlay", raster, result.image_size)
        criterion, _, share = report.measurement.criterion.partition(":")
        inside = np.zeros(field.clean.shape, dtype=bool)  # other sizes are no set of cells
        if criterion == "mass":
            inside = inside_mass(field.clean, field.cells.areas, float(share))
        elif criterion == "peak":
            inside = inside_share_of_peak(field.clean, float(share))
        view.sources["contour"].data = contour(inside, field.cells)
        self._tell(tell_grown(result, report.measurement, side, report.wanted))

    def _show_reached(self, report: Reached) -> None:
        side = report.place.side
        view, (rows, cols) = self.views.sides[side], report.field.shape
        view.show_image("response", reach_raster(report.field), (rows, cols))
        (row, col), grid = report.patch, self._grids[side]
        box = grid.box(row * grid.shape[1] + col)
        view.show_box("patch", _between((box.top, box.left, box.bottom, box.right)))
        self._tell(
            {"kind": "reached", "side": side, "patch": list(report.patch), "draws": report.draws}
        )

    def _show_refused(self, report: Refused) -> None:
        side = report.place.side
        if side in self._asked:  # asked again, it may do better
            question, image = self._asked[side]
            self._asked[side] = replace(question, unit=(-1, -1)), image
        self._tell({"kind": "refused", "side": side, "words": report.words})

    def _show_kept(self, report: Kept) -> None:
        content = base64.b64encode(report.content).decode("ascii")
        kept = {"words": report.words, "name": report.name, "content": content}
        self._tell({"kind": "kept", "side": -1, **kept})

    def _tell(self, letter: dict[str, Any]) -> None:
        self.views.told.data = {"json": [json.dumps(letter, allow_nan=False)]}


SHOWN: dict[type, Callable[[Tab, Any], None]] = {
    Opened: Tab._show_opened,
    Responded: Tab._show_responded,
    Foreseen: Tab._show_foreseen,
    Grown: Tab._show_grown,
    Reached: Tab._show_reached,
    Refused: Tab._show_refused,
    Kept: Tab._show_kept,
}


def _letter(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise SettingError("what the page sent is no JSON") from None
    if not isinstance(found, dict):
        raise SettingError("what the page sent is no table")
    return found


def _dropped(letter: dict[str, Any]) -> Dropped:
    name, content = letter.get("name"), letter.get("content")
    if not isinstance(name, str) or not isinstance(content, str):
        raise SettingError("the page sent no image")
    try:
        return Dropped(name[-255:], base64.b64decode(content, validate=True))
    except (binascii.Error, ValueError):
        raise SettingError(f"{name[-255:]}: did not arrive whole") from None


def _between(
    box: tuple[int, int, int, int],
) -> tuple[float, float, float, float]:
    """Edges between pixels, where pixel ``i`` has its centre at ``i``."""
    top, left, bottom, right = (edge - 0.5 for edge in box)
    return top, left, bottom, right
