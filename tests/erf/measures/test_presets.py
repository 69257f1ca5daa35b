import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models import convnext_tiny

from erf import gradient_field
from erf.errors import SettingError
from erf.measures import PRESETS, Cells, above_share_of_peak, preset


def gaussian(
    size: tuple[int, int], center: tuple[float, float], sigma: float, peak: float = 1.0
) -> np.ndarray:
    row, col = np.indices(size)
    distance = (row - center[0]) ** 2 + (col - center[1]) ** 2
    return peak * np.exp(-distance / (2 * sigma**2))


def expected_ratio(raw: np.ndarray, threshold: float, over: tuple[int, int]) -> float | None:
    """RepLKNet's definition, by adding up the pixels of each ring (Chebyshev distance)."""
    score = np.log10(raw + 1)
    row, col = np.indices(raw.shape)
    ring = np.maximum(abs(row - raw.shape[0] // 2), abs(col - raw.shape[1] // 2))
    for radius in range(1, raw.shape[0] // 2):
        if math.fsum(score[ring <= radius]) / math.fsum(score.ravel()) > threshold:
            side = 2 * radius + 1
            return side * side / (over[0] * over[1])
    return None


maps = st.tuples(
    st.integers(6, 24), st.integers(0, 8), st.integers(0, 2**32 - 1), st.floats(-6, 6)
).map(lambda p: (10 ** p[3]) * np.random.default_rng(p[2]).lognormal(0, 2, (p[0], p[0] + p[1])))


@given(maps)
@settings(deadline=None)
def test_replknet_equals_an_independent_computation(raw: np.ndarray) -> None:
    rows, cols = raw.shape
    values = preset("replknet", raw).values
    for threshold in (0.2, 0.3, 0.5, 0.99):
        expected = expected_ratio(raw, threshold, (rows, cols))
        if expected is None:
            assert values[f"r@{threshold:g}"] is None
        else:
            assert values[f"r@{threshold:g}"] == pytest.approx(expected, rel=1e-9)


def test_squares_begin_with_three_pixels() -> None:
    """All mass in the central pixel: the authors' smallest square is 3x3."""
    raw = np.zeros((40, 40))
    raw[20, 20] = 1.0
    assert preset("replknet", raw).values["side@0.2"] == 3
    assert preset("replknet", raw).values["r@0.99"] == pytest.approx(9 / 1600)


def test_an_image_narrower_than_high_wraps_as_a_slice_does() -> None:
    """The authors slice an array: a negative border counts from its right end."""
    raw = np.random.default_rng(3).lognormal(0, 1, (60, 20))
    scores = np.log10(raw + 1)
    for threshold in (0.2, 0.3, 0.5, 0.99):
        expected = None
        for half in range(1, 30):
            square = scores[30 - half : 31 + half, 10 - half : 11 + half]
            if square.sum() / scores.sum() > threshold:
                expected = 2 * half + 1
                break
        assert preset("replknet", raw).values[f"side@{threshold:g}"] == expected


@pytest.mark.slow
def test_second_defect_on_a_convnext() -> None:
    """The central unit of 16x16 sits half a stride from the image's centre, not in it."""
    torch.manual_seed(0)
    model = convnext_tiny(weights=None)
    image = torch.randn(3, 512, 512, generator=torch.Generator().manual_seed(0))
    raw = gradient_field(
        model, image, "features", unit=(8, 8), reduce="rectified", theory=False
    ).discrepancy
    on_the_unit = np.hypot(
        *(np.average(axis, weights=raw) - 271.5 for axis in np.indices(raw.shape))
    )
    assert on_the_unit < 1
    assert preset("replknet", raw).values["r@0.5"] == pytest.approx(0.0077, abs=5e-5)
    # Unit 8 of 16 lies between pixels 271 and 272: rings of whole pixels around that point.
    row, col = np.indices(raw.shape)
    ring = np.maximum(abs(row - 271.5), abs(col - 271.5)).astype(int)
    share = np.bincount(ring.ravel(), weights=np.log10(raw + 1).ravel()).cumsum()
    half = int(np.argmax(share > 0.5 * share[-1]))
    assert (2 * half + 1) ** 2 / 512**2 == pytest.approx(0.0020, abs=5e-5)


def test_slak_divides_by_1024_whatever_the_image() -> None:
    raw = gaussian((64, 64), (32, 32), 9, 100.0)
    for threshold in (0.2, 0.3, 0.5):
        found = preset("slak", raw).values[f"r@{threshold:g}"]
        assert found == expected_ratio(raw, threshold, (1024, 1024))
        # The logarithm, not the map that the paper's figures show.
        bare = expected_ratio(10**raw - 1, threshold, (1024, 1024))
        assert bare is not None
        assert found > bare
    raw = np.random.default_rng(0).lognormal(0, 2, (20, 20))
    assert any("20x20" in defect for defect in preset("slak", raw).defects)


def test_vmamba_takes_the_fifth_root() -> None:
    raw = gaussian((257, 257), (128, 128), 20)
    root = 10 ** (raw**0.2) - 1  # whose logarithm is the fifth root
    for threshold in (0.2, 0.3, 0.5, 0.99):
        expected = expected_ratio(root, threshold, (257, 257))
        assert preset("vmamba", raw).values[f"r@{threshold:g}"] == pytest.approx(expected)


def test_first_defect_the_logarithm_measures_the_gradient_scale() -> None:
    """One and the same field, five times as large a "ratio" when multiplied by a number."""
    ratios = [
        preset("replknet", gaussian((257, 257), (128, 128), 30, peak)).values["r@0.5"]
        for peak in (1e-3, 1e6)
    ]
    assert ratios == pytest.approx([0.0640, 0.3361], abs=5e-5)
    cells = Cells.of_pixels((257, 257))
    ours = [
        above_share_of_peak(gaussian((257, 257), (128, 128), 30, peak), cells.areas)
        for peak in (1e-3, 1e6)
    ]
    assert ours[0] == ours[1]


def test_second_defect_squares_sit_on_the_image_not_on_the_unit() -> None:
    centred = preset("replknet", gaussian((256, 256), (128, 128), 10, 1e-3)).values["r@0.5"]
    aside = preset("replknet", gaussian((256, 256), (88, 168), 10, 1e-3)).values["r@0.5"]
    assert centred is not None
    assert aside is not None
    assert aside > 15 * centred


def test_luo_on_a_gaussian() -> None:
    values = preset("luo", gaussian((257, 257), (128, 128), 30)).values
    assert values["size"] == pytest.approx(132.185, abs=5e-4)
    assert values["size_of_peak"] == values["size"]


def test_luo_needs_something_at_the_center() -> None:
    raw = gaussian((65, 65), (10, 10), 3)
    raw[32, 32] = 0
    values = preset("luo", raw).values
    assert values["size"] is None
    assert values["size_of_peak"] == pytest.approx(4.406 * 3, abs=0.5)


def test_zhou_on_a_disc() -> None:
    row, col = np.indices((129, 129))
    disc = (np.hypot(row - 64, col - 64) < 40).astype(float)
    values = preset("zhou", disc).values
    assert values["size"] == pytest.approx(math.sqrt(disc.sum()))
    assert values["size_after_median"] == pytest.approx(math.sqrt(disc.sum()), rel=0.05)


def test_zhou_on_a_gaussian() -> None:
    """Half of the peak lies 1.177 sigma out."""
    values = preset("zhou", gaussian((129, 129), (64, 64), 20)).values
    assert values["size"] == pytest.approx(math.sqrt(math.pi * 2 * math.log(2)) * 20, rel=2e-3)


@pytest.mark.parametrize(("radius", "left"), [(12.0, False), (13.0, True)])
def test_zhou_median_is_of_31_pixels(radius: float, left: bool) -> None:
    """A disc stays if it fills half of the window: 481 of 961 pixels, a radius of 12.4."""
    row, col = np.indices((129, 129))
    disc = (np.hypot(row - 64, col - 64) < radius).astype(float)
    assert (preset("zhou", disc).values["size_after_median"] is not None) == left


def test_zhou_median_removes_what_is_small() -> None:
    assert preset("zhou", gaussian((65, 65), (32, 32), 2) > 0.1).values["size_after_median"] is None


def test_openerf_on_a_gaussian() -> None:
    row, col = np.indices((128, 160))
    raw = np.exp(-((col - 70.0) ** 2) / (2 * 20**2) - (row - 60.0) ** 2 / (2 * 12**2))
    values = preset("openerf", raw).values
    assert values["com_x"] == pytest.approx(70, abs=0.05)
    assert values["com_y"] == pytest.approx(60, abs=0.05)
    assert values["xc"] == pytest.approx(70)
    assert values["sigma_x"] == pytest.approx(20)
    assert values["sigma_y"] == pytest.approx(12)
    assert values["amp"] == pytest.approx(1, rel=1e-3)
    assert values["r_squared"] == pytest.approx(1)
    for radius in (5, 10, 20, 30, 40, 60, 80):
        inside = np.hypot(row - 64, col - 80) <= radius
        assert values[f"mass@{radius}"] == pytest.approx(raw[inside].sum() / raw.sum())


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_says_its_defects_and_size(name: str) -> None:
    report = preset(name, gaussian((64, 64), (32, 32), 8))
    assert report.name == name
    assert report.image_size == (64, 64)
    assert report.defects
    assert any(value is not None for value in report.values.values())


def test_unknown_preset_and_useless_maps() -> None:
    with pytest.raises(SettingError, match="'convnext' is none of luo, openerf, replknet"):
        preset("convnext", np.ones((8, 8)))
    with pytest.raises(SettingError, match=r"nowhere negative .* from -1 to 1"):
        preset("luo", np.array([[-1.0, 1.0]]))
    with pytest.raises(SettingError, match="somewhere positive"):
        preset("luo", np.zeros((8, 8)))
