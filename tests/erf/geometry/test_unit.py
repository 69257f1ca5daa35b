import pytest

from erf import Target, UnitError
from erf.geometry import locate, parse_unit, spread_units


@pytest.mark.parametrize(
    ("text", "unit"), [("center", "center"), ("max", "max"), ("all", "all"), (" 7 , 12 ", (7, 12))]
)
def test_units_are_read(text, unit):
    assert parse_unit(text) == unit


@pytest.mark.parametrize("text", ["", "7", "7,", "-1,3", "middle", "1,2,3", "1.5,2"])
def test_anything_else_is_refused_with_what_is_allowed(text):
    with pytest.raises(UnitError, match=r"is none of center, max, all or ROW,COL"):
        parse_unit(text)


def test_names_become_positions():
    assert locate("center", (5, 8), (4, 7), "fc7") == (2, 4)
    assert locate("max", (5, 8), (4, 7), "fc7") == (4, 7)
    assert locate((0, 0), (5, 8), (4, 7), "fc7") == (0, 0)
    assert locate("all", (5, 8), (4, 7), "fc7") is None


@pytest.mark.parametrize("unit", [(5, 0), (0, 8), (-1, 0)])
def test_a_unit_outside_names_the_layer_and_its_size(unit):
    with pytest.raises(UnitError, match=r"outside layer 'fc7', which has 5x8 units .*4,7"):
        locate(unit, (5, 8), (0, 0), "fc7")


def test_targets_read_as_in_the_field():
    assert str(Target("fc7")) == "fc7"
    assert str(Target("fc7", (7, 7))) == "fc7@7,7"
    assert str(Target("fc7", (7, 7), 12)) == "fc7:12@7,7"


def test_a_grid_of_units_is_spread_evenly():
    assert spread_units("grid:1", (5, 8), "fc7") == [(2, 4)]
    assert spread_units("grid:2", (8, 12), "fc7") == [(2, 3), (2, 9), (6, 3), (6, 9)]
    for number in range(1, 6):
        units = spread_units(f"grid:{number}", (5, 9), "fc7")
        assert len(set(units)) == number**2
        mirrored = {(4 - row, 8 - col) for row, col in units}
        assert (
            max(
                abs(a - b)
                for p, q in zip(sorted(mirrored), units, strict=True)
                for a, b in zip(p, q, strict=True)
            )
            <= 1
        )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("grid:", "are not grid:N"),
        ("grid:x", "are not grid:N"),
        ("grid:0", "N must be from 1 to 5"),
        ("grid:6", "do not fit layer 'fc7', which has 5x8 units: N must be from 1 to 5"),
    ],
)
def test_a_grid_that_does_not_fit_is_refused(text, words):
    with pytest.raises(UnitError, match=words):
        spread_units(text, (5, 8), "fc7")
