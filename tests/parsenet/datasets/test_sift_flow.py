import numpy as np
import pytest

from parsenet.datasets import open_dataset
from parsenet.errors import DatasetError
from strategies.datasets import SIFT_FOLDER, write_lines, write_sift_flow

TRAIN, TEST = ("coast_bea1", "forest_for2"), ("coast_natu975", "street_urb3")


@pytest.fixture
def written(tmp_path):
    return write_sift_flow(tmp_path, (*TRAIN, "highway_bost181", "street_urb506"), TEST)


def test_labels_shift_by_one_and_void_wraps_to_255(tmp_path, written):
    data = open_dataset("sift-flow", tmp_path, "test")
    assert data.names == TEST
    for name, (image, label) in zip(data.names, data, strict=True):
        assert image.shape == (6, 8, 3)
        raw = written[name].astype(int)
        np.testing.assert_array_equal(label, np.where(raw == 0, 255, raw - 1))
    assert 255 in data[0][1]


def test_there_are_33_classes_in_alphabetical_order(tmp_path, written):
    data = open_dataset("sift-flow", tmp_path, "test")
    assert len(data.classes) == 33
    assert list(data.classes) == sorted(data.classes)
    assert (data.classes[0], data.classes[27], data.classes[32]) == ("awning", "sky", "window")
    assert {"cow", "desert", "moon"} < set(data.classes)


def test_train_is_the_rest_without_the_two_unannotated_photos(tmp_path, written):
    assert open_dataset("sift-flow", tmp_path, "train").names == TRAIN


def test_the_list_may_be_fcns(tmp_path, written):
    (tmp_path / "TestSet1.txt").unlink()
    write_lines(tmp_path / "test.txt", TEST)
    assert open_dataset("sift-flow", tmp_path, "test").names == TEST
    assert open_dataset("sift-flow", tmp_path, "train").names == TRAIN


def test_a_missing_list_is_named(tmp_path, written):
    (tmp_path / "TestSet1.txt").unlink()
    with pytest.raises(DatasetError, match=r"^sift-flow: .*TestSet1.txt is missing \(looked for "):
        open_dataset("sift-flow", tmp_path, "test")


def test_a_missing_label_file_is_named(tmp_path, written):
    (tmp_path / f"SemanticLabels/{SIFT_FOLDER}/street_urb3.mat").unlink()
    with pytest.raises(DatasetError, match=r"street_urb3.mat is missing; of the 2 photos"):
        open_dataset("sift-flow", tmp_path, "test")


def test_it_has_no_val(tmp_path, written):
    with pytest.raises(DatasetError, match="sift-flow: no split 'val'; there are train, test"):
        open_dataset("sift-flow", tmp_path, "val")
