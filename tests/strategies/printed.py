"""Reading what a command printed, cell by cell."""

from __future__ import annotations

import re


def table_rows(text: str) -> dict[str, list[str]]:
    """The cells of a table's rows by their first cell; a row without one goes on below the last."""
    rows: dict[str, list[str]] = {}
    for line in text.splitlines():
        cells = re.split(r"\s{2,}", line.strip())
        if len(cells) > 1:
            rows[cells[0]] = cells[1:]
    return rows
