"""What a page sends becomes a question, or one line of words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import erf
from erf.errors import SettingError
from figures.explorer.question import Manner, Question, read_questions

SIDE = {"model": 1, "layer": "fc7", "unit": [3, 4], "channel": 5, "patch": [1, 2]}
WHOLE = {"sides": [SIDE], "method": "occlusion", "patch": 11, "stride": 3, "sigma": 10.0}


def test_a_letter_becomes_a_question_and_its_settings():
    text = json.dumps({**WHOLE, "draws": 4, "criterion": "peak"})
    (question,) = read_questions(text, models=2)
    assert question == Question(
        1, "fc7", (3, 4), 5, (1, 2), Manner("occlusion", 11, 3, 10.0, 4, "peak")
    )
    settings = question.manner.settings((0.5,))
    assert settings == erf.Occlusion(
        patch=11, stride=3, draws=erf.OneByOne(4), sigma=(0.5,), memory=settings.memory
    )
    assert isinstance(Manner("gradient").settings(0.1), erf.Gradient)
    assert Manner("noise", patch=16).settings(0.1).step == 16


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "guess"}, "method 'guess' is none of noise, occlusion, gradient"),
        ({"criterion": "taste"}, "criterion 'taste' is none of"),
        ({"patch": 0}, "patch 0 must be at least 1"),
        ({"patch": 2.5}, "patch 2.5 must be a whole number"),
        ({"stride": 20}, "stride 20 is larger than patch 11"),
        ({"draws": 257}, "draws 257 must lie in 1 to 256"),
        ({"draws": True}, "draws True must be a whole number"),
        ({"sigma": -1}, "sigma"),
        ({"sigma": "many"}, "sigma 'many' must be a number"),
        ({"sides": []}, "one side or two"),
        ({"sides": [SIDE] * 3}, "one side or two"),
        ({"sides": [7]}, "side 7 is no table"),
        ({"sides": [{**SIDE, "model": 2}]}, "model 2 must lie in 0 to 1"),
        ({"sides": [{**SIDE, "unit": [1]}]}, r"unit \[1\] must be a row and a column"),
        ({"sides": [{**SIDE, "unit": ["a", 1]}]}, "unit 'a' must be a whole number"),
        ({"sides": [{**SIDE, "layer": 3}]}, "layer 3 must be a name"),
    ],
)
def test_what_is_out_of_range_is_refused_in_words(change, words):
    with pytest.raises(SettingError, match=words):
        read_questions(json.dumps({**WHOLE, **change}), models=2)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_whatever_a_page_sends_there_is_a_line_of_words(value):
    for text in (json.dumps(value), json.dumps({"sides": value}), str(value)):
        with pytest.raises(SettingError) as caught:
            read_questions(text, models=1)
        assert "\n" not in str(caught.value)
