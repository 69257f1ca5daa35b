import pytest
import torch
from torchvision.transforms.v2.functional import normalize

from parsenet.errors import ParseNetError
from parsenet.input_space import InputSpace


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_a_batch_is_normalized_as_torchvision_does_with_its_channels_last_in_memory(order):
    space = InputSpace((30.0, 120.0, 200.0), (50.0, 60.0, 70.0), order)
    images = torch.randint(0, 256, (2, 5, 7, 3), dtype=torch.uint8)
    planes = images.permute(0, 3, 1, 2).float()
    planes = planes.flip(1) if order == "bgr" else planes
    batch = space.batch(images)
    torch.testing.assert_close(batch, normalize(planes, list(space.mean), list(space.std)))
    assert batch.is_contiguous(memory_format=torch.channels_last)
    for image, one in zip(images, batch, strict=True):
        assert torch.equal(space.tensor(image.numpy()), one)


def test_a_deviation_of_nothing_is_refused_in_words():
    with pytest.raises(ParseNetError, match=r"std must be three numbers above zero, not \(1.0, 1"):
        InputSpace((1.0, 2.0, 3.0), (1.0, 1.0, 0.0))
