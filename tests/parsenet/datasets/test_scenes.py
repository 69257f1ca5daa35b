import numpy as np
import pytest

from parsenet.datasets import SceneDataset, open_dataset
from parsenet.errors import DatasetError
from parsenet.scenes import CLASSES, HELD_OUT, SceneSpec, render


@pytest.mark.parametrize(("split", "first"), [("train", 0), ("val", HELD_OUT)])
def test_scenes_are_those_of_their_index(split, first):
    data = open_dataset("scenes", None, split)
    assert data.classes == CLASSES
    assert len(data) == len(data.names) == 200
    scene = render(SceneSpec(), first + 7)
    image, label = data[7]
    np.testing.assert_array_equal(image, scene.image)
    np.testing.assert_array_equal(label, scene.label)
    with pytest.raises(IndexError):
        data[200]


def test_a_family_of_scenes_can_be_named():
    spec = SceneSpec(seed=3, size=64)
    data = SceneDataset("train", spec, count=2)
    labels = [label for _, label in data]
    assert len(labels) == 2
    np.testing.assert_array_equal(labels[1], render(spec, 1).label)


def test_only_scenes_need_no_root():
    with pytest.raises(DatasetError, match="camvid: needs the root folder of its files"):
        open_dataset("camvid", None, "val")
    with pytest.raises(DatasetError, match="scenes: no split 'test'; there are train, val"):
        open_dataset("scenes", None, "test")
