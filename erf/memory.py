"""Memory budgets written as a person writes them."""

from __future__ import annotations

import re

from erf.errors import SettingError

UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
LEAST, MOST = 2**20, 2**50


def parse_memory(text: str) -> int:
    """Bytes in a budget such as ``"4 GiB"`` or ``"512 MiB"``.

    Raises:
        SettingError: when it is not a number with one of these units, below 1 MiB, or above
            1024 TiB.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(|[KMGT]iB)\s*", text)
    if not match:
        raise SettingError(f"memory {text!r} is not a number of MiB or GiB (such as '4 GiB')")
    size = float(match[1]) * UNITS[match[2]]
    if not LEAST <= size <= MOST:
        raise SettingError(f"memory {text!r} must be from 1 MiB to 1024 TiB")
    return int(size)


def show_memory(size: int) -> str:
    """Bytes as a person writes them.

    Example:
        >>> show_memory(3 * 2**29), show_memory(1000)
        ('1.5 GiB', '1000 bytes')
    """
    for unit in ("TiB", "GiB", "MiB"):
        if size >= UNITS[unit]:
            return f"{size / UNITS[unit]:.1f} {unit}"
    return f"{size} bytes"
