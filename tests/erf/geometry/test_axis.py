"""Hulls against taps: two statements of one relation, the second too simple to be wrong."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from erf.geometry.axis import IDENTITY, Adaptive, Piece, Relation, Transposed, Whole, Window
from erf.geometry.rearrange import Digits, Flip, Mirror, Repeat, Roll
from erf.geometry.resample import Resample

SIZE = st.integers(1, 12)
WINDOWS = st.builds(Window, st.integers(1, 5), st.integers(1, 4), st.integers(-3, 4))
SPREADS = st.builds(Transposed, st.integers(1, 5), st.integers(1, 4), st.integers(0, 4))
KINDS = st.sampled_from(("nearest", "nearest-exact", "linear", "cubic"))


@st.composite
def finite(draw: st.DrawFn) -> tuple[Relation, int, int]:
    """A relation with its numbers of outputs and of inputs."""
    inputs, outputs = draw(SIZE), draw(SIZE)
    kind = draw(KINDS)
    corners = kind in ("linear", "cubic") and draw(st.booleans())
    before, after = draw(st.integers(0, inputs - 1)), draw(st.integers(0, inputs - 1))
    mode = draw(st.sampled_from(("reflect", "replicate", "circular")))
    choices: list[tuple[Relation, int, int]] = [
        (Resample(kind, inputs, outputs, None, corners), outputs, inputs),
        (Adaptive(inputs, outputs), outputs, inputs),
        (Flip(inputs), inputs, inputs),
        (Roll(draw(st.integers(-20, 20)), inputs), inputs, inputs),
        (Mirror(mode, before, after, inputs), before + inputs + after, inputs),
        (Repeat(outputs), inputs * outputs, inputs),
        (Piece(before, inputs, False, False), before + inputs + after, inputs),
        (Digits(21, ((3, 7, 7),), ((7, 1),)), 21, 21),
        (Digits(21, ((7, 1, 1),), ((3, 7),)), 21, 21),
        (Digits(3, ((3, 1, 7),), (), offset=4), 3, 21),
    ]
    return draw(st.sampled_from(choices))


def listed(relation: Relation, outputs: np.ndarray) -> list[set[int]]:
    taps, meant = relation.taps(outputs)
    return [set(row[keep].tolist()) for row, keep in zip(taps, meant, strict=True)]


def check_both_ways(relation: Relation, outputs: np.ndarray, inputs: range) -> None:
    """``reads`` and ``reaches`` of every short interval are the hulls of the taps."""
    read = listed(relation, outputs)
    first = int(outputs[0])
    for lo in range(len(outputs)):
        for hi in (lo, lo + 1, min(lo + 3, len(outputs))):
            union = set().union(*read[lo:hi])
            hull = (min(union), max(union) + 1) if union else (0, 0)
            assert tuple(map(int, relation.reads(first + lo, first + hi))) == hull
    for lo in inputs:
        for hi in (lo + 1, lo + 3):
            hit = [first + o for o, taps in enumerate(read) if taps & set(range(lo, hi))]
            hull = (min(hit), max(hit) + 1) if hit else (0, 0)
            got = tuple(int(end) for end in relation.reaches(lo, hi))
            inside = max(got[0], first), min(got[1], int(outputs[-1]) + 1)
            assert (inside if inside[0] < inside[1] else (0, 0)) == hull


@given(finite())
def test_hulls_are_those_of_the_taps(case: tuple[Relation, int, int]):
    relation, outputs, inputs = case
    check_both_ways(relation, np.arange(outputs), range(inputs))


@given(st.one_of(WINDOWS, SPREADS))
def test_hulls_of_windows_are_those_of_the_taps(relation: Relation):
    check_both_ways(relation, np.arange(-24, 48), range(2, 4))


@given(st.builds(Resample, KINDS, SIZE, SIZE).map(lambda relation: relation.unbounded))
def test_hulls_without_border_are_those_of_the_taps(relation: Relation):
    check_both_ways(relation, np.arange(-5, 20), range(0, 0))


@given(WINDOWS)
def test_transposed_is_the_window_turned_round(window: Window):
    spread = Transposed(window.kernel, window.stride, window.padding)
    outputs, inputs = np.arange(-8, 9), np.arange(-40, 60)
    reads = {(o, i) for o, taps in zip(outputs, listed(window, outputs), strict=True) for i in taps}
    turned = {
        (o, int(i)) for i, taps in zip(inputs, listed(spread, inputs), strict=True) for o in taps
    }
    assert reads == {(o, i) for o, i in turned if -8 <= o <= 8}


def test_dilated_taps_leave_holes():
    assert listed(Window(3, dilation=4), np.array([2])) == [{2, 6, 10}]


def test_kernel_smaller_than_stride_leaves_outputs_that_read_nothing():
    assert listed(Transposed(1, stride=3), np.arange(4)) == [{0}, set(), set(), {1}]
    assert Transposed(1, stride=3).reads(1, 3) == (0, 0)


def test_interpolation_at_a_sample_reads_it_alone():
    assert listed(Resample("linear", 3, 6), np.array([0, 1, 5])) == [{0}, {0, 1}, {2}]
    for kind, between in (("linear", {0, 1}), ("cubic", {0, 1, 2})):
        aligned = Resample(kind, 3, 5, align_corners=True)
        assert listed(aligned, np.array([0, 1, 2, 4])) == [{0}, between, {1}, {2}]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["linear", "cubic"])
def test_taps_are_those_that_pytorch_gives_a_weight(kind: str, dtype: torch.dtype):
    mode = {"linear": "bilinear", "cubic": "bicubic"}[kind]
    for inputs, outputs in ((5, 9), (4, 13), (7, 3), (12, 47), (9, 9), (20, 58), (3, 1)):
        basis = torch.eye(inputs, dtype=dtype).view(inputs, 1, inputs, 1)
        for corners in (False, True):
            weights = functional.interpolate(basis, (outputs, 1), mode=mode, align_corners=corners)
            truth = [set(row.nonzero().flatten().tolist()) for row in weights[:, 0, :, 0].T]
            double = dtype == torch.float64
            relation = Resample(kind, inputs, outputs, None, corners, double=double)
            assert listed(relation, np.arange(outputs)) == truth, (inputs, outputs, corners)


@pytest.mark.parametrize("relation", [Whole(5), Adaptive(5, 1)])
def test_global_relations_read_everything(relation: Relation):
    assert listed(relation, np.array([0])) == [{0, 1, 2, 3, 4}]


def test_intervals_that_are_empty_stay_empty():
    assert IDENTITY.reads(3, 3) == (0, 0)
    assert Whole(5).reads(4, 2) == (0, 0)
    assert Whole(5).reaches(5, 9) == (0, 0)


def test_intervals_come_as_arrays():
    lo, hi = Window(3, padding=1).reads(np.array([0, 4]), np.array([1, 6]))
    assert (lo.tolist(), hi.tolist()) == ([-1, 3], [2, 7])
