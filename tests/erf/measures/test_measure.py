import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erf.engines.report import EngineReport
from erf.errors import SettingError, UnitError
from erf.geometry import Box, PatchGrid, Target
from erf.measures import (
    Cells,
    Field,
    gaussian_fit,
    inside_mass,
    mass_area,
    measure,
    participation_area,
)
from erf.results import LayerResult
from erf.settings import Noise
from strategies.fields import as_field, as_result, draw, truth

GRID = PatchGrid((500, 500), patch=16, stride=16)
CENTER = (249.5, 249.5)
THEORY = Box(48, 48, 452, 452)
SAMPLES = draw(truth(GRID, CENTER, 60.0), 8, 0, freedom=50)


def test_the_numbers_of_a_gaussian_field() -> None:
    found = measure(as_result(GRID, SAMPLES, theory=THEORY))
    assert found.criterion == "mass:0.9545"
    assert found.image_size == (500, 500)
    assert found.center == CENTER
    assert found.center_from == "theory"
    expected = 2 * math.pi * 60 * 50 * math.log(1 / 0.0455)
    assert found.area == pytest.approx(expected, rel=0.03)
    assert found.side == pytest.approx(math.sqrt(found.area))
    assert found.share_of_image == pytest.approx(found.area / 250_000)
    assert found.share_of_theory == pytest.approx(found.area / 404**2)
    assert found.gaussian is not None
    assert (found.gaussian.major, found.gaussian.minor) == pytest.approx((60, 50), rel=0.05)
    assert found.anisotropy == pytest.approx(1.2, rel=0.05)
    assert math.hypot(*found.offset) < 3
    assert found.peak_error is not None
    assert 0.01 < found.peak_error < 0.1


def test_a_person_understands_the_summary() -> None:
    found = measure(as_result(GRID, SAMPLES, theory=THEORY))
    image, theory = round(100 * found.share_of_image), round(100 * found.area / 404**2)
    expected = f"hears {image} % of the image; {theory} % of its theoretical field"
    assert found.summary == expected
    low, high = found.interval() or (0, 0)
    assert found.sentence == (
        f"fc7@7,7 {expected} (smallest area with 95.45 % of the mass: {found.area:,.0f} of "
        f"500x500 pixels; 95 % interval {low:,.0f} to {high:,.0f})"
    )
    silent = measure(as_result(GRID, 0 * SAMPLES, theory=THEORY))
    assert silent.summary == "hears nothing of the image"
    assert measure(as_result(GRID, SAMPLES)).summary.endswith("theoretical field is unknown")


def test_intervals_in_every_unit() -> None:
    found = measure(as_result(GRID, SAMPLES, theory=THEORY))
    low, high = found.interval() or (0, 0)
    assert low < found.area < high
    assert found.interval("area") == (low, high)
    assert found.interval("side") == pytest.approx((math.sqrt(low), math.sqrt(high)))
    assert found.interval("share_of_image") == pytest.approx((low / 250_000, high / 250_000))
    assert found.interval("share_of_theory") == pytest.approx((low / 404**2, high / 404**2))
    assert found.interval("peak:0.5") != (low, high)
    assert measure(as_result(GRID, SAMPLES), resamples=0).interval() is None
    assert measure(as_result(GRID, SAMPLES)).interval("share_of_theory") is None
    with pytest.raises(SettingError, match=r"'peak:0.2' was not measured; there are mass:0.9545"):
        found.interval("peak:0.2")


def test_a_unit_near_the_corner_of_an_image_that_is_not_square() -> None:
    grid, (row, col) = PatchGrid((120, 96), patch=8, stride=8), (20.0, 30.0)
    samples = draw(truth(grid, (row, col), 15.0), 4, 0)
    field = as_field(grid, samples, (row, col))
    found = measure(field)
    assert found.share_of_image == pytest.approx(found.area / (120 * 96))
    square = found.size("square:0.99")
    half = square.side / 2
    rows = min(119.5, row + half) - max(-0.5, row - half)
    cols = min(95.5, col + half) - max(-0.5, col - half)
    assert square.area == pytest.approx(rows * cols)
    assert square.area < square.side**2
    # The mass lies around the unit: a ring around it holds what the pixels of the ring hold.
    pixels = field.cells.to_pixels(field.values)
    distance = np.hypot(np.arange(120)[:, None] - row, np.arange(96) - col)
    inside = np.array([pixels[distance <= radius].sum() for radius in found.profile.radius])
    np.testing.assert_allclose(found.profile.cumulative, inside / pixels.sum(), atol=0.03)
    peak = np.unravel_index(field.values.argmax(), field.values.shape)
    draws = samples[:, *peak]
    assert found.peak_error == pytest.approx(draws.std(ddof=1) / 2 / draws.mean())


def test_every_criterion_can_be_the_headline() -> None:
    result = as_result(GRID, SAMPLES, theory=THEORY)
    by_mass = measure(result, share=0.5)
    assert by_mass.criterion == "mass:0.5"
    assert by_mass.area == pytest.approx(2 * math.pi * 3000 * math.log(2), rel=0.05)
    by_peak = measure(result, criterion="peak", share=0.5)
    assert by_peak.criterion == "peak:0.5"
    assert by_peak.sizes[0] is by_peak.size()
    assert measure(result, criterion="peak").criterion == "peak:0.0455"
    by_test = measure(result, criterion="significant")
    assert by_test.criterion == "significant"
    assert by_test.area > by_mass.area
    names = [size.name for size in measure(result).sizes]
    assert len(set(names)) == len(names)
    for wrong in (
        {"criterion": "loud"},
        {"share": 95.45},
        {"criterion": "significant", "share": 0.5},
    ):
        with pytest.raises(SettingError, match=r"none of mass|between 0 and 1|use alpha"):
            measure(result, **wrong)  # type: ignore[arg-type]


@given(st.floats(1e-12, 1e12))
@settings(max_examples=20, deadline=None)
def test_nothing_depends_on_the_scale(factor: float) -> None:
    grid = PatchGrid((120, 96), patch=8, stride=8)
    samples = draw(truth(grid, (60.0, 50.0), 15.0, 0.3), 4, 0)
    one, other = (measure(as_field(grid, k * samples, (60.0, 50.0))) for k in (1.0, factor))
    for a, b in zip(one.sizes, other.sizes, strict=True):
        assert b.area == pytest.approx(a.area, rel=1e-6)
    assert one.gaussian is not None
    assert other.gaussian is not None
    assert other.gaussian.r_squared == pytest.approx(one.gaussian.r_squared, rel=1e-4)


def test_a_patch_grid_approaches_the_pixel_map() -> None:
    """Cells stand for the area they cover, the shifted last row and column included."""
    fine, coarse = PatchGrid((250, 233), 1, 1), PatchGrid((250, 233), 7, 7)
    center = (120.0, 110.0)
    areas = [
        float(mass_area(truth(grid, center, 25.0), Cells.of(grid).areas)) for grid in (fine, coarse)
    ]
    assert areas[1] == pytest.approx(areas[0], rel=0.01)
    cells = Cells.of(coarse)
    np.testing.assert_allclose(cells.areas, coarse.areas)
    assert cells.areas.sum() == 250 * 233
    assert cells.to_pixels(np.ones(coarse.shape)).shape == (250, 233)
    painted = cells.to_pixels(np.arange(cells.areas.size).reshape(cells.shape))
    np.testing.assert_allclose(
        np.bincount(painted.ravel().astype(int)), cells.areas.ravel(), atol=0.5 * 7 + 1
    )


def test_a_flat_map_takes_part_with_all_of_its_area() -> None:
    """Cells of unequal area: the shifted last row and column."""
    areas = PatchGrid((250, 233), 16, 16).areas
    assert areas.min() < areas.max()
    flat = np.full(areas.shape, 0.3)
    assert participation_area(flat, areas) == pytest.approx(250 * 233)
    assert mass_area(flat, areas, 0.5) == pytest.approx(250 * 233 / 2)


def test_r_squared_is_the_explained_share_of_the_variance() -> None:
    """For a map that is a Gaussian and something that is none."""
    cells = Cells.of_pixels((65, 65))
    row, col = np.indices((65, 65)) - 32
    field = np.exp(-(row**2 + col**2) / (2 * 8**2)) + 0.1 * ((row + col) % 2)
    fit = gaussian_fit(field, cells)
    assert fit is not None
    down, right = row + 32 - fit.center[0], col + 32 - fit.center[1]
    turn = math.radians(fit.angle)
    along = right * math.cos(turn) - down * math.sin(turn)
    across = right * math.sin(turn) + down * math.cos(turn)
    exponent = along**2 / fit.major**2 + across**2 / fit.minor**2
    rest = field - fit.amplitude * np.exp(-exponent / 2)
    expected = 1 - (rest**2).sum() / ((field - field.mean()) ** 2).sum()
    assert fit.r_squared == pytest.approx(expected, abs=1e-9)
    assert 0.3 < fit.r_squared < 0.99


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
@settings(max_examples=30, deadline=None)
def test_no_other_set_of_cells_is_smaller(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    field, areas = rng.random((4, 5)), rng.uniform(1, 2, (4, 5))
    mass = (field * areas).sum()
    inside = inside_mass(field, areas, share)
    assert (field * areas)[inside].sum() >= share * mass * (1 - 1e-12)
    smallest = float(mass_area(field, areas, share))
    assert smallest <= areas[inside].sum() + 1e-12
    for _ in range(50):
        other = rng.random((4, 5)) < rng.random()
        if (field * areas)[other].sum() >= share * mass:
            assert areas[other].sum() >= smallest - 1e-9


def test_rounding_outside_the_theoretical_field_counts_for_nothing() -> None:
    """The dense engine's rounding over the whole image must not pass for a wide field."""
    mean = truth(GRID, CENTER, 30.0)
    noise = draw(np.full(GRID.shape, 2e-3), 8, 1)
    theory = Box(150, 150, 350, 350)
    clean = measure(as_result(GRID, draw(mean, 8, 0), theory=theory))
    noisy = measure(as_result(GRID, draw(mean, 8, 0) + noise, theory=theory, engine="dense"))
    assert noisy.floor.source == "outside"
    assert noisy.area == pytest.approx(clean.area, rel=0.05)
    blind = measure(as_field(GRID, draw(mean, 8, 0) + noise, CENTER))
    assert blind.area > 2 * clean.area


def test_floors_are_exact_or_bounded() -> None:
    result = as_result(GRID, SAMPLES, engine="dense")
    assert measure(result).floor.source == "precision"
    assert measure(result).floor.value == pytest.approx(np.finfo(np.float32).eps)
    assert measure(as_result(GRID, SAMPLES)).floor.source == "exact"


def test_the_center_comes_from_theory_even_beyond_the_border() -> None:
    corner = Box(-180, -180, 224, 224)
    found = measure(as_result(GRID, SAMPLES, theory=corner))
    assert found.center == (21.5, 21.5)
    assert found.theory == Box(0, 0, 224, 224)
    unknown = measure(as_result(GRID, SAMPLES))
    assert unknown.center_from == "position"
    assert unknown.center == pytest.approx((7.5 * 500 / 16 - 0.5,) * 2)


def test_a_theory_that_is_the_whole_image_gives_no_center() -> None:
    """A unit that hears everything through attention or pooling still sits somewhere."""
    result = as_result(GRID, SAMPLES, theory=Box(0, 0, 500, 700))
    assert result.theory is not None
    whole = replace(result, theory=replace(result.theory, status="whole_image"))
    assert measure(result).center == (249.5, 349.5)
    assert measure(whole).center_from == "position"
    assert measure(whole).center == pytest.approx((7.5 * 500 / 16 - 0.5,) * 2)


def test_patches_that_cannot_reach_the_unit_count_for_nothing() -> None:
    """Even where an engine's zeros are exact."""
    found = measure(as_result(GRID, SAMPLES, theory=Box(200, 200, 300, 300)))
    assert found.floor.source == "exact"
    assert found.area < 132**2
    assert found.size("significant").area <= 132**2


def test_json_holds_every_number() -> None:
    found = measure(as_result(GRID, SAMPLES, theory=THEORY))
    values = json.loads(found.to_json())
    assert values["area"] == found.area
    assert values["summary"] == found.summary
    assert values["theory"] == {"top": 48, "left": 48, "bottom": 452, "right": 452}
    assert values["sizes"][0]["interval"]["level"] == 0.95
    assert values["profile"]["cumulative"][-1] == pytest.approx(1)
    silent = json.loads(measure(as_result(GRID, 0 * SAMPLES)).to_json())
    assert silent["offset"] == [None, None]


def test_a_whole_layer_is_not_one_field() -> None:
    grid = PatchGrid((64, 64), 16, 16)
    influence = np.ones((4, 4, 3, 3))
    result = LayerResult(
        discrepancy=influence,
        standard_error=influence,
        target=Target("fc7"),
        settings=Noise(),
        draws=8,
        joint=False,
        engine=EngineReport("delta", exact=True),
        activation=np.ones((3, 3), np.float32),
        image=np.zeros((3, *grid.image_size), np.float32),
    )
    with pytest.raises(UnitError, match="result of fc7 holds the fields of 3x3 units"):
        measure(result)


def test_a_single_draw_has_sizes_but_no_interval() -> None:
    found = measure(as_result(GRID, SAMPLES[:1], theory=THEORY))
    assert found.interval() is None
    assert found.peak_error is None
    with pytest.raises(SettingError, match="at least 2 draws"):
        measure(as_result(GRID, SAMPLES[:1]), criterion="significant")


def test_a_field_of_one_patch() -> None:
    grid = PatchGrid((16, 16), 16, 16)
    found = measure(as_field(grid, np.ones((3, 1, 1)), (7.5, 7.5)))
    assert found.area == pytest.approx(0.9545 * 256)
    assert found.gaussian is None
    assert isinstance(found.to_json(), str)
    assert isinstance(as_field(grid, np.ones((3, 1, 1)), (7.5, 7.5)), Field)
