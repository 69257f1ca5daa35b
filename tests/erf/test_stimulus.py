import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from erf import Box, PatchGrid, SettingError
from erf.stimulus import STIMULI, Canvas, change_patches, find_stimulus, generator, stimulus

IMAGE = np.random.default_rng(5).normal(1.5, 2.0, (3, 40, 48)).astype(np.float32)
OTHER = np.random.default_rng(6).normal(0.0, 1.0, (3, 40, 48)).astype(np.float32)
SIGMA = np.array([0.5, 1.0, 2.0], np.float32).reshape(3, 1, 1)
CANVAS = Canvas(IMAGE, SIGMA, other=OTHER, blur=3.0)
BOX = Box(8, 4, 24, 20)
UNDER = IMAGE[:, 8:24, 4:20]


def disturbed(name, draw=0):
    return UNDER + find_stimulus(name)(CANVAS, BOX, generator(1, image=0, patch=3, draw=draw))


@pytest.mark.parametrize("name", sorted(STIMULI))
def test_changes_depend_on_seed_and_indices_alone(name):
    grid = PatchGrid((40, 48), 8, 4)
    patches, draws = np.array([5, 9, 5, 70]), np.array([0, 1, 1, 0])
    everything = {"seed": 3, "image": 0}
    together = change_patches(name, CANVAS, grid, patches=patches, draws=draws, **everything)
    for i in np.random.default_rng(0).permutation(4):
        alone = change_patches(
            name, CANVAS, grid, patches=patches[i : i + 1], draws=draws[i : i + 1], **everything
        )
        assert np.array_equal(alone[0], together[i])
    assert together.dtype == np.float32


@settings(deadline=None)
@given(st.tuples(*[st.integers(0, 3)] * 4), st.tuples(*[st.integers(0, 3)] * 4))
def test_streams_differ_when_any_index_does(a, b):
    def first(seed, image, patch, draw):
        return generator(seed, image=image, patch=patch, draw=draw).random(4).tolist()

    assert (first(*a) == first(*b)) == (a == b)


def test_streams_of_neighbouring_draws_do_not_overlap():
    long = generator(0, image=0, patch=0, draw=0).random(20_000)
    assert not set(long) & set(generator(0, image=0, patch=0, draw=1).random(20_000))


@pytest.mark.parametrize(
    ("name", "law"), [("gaussian", stats.norm()), ("uniform", stats.uniform(-(3**0.5), 2 * 3**0.5))]
)
def test_additive_noise_follows_its_law(name, law):
    noise = np.stack([(disturbed(name, draw) - UNDER) / SIGMA for draw in range(30)])
    assert stats.kstest(noise.ravel(), law.cdf).pvalue > 0.001
    assert noise.std() == pytest.approx(1, abs=0.02)


def test_replacement_stays_within_each_channel_of_the_image():
    new = disturbed("replace")
    for channel in range(3):
        low, high = IMAGE[channel].min(), IMAGE[channel].max()
        assert new[channel].min() >= low - 1e-5
        assert new[channel].max() <= high + 1e-5
        assert stats.kstest((new[channel].ravel() - low) / (high - low), "uniform").pvalue > 0.001


def test_constant_mean_and_other_put_down_what_they_say():
    assert disturbed("constant") == pytest.approx(np.zeros_like(UNDER), abs=1e-6)
    mean = np.broadcast_to(IMAGE.mean((1, 2))[:, None, None], UNDER.shape)
    assert disturbed("mean") == pytest.approx(mean, abs=1e-5)
    assert disturbed("other") == pytest.approx(OTHER[:, 8:24, 4:20], abs=1e-5)


def test_shuffling_keeps_every_colour_and_moves_most():
    colours = UNDER.reshape(3, -1).T
    shuffled = disturbed("shuffle").reshape(3, -1).T
    order = np.lexsort(colours.T), np.lexsort(shuffled.T)
    assert shuffled[order[1]] == pytest.approx(colours[order[0]], abs=1e-5)
    assert np.isclose(colours, shuffled).all(axis=1).mean() < 0.1


def test_blur_lowers_contrast_and_keeps_the_mean():
    assert disturbed("blur").std() < 0.3 * UNDER.std()
    assert CANVAS.blurred.mean() == pytest.approx(IMAGE.mean(), abs=0.01)


def test_an_own_stimulus_takes_one_line():
    @stimulus("black")
    def black(canvas, box, rng):
        return -1.5 - canvas.pixels(box)

    try:
        assert disturbed("black") == pytest.approx(np.full_like(UNDER, -1.5), abs=1e-6)
    finally:
        STIMULI.remove("black")


def test_unknown_and_incomplete_stimuli_are_refused():
    with pytest.raises(SettingError, match=r"stimulus 'fog' is none of blur, constant"):
        find_stimulus("fog")
    bare = Canvas(IMAGE, SIGMA)
    with pytest.raises(SettingError, match="needs another image of the same size"):
        find_stimulus("other")(bare, BOX, generator(0, image=0, patch=0, draw=0))
