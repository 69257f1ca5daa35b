import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsenet.errors import TrainingError
from parsenet.training.toml import to_toml

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    TEXT,
)
PLAIN = st.dictionaries(TEXT, SCALARS | st.lists(SCALARS, max_size=3), max_size=4)


@given(values=PLAIN, tables=st.dictionaries(TEXT, PLAIN, max_size=2))
def test_tomllib_reads_back_what_was_written(values, tables):
    merged = values | tables
    assert tomllib.loads(to_toml(merged)) == merged


def test_it_reads_well():
    text = to_toml({"a": 1, "run": {"rate": 1e-8, "crop": (), "name": 'a "b"'}})
    assert text == 'a = 1\n\n[run]\nrate = 1e-08\ncrop = []\nname = "a \\"b\\""\n'


def test_what_is_no_setting_is_refused():
    with pytest.raises(TrainingError, match="None cannot be written as TOML"):
        to_toml({"a": None})
