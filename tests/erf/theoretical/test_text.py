"""The table of theory as a person sees it: within the width of a terminal."""

from __future__ import annotations

from torch import nn

import erf
from erf.theoretical.text import WIDTH, table_lines


def _lines(name: str) -> list[str]:
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    model.add_module(name, nn.Conv2d(4, 4, 3))
    return list(table_lines(erf.theory(model, image_size=(16, 16))))


def test_a_name_that_is_too_long_loses_its_head_and_nothing_else() -> None:
    name = "".join(f"{number:02d}" for number in range(60))
    heads, _, long = _lines(name)
    shown = long.split()[0]
    assert shown[0] == "…"
    assert name.endswith(shown[1:])
    assert len(heads) == WIDTH
    assert heads.index("units") == len(shown) + 2


def test_a_name_that_fits_is_whole() -> None:
    for name in ("short", "a_name_that_is_longer_than_any_status"):
        assert [line.split()[0] for line in _lines(name)] == ["layer", "0", name]
