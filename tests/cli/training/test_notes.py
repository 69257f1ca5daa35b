"""What the trainer warns of reaches the user as one line, and nothing else is touched."""

import warnings

import pytest

from cli.training.notes import noted
from parsenet.training.snapshot import SnapshotWarning
from parsenet.training.statistics import StatisticsWarning


@pytest.mark.parametrize("kind", [SnapshotWarning, StatisticsWarning])
def test_our_warnings_become_notes_each_time(kind, capsys):
    with noted():
        for _ in range(2):
            warnings.warn("something was passed over", kind, stacklevel=1)
    assert capsys.readouterr().err == "note: something was passed over\n" * 2


def test_other_warnings_stay_what_they_are():
    with pytest.warns(UserWarning, match="of another kind") as caught, noted():
        warnings.warn("of another kind", UserWarning, stacklevel=1)
    assert caught[0].category is UserWarning


def test_afterwards_all_is_as_before():
    before = warnings.showwarning
    with noted():
        assert warnings.showwarning is not before
    assert warnings.showwarning is before
