import pytest
import torch
from torch.nn import functional

from parsenet import ModelError
from parsenet.combine import Crop, Enlarge, Replicate


def test_crop_leaves_out_the_leading_units() -> None:
    x = torch.arange(30.0).view(1, 1, 5, 6)
    assert torch.equal(Crop(2)(x, torch.zeros(1, 3, 2, 3)), x[:, :, 2:4, 2:5])


@pytest.mark.parametrize("size", [(4, 3), (3, 5)])
def test_a_map_that_does_not_reach_is_refused(size: tuple[int, int]) -> None:
    x = torch.zeros(1, 1, 5, 6)
    message = f"a 5x6 map cannot be cropped to {size[0]}x{size[1]} at offset 2"
    with pytest.raises(ModelError, match=message):
        Crop(2)(x, torch.zeros(1, 3, *size))


def test_enlarging_interpolates_then_crops() -> None:
    x = torch.randn(2, 3, 4, 5)
    expected = functional.interpolate(x, size=(8, 10), mode="bilinear")[:, :, 1:8, 1:7]
    torch.testing.assert_close(Enlarge(2, offset=1)(x, torch.zeros(2, 1, 7, 6)), expected)


def test_enlarging_by_one_only_crops() -> None:
    x = torch.randn(1, 2, 6, 6)
    assert torch.equal(Enlarge(1, offset=1)(x, torch.zeros(1, 1, 4, 4)), x[:, :, 1:5, 1:5])


def test_replicating_repeats_every_channel() -> None:
    x = torch.randn(2, 3, 1, 1)
    assert torch.equal(Replicate()(x, torch.zeros(2, 1, 4, 5)), x.repeat(1, 1, 4, 5))
