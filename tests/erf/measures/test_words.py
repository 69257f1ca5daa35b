"""What a share may be, and how it is written: strings written down, not made by the code."""

from __future__ import annotations

import pytest

from erf.errors import SettingError
from erf.measures.shares import check_share
from erf.measures.summary import percent


@pytest.mark.parametrize("share", [-0.5, 0.0, 1.0, 1.5, 10.0, float("nan"), float("inf")])
def test_a_share_lies_between_nothing_and_all(share: float) -> None:
    with pytest.raises(SettingError, match="must lie between 0 and 1"):
        check_share(share)


@pytest.mark.parametrize("share", [1e-9, 0.1, 0.5, 0.999999])
def test_what_lies_between_is_taken(share: float) -> None:
    check_share(share)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        *((1.0, "100 %"), (0.234, "23 %"), (0.0995, "10 %"), (0.09949, "9.9 %")),
        *((0.0123, "1.2 %"), (0.00995, "1.0 %"), (0.00994, "0.99 %"), (0.0001, "0.01 %")),
    ],
)
def test_a_percentage_has_two_digits_that_count(share: float, text: str) -> None:
    assert percent(share) == text
