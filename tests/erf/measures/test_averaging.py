from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from erf.engines.report import EngineReport
from erf.errors import SettingError, UnitError
from erf.geometry import Box, PatchGrid, Target
from erf.measures import (
    Field,
    average,
    calibrate,
    interior_average,
    interior_units,
    mass_area,
    measure,
    unit_sizes,
)
from erf.results import LayerResult
from erf.settings import Noise
from strategies.fields import as_field, as_result, truth
from strategies.theories import theory_of_boxes

GRID = PatchGrid((240, 208), patch=8, stride=8)
MIDDLE = (119.5, 103.5)


def wide(unit: tuple[int, int]) -> Box:
    """Theoretical fields of 88x88 pixels, 16 apart."""
    return Box(16 * unit[0] - 36, 16 * unit[1] - 36, 16 * unit[0] + 52, 16 * unit[1] + 52)


def layer(box: Callable[[tuple[int, int]], Box] = wide) -> LayerResult:
    """Every unit of a 15x13 layer hears the same Gaussian around its own centre."""
    influence = np.stack(
        [np.stack([truth(GRID, wide((r, c)).center, 10.0) for c in range(13)]) for r in range(15)]
    ).transpose(2, 3, 0, 1)
    return LayerResult(
        discrepancy=influence,
        standard_error=0 * influence,
        target=Target("conv"),
        settings=Noise(patch=8),
        draws=8,
        joint=False,
        engine=EngineReport("delta", exact=True),
        activation=np.ones((15, 13), np.float32),
        image=np.zeros((3, 240, 208), np.float32),
        theory=theory_of_boxes((240, 208), (15, 13), box),
    )


def test_average_in_image_coordinates() -> None:
    fields = [as_field(GRID, truth(GRID, MIDDLE, sigma)[None], MIDDLE) for sigma in (20, 25, 30)]
    mean = average(fields)
    np.testing.assert_allclose(mean.values, np.mean([f.values for f in fields], axis=0))
    found = measure(mean)
    interval = found.interval()
    assert interval is not None
    assert interval[0] < found.area < interval[1]
    assert found.draws == 3
    assert found.share_of_image == pytest.approx(found.area / (240 * 208))
    assert measure(average(fields[:1])).interval() is None


def test_a_patch_reaches_the_average_if_it_reached_in_any_image() -> None:
    field = as_field(GRID, np.ones((1, *GRID.shape)), MIDDLE)
    above = np.broadcast_to(np.arange(GRID.shape[0])[:, None] < 9, GRID.shape)
    left = np.broadcast_to(np.arange(GRID.shape[1]) < 9, GRID.shape)
    masked = [replace(field, reachable=mask) for mask in (above, left)]
    np.testing.assert_array_equal(average(masked).reachable, above | left)
    assert average([masked[0], field]).reachable is None


def test_average_refuses_what_does_not_lie_on_one_another() -> None:
    here = as_field(GRID, truth(GRID, MIDDLE, 20)[None], MIDDLE)
    there = as_field(GRID, truth(GRID, MIDDLE, 20)[None], (50.0, 50.0))
    with pytest.raises(SettingError, match=r"centred at \(50.0, 50.0\), not \(119.5, 103.5\)"):
        average([here, there])
    small = PatchGrid((64, 64), 8, 8)
    with pytest.raises(SettingError, match=r"recentre them with calibrate"):
        average([here, as_field(small, np.ones((1, *small.shape)), MIDDLE)])
    with pytest.raises(SettingError, match="at least one result of a probe is needed, not 0"):
        calibrate([])


def test_calibrated_map_undoes_where_each_unit_was() -> None:
    """Shifts by whole strides are undone exactly; only the border is missing."""
    centers = [(119.5 + 8 * down, 103.5 + 8 * right) for down, right in ((0, 0), (-6, 3), (4, -5))]
    fields = [as_field(GRID, truth(GRID, center, 16.0)[None], center) for center in centers]
    mean = calibrate(fields)
    alone = calibrate(fields[:1])
    reach = min(len(mean.values), len(alone.values)) // 2
    middle, other = len(mean.values) // 2, len(alone.values) // 2
    np.testing.assert_allclose(
        mean.values[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1],
        alone.values[other - reach : other + reach + 1, other - reach : other + reach + 1],
        atol=1e-12,
    )
    assert measure(mean).area == pytest.approx(measure(fields[0]).area, rel=0.02)
    assert measure(mean).offset == pytest.approx((0, 0), abs=0.05)
    assert measure(mean).image_size == (240, 208)


def test_a_place_outside_one_image_is_averaged_over_the_others() -> None:
    edge, inner = (3.5, 103.5), MIDDLE
    flat = np.ones((1, *GRID.shape))
    mean = calibrate([as_field(GRID, flat, edge), as_field(GRID, 3 * flat, inner)])
    middle = len(mean.values) // 2
    assert mean.values[middle, middle] == pytest.approx(2)
    assert mean.values[middle - 8, middle] == pytest.approx(3)
    assert mean.values[middle + 20, middle] == pytest.approx(1)
    assert mean.samples is not None
    np.testing.assert_allclose(mean.samples[:, middle, middle], [1, 3])
    np.testing.assert_allclose(mean.samples[:, middle - 8, middle], [3, 3])


def test_all_of_the_image_lies_in_the_map_of_a_unit_at_its_border() -> None:
    mean = calibrate([as_field(GRID, np.ones((1, *GRID.shape)), (119.5, 3.5))])
    middle = len(mean.values) // 2
    assert mean.values[middle, middle : middle + 26].tolist() == [1.0] * 26
    assert np.nansum(mean.values[middle + 1 :, middle]) > 0


def test_calibrated_theory_is_recentred() -> None:
    results = []
    for down in (0, 2):
        box = Box(60 + 8 * down, 50, 180 + 8 * down, 158)
        results.append(as_result(GRID, truth(GRID, box.center, 16.0)[None], theory=box))
    mean = calibrate([Field.of(result) for result in results])
    assert mean.theory is not None
    assert mean.theory.size == (120, 108)
    assert mean.theory.center == pytest.approx(mean.center, abs=0.5)


def test_calibrated_maps_of_different_grids() -> None:
    """Read at the finer stride, and within reach of any unit's theoretical field."""
    coarse = PatchGrid((240, 208), patch=16, stride=16)
    boxes = (Box(59, 43, 179, 163), Box(79, 53, 159, 153))
    fields = [
        Field.of(as_result(grid, truth(grid, box.center, 16.0)[None], theory=box))
        for grid, box in zip((coarse, GRID), boxes, strict=True)
    ]
    mean = calibrate(fields)
    assert mean.stride == 8
    assert mean.cells.row_centers[1] - mean.cells.row_centers[0] == 8
    assert calibrate(fields, spacing=4).stride == 4
    assert mean.theory is not None
    assert mean.theory.size == (120, 120)


def test_interior_units_have_their_whole_field_in_the_image() -> None:
    units = interior_units(layer())
    assert units[0] == (3, 3)
    assert units[-1] == (11, 9)
    assert len(units) == 9 * 7


def test_interior_average_is_the_typical_unit() -> None:
    mean = interior_average(layer())
    one = layer().unit((6, 6))
    assert measure(mean).area == pytest.approx(measure(one).area, rel=0.02)
    assert measure(mean).summary.endswith("% of its theoretical field")
    assert "63 interior units" in mean.label


def test_sizes_of_all_units_as_a_map() -> None:
    sizes = unit_sizes(layer())
    assert sizes.shape == (15, 13)
    inner = sizes[3:12, 3:10]
    np.testing.assert_allclose(inner, inner[0, 0], rtol=0.02)
    assert sizes[0, 0] < 0.6 * inner[0, 0]
    direct = mass_area(layer().discrepancy[:, :, 6, 6], GRID.areas)
    assert sizes[6, 6] == pytest.approx(float(direct))


def test_units_outside_and_layers_that_are_none() -> None:
    with pytest.raises(UnitError, match=r"unit 15,0 is outside layer 'conv', which has 15x13"):
        layer().unit((15, 0))
    single = as_result(GRID, np.ones((2, *GRID.shape)))
    with pytest.raises(UnitError, match="fc7@7,7 is of one unit; probe the layer with unit all"):
        unit_sizes(single)
    huge = layer(lambda unit: Box(-9, -9, 999, 999))
    with pytest.raises(UnitError, match="no unit of 'conv' has its whole theoretical field"):
        interior_average(huge)
