import pytest

from erf import Target, UnitError
from erf.geometry import locate, parse_unit


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
