import numpy as np
import pytest
import torch
from torch import nn

import erf
from erf import occlusion_field
from erf.errors import LayerError, SettingError, UnitError
from erf.measures import inside_share_of_peak, measure, preset
from erf.probing import rank_specimens


def detector() -> nn.Module:
    """One channel that answers to brightness within 9x9 pixels, one that answers to nothing."""
    conv = nn.Conv2d(3, 2, 9, padding=4)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0] = 1 / 243
        conv.bias.zero_()
    return nn.Sequential(conv)


def spot(row: int, col: int, brightness: float, size: tuple[int, int] = (48, 60)) -> torch.Tensor:
    image = torch.zeros(3, *size)
    image[:, row - 4 : row + 5, col - 4 : col + 5] = brightness
    return image


IMAGES = [spot(20, 30, 1.0), spot(12, 40, 3.0), spot(30, 14, 2.0), spot(24, 24, 0.5)]


def specimens() -> list[erf.Subject]:
    model = detector()
    return [erf.Subject(model, image) for image in IMAGES]


def test_images_are_ranked_by_their_strongest_response() -> None:
    ranked = rank_specimens(specimens(), "0", 0)
    assert [index for _, index in ranked] == [1, 2, 0, 3]
    assert [response for response, _ in ranked] == pytest.approx([3, 2, 1, 0.5], rel=1e-5)
    assert [index for _, index in rank_specimens(specimens(), "0", 1)] == [0, 1, 2, 3]


def test_the_calibrated_map_lies_around_the_unit_wherever_it_was() -> None:
    found = occlusion_field(detector(), IMAGES, "0", 0, top=3, patch=3, stride=1)
    assert found.ranking == (1, 2, 0)
    assert [result.target.unit for result in found.results] == [(12, 40), (30, 14), (20, 30)]
    measured = measure(found.field)
    # The filter's 9 pixels, and what of a patch of 3 reaches in from either side.
    values = found.field.values
    rows, cols = np.nonzero(values)
    assert np.ptp(rows) + 1 == np.ptp(cols) + 1 == 11
    assert measured.offset == pytest.approx((0, 0), abs=0.3)
    assert measured.draws == 3
    assert inside_share_of_peak(values, 0.2).sum() <= 121
    assert preset("zhou", found.field.cells.to_pixels(values)).values["size"] == pytest.approx(
        9, abs=1.5
    )


def test_a_single_probe_is_what_is_averaged() -> None:
    found = occlusion_field(detector(), IMAGES, "0", 0, top=1, patch=3, stride=1)
    alone = erf.probe(
        detector(),
        IMAGES[1],
        "0",
        unit="max",
        channel=0,
        patch=3,
        stride=1,
        draws=1,
        stimulus="replace",
        image_index=1,
    )
    np.testing.assert_allclose(found.results[0].discrepancy, alone.discrepancy)
    assert measure(found.field).area == pytest.approx(measure(alone).area, rel=1e-6)


def test_fewer_images_than_wanted_are_all_taken() -> None:
    found = occlusion_field(detector(), IMAGES[:2], "0", 0, top=10, patch=3, stride=3)
    assert found.ranking == (1, 0)


def test_by_default_it_is_as_zhou_says() -> None:
    plan = occlusion_field(detector(), IMAGES[:1], "0", 0).results[0].settings
    assert (plan.patch, plan.stride, plan.stimulus.name) == (11, 3, "replace")


def test_what_cannot_be_occluded() -> None:
    with pytest.raises(SettingError, match="at least one image, not 0"):
        occlusion_field(detector(), [], "0", 0)
    with pytest.raises(SettingError, match="top 0 must be at least 1 image"):
        occlusion_field(detector(), IMAGES, "0", 0, top=0)
    with pytest.raises(UnitError, match="channel 2 is outside layer '0', which has 2 channels"):
        occlusion_field(detector(), IMAGES, "0", 2)
    with pytest.raises(LayerError, match="layer 'conv9' is not one of"):
        occlusion_field(detector(), IMAGES, "conv9", 0)
