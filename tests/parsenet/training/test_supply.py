import numpy as np
import pytest
import torch

from parsenet.input_space import InputSpace
from parsenet.training.augment import Augmentation
from parsenet.training.sampling import SampleOrder
from parsenet.training.supply import Supply
from strategies.tiny_trainings import SPACE, Endless, Photos, make_recipe


def test_a_sample_is_the_shuffled_augmented_photo():
    recipe = make_recipe(seed=5)
    supply = Supply.of(recipe, Photos(), SPACE)
    for k in (0, 9, 10, 1234):
        image, label = supply[k]
        photo, classes = Photos()[SampleOrder(10, 5).index(k)]
        plan = Augmentation.draw(
            (32, 32), seed=5, index=k, crop=(24, 24), scales=(0.75, 1.5), mirror=True
        )
        photo, classes = plan.apply(photo, classes, fill=(120.0, 110.0, 100.0))
        np.testing.assert_array_equal(image, photo)
        assert image.dtype == label.dtype == torch.uint8
        np.testing.assert_array_equal(label, classes)


def test_without_augmentation_photos_are_shown_whole():
    recipe = make_recipe(crop=[], scales=[1, 1], mirror=False)
    supply = Supply.of(recipe, Photos(), SPACE)
    image, label = supply[7]
    photo, classes = Photos()[SampleOrder(10, 0).index(7)]
    np.testing.assert_array_equal(image, photo)
    np.testing.assert_array_equal(label, classes)


@pytest.mark.parametrize("values", [{"crop": [24, 24]}, {"scales": [0.5, 0.5]}, {"mirror": True}])
def test_each_kind_of_augmentation_is_applied(values):
    plain = make_recipe(crop=[], scales=[1, 1], mirror=False)
    changed = Supply.of(plain.override(**values), Photos(), SPACE)
    shown = Supply.of(plain, Photos(), SPACE)
    assert any(not torch.equal(changed[k][0], shown[k][0]) for k in range(8))


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_what_is_padded_is_zero_to_the_model(order):
    space = InputSpace((30.0, 120.0, 200.0), (50.0, 60.0, 70.0), order)
    recipe = make_recipe(crop=[64, 64], scales=[0.5, 0.5], mirror=False)
    image, label = Supply.of(recipe, Photos(), space)[0]
    image = space.batch(image[None])[0]
    edges = torch.cat([image[:, 0].flatten(), image[:, -1].flatten()])
    assert (edges == 0).sum() >= edges.numel() // 2
    assert (image != 0).any()
    assert (label == 255).sum() >= 64 * 64 - 16 * 16


def test_an_endless_set_comes_in_order():
    supply = Supply.of(make_recipe(crop=[], scales=[1, 1], mirror=False), Endless(), SPACE)
    assert supply.images is None
    assert Supply.of(make_recipe(), Photos(), SPACE).images == 10
    np.testing.assert_array_equal(supply[13][0], Photos()[3][0])


class Frozen(Photos):
    """Photos whose memory may not be written to, with labels that are mirrored views of it."""

    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        image.flags.writeable = label.flags.writeable = False
        return image, label[:, ::-1]


@pytest.mark.filterwarnings("error")
def test_a_sample_may_be_written_to_whatever_the_data_set_hands_out():
    supply = Supply.of(make_recipe(crop=[], scales=[1, 1], mirror=False), Frozen(), SPACE)
    image, label = supply[7]
    photo, classes = Frozen()[SampleOrder(10, 0).index(7)]
    np.testing.assert_array_equal(image, photo)
    np.testing.assert_array_equal(label, classes)
