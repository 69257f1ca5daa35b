import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parsenet.errors import TrainingError
from parsenet.training.augment import Augmentation

MEAN = (122.4, 117.0, 103.6)
WIDE = {"crop": (40, 56), "scales": (0.5, 2.0)}


def sample(rows: int = 48, cols: int = 64, block: int = 16):
    """Blocks of labels 0 to 9, each in its own colour, so that the image tells the label."""
    random = np.random.default_rng(5)
    coarse = random.integers(0, 10, (rows // block, cols // block)).astype(np.uint8)
    label = coarse.repeat(block, 0).repeat(block, 1)
    return (label[..., None] * np.array([20, 10, 25])).astype(np.uint8), label


def test_seed_and_index_alone_decide():
    image, label = sample()

    def result(seed: int, index: int) -> bytes:
        plan = Augmentation.draw((48, 64), seed=seed, index=index, **WIDE)
        return b"".join(a.tobytes() for a in plan.apply(image, label, fill=MEAN))

    first = [result(3, k) for k in range(8)]
    torch.manual_seed(7)
    assert [result(3, k) for k in reversed(range(8))] == first[::-1]
    assert len({*first, *(result(4, k) for k in range(8))}) == 16


def test_draws_of_earlier_releases_stay_as_they_are():
    """Recorded once: a change would break resuming with, and repeating, earlier trainings."""
    plan = Augmentation.draw((375, 500), seed=1, index=2, crop=(321, 321), scales=(0.5, 2.0))
    assert plan == Augmentation((284, 379), (-25, 4), (321, 321), mirror=False)


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    crop=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    index=st.integers(0, 2**40),
)
def test_without_scaling_the_window_is_a_slice_of_the_padded_photo(size, crop, index):
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (*size, 3), dtype=np.uint8)
    label = random.integers(0, 9, size, dtype=np.uint8)
    plan = Augmentation.draw(size, seed=0, index=index, crop=crop)
    out, out_label = plan.apply(image, label, fill=MEAN)
    assert plan.size == size

    around = np.full((size[0] + 120, size[1] + 120, 3), np.rint(MEAN), np.uint8)
    around[60:-60, 60:-60] = image
    void = np.full(around.shape[:2], 255, np.uint8)
    void[60:-60, 60:-60] = label
    window = tuple(slice(60 + c, 60 + c + n) for c, n in zip(plan.corner, crop, strict=True))
    step = -1 if plan.mirror else 1
    np.testing.assert_array_equal(out, around[window][:, ::step])
    np.testing.assert_array_equal(out_label, void[window][:, ::step])
    if all(c <= n for c, n in zip(crop, size, strict=True)):
        assert 255 not in out_label
    else:
        inside = [min(c, n) for c, n in zip(crop, size, strict=True)]
        assert (out_label != 255).sum() == inside[0] * inside[1]


@pytest.mark.parametrize("index", range(12))
def test_labels_stay_on_their_pixels_when_scaled(index):
    image, label = sample()
    plan = Augmentation.draw((48, 64), seed=2, index=index, **WIDE)
    out, out_label = plan.apply(image, label, fill=MEAN)
    told = np.rint(out / np.array([20, 10, 25])).astype(int)
    agree = (told == out_label[..., None]).all(axis=-1) | (out_label == 255)
    same = np.ones(out_label.shape, bool)
    for axis in (0, 1):
        for shift in (-2, -1, 1, 2):
            same &= np.roll(out_label, shift, axis) == out_label
    assert same.mean() > 0.3
    assert agree[same].all()


@pytest.mark.parametrize("factor", [0.5, 2.0, 3.0])
def test_scaling_keeps_centres_in_place(factor):
    """The centroid of a block, in shares of the photo, is the same in image and labels."""
    label = np.zeros((48, 64), np.uint8)
    label[12:24, 32:56] = 1
    image = np.repeat(label[..., None] * np.uint8(200), 3, axis=2)
    plan = Augmentation.draw((48, 64), seed=0, index=0, scales=(factor, factor), mirror=False)
    out, out_label = plan.apply(image, label, fill=MEAN)
    for weight in (out[..., 0] / 200, out_label):
        rows, cols = (np.arange(n) + 0.5 for n in weight.shape)
        total = weight.sum()
        assert (weight.sum(1) @ rows) / total / plan.size[0] == pytest.approx(18 / 48, abs=1e-3)
        assert (weight.sum(0) @ cols) / total / plan.size[1] == pytest.approx(44 / 64, abs=1e-3)


@pytest.mark.parametrize("factor", [0.23, 1 / 3, 0.5, 0.71, 1.9])
def test_scaling_shifts_labels_against_the_photo_by_nothing(factor):
    """Both hold the row's number: their mean difference is the shift in rows."""
    label = np.arange(200, dtype=np.uint8)[:, None].repeat(90, 1)
    image = label[..., None].repeat(3, 2)
    plan = Augmentation.draw((200, 90), seed=0, index=0, scales=(factor, factor))
    out, out_label = plan.apply(image, label, fill=MEAN)
    assert abs((out[..., 0].astype(float) - out_label).mean()) <= 0.5
    assert out_label.std() == pytest.approx(label.std(), rel=0.01)


def test_draws_fill_their_ranges_evenly():
    plans = [Augmentation.draw((40, 40), seed=9, index=k, crop=(30, 50)) for k in range(2000)]
    rows, cols = zip(*(plan.corner for plan in plans), strict=True)
    assert (min(rows), max(rows), min(cols), max(cols)) == (0, 10, -10, 0)
    assert min(np.bincount(rows)) > 120  # of 182 expected
    assert 900 < sum(plan.mirror for plan in plans) < 1100
    wide = [Augmentation.draw((400, 400), seed=9, index=k, scales=(0.5, 2)) for k in range(2000)]
    factors = np.array([plan.size[0] / 400 for plan in wide])
    assert 0.5 <= factors.min() < 0.51
    assert 1.97 < factors.max() <= 2
    assert 900 < (factors < 1).sum() < 1100
    assert all(plan.window == plan.size and plan.corner == (0, 0) for plan in wide)


def test_mirror_can_be_left_out_without_changing_the_rest():
    for k in range(20):
        plan = Augmentation.draw((48, 64), seed=0, index=k, **WIDE)
        other = Augmentation.draw((48, 64), seed=0, index=k, mirror=False, **WIDE)
        assert not other.mirror
        assert (other.size, other.corner) == (plan.size, plan.corner)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": -1}, "seed and index must not be below 0, are -1 and 0"),
        ({"index": -2}, "seed and index must not be below 0, are 0 and -2"),
        ({"crop": (0, 5)}, "crop must be at least 1x1 pixels, is 0x5"),
        ({"scales": (0.0, 1.0)}, "scales must be a range above 0, not 0 to 1"),
        ({"scales": (2.0, 1.0)}, "scales must be a range above 0, not 2 to 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, words):
    with pytest.raises(TrainingError, match=words):
        Augmentation.draw((8, 8), **{"seed": 0, "index": 0, **options})
