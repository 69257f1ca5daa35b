import numpy as np
import pytest

from parsenet.datasets import open_dataset
from parsenet.errors import DatasetError
from strategies.datasets import write_camvid

SPLITS = {"train": ("0001TP_1", "0006R0_2"), "val": ("0016E5_3",), "test": ("Seq05VD_4",)}


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_11_becomes_void(tmp_path, suffix):
    written = write_camvid(tmp_path, SPLITS, suffix)
    for split, names in SPLITS.items():
        data = open_dataset("camvid", tmp_path, split)
        assert data.names == names
        for name, (image, label) in zip(names, data, strict=True):
            assert image.shape == (6, 8, 3)
            np.testing.assert_array_equal(label, np.where(written[name] == 11, 255, written[name]))
            assert 255 in label


def test_there_are_11_classes(tmp_path):
    write_camvid(tmp_path, SPLITS)
    data = open_dataset("camvid", tmp_path, "val")
    assert len(data.classes) == 11
    assert data.classes[:3] + data.classes[-1:] == ("sky", "building", "pole", "bicyclist")
    assert data.palette[3].tolist() == [128, 64, 128]
    assert len(np.unique(data.palette[:12], axis=0)) == 12


def test_a_label_without_its_photo_is_an_error_and_so_is_a_photo_without_its_label(tmp_path):
    write_camvid(tmp_path, SPLITS)
    (tmp_path / "train/0001TP_1.png").unlink()
    (tmp_path / "trainannot/0006R0_2.png").unlink()
    with pytest.raises(DatasetError, match=r"train/0001TP_1.png is missing; .* 2 files are"):
        open_dataset("camvid", tmp_path, "train")


def test_a_split_that_is_not_there_is_named(tmp_path):
    write_camvid(tmp_path, {"train": ["0001TP_1"]})
    with pytest.raises(DatasetError, match=r"looked for test, testannot in "):
        open_dataset("camvid", tmp_path, "test")


def test_two_photos_of_one_name_are_refused(tmp_path):
    write_camvid(tmp_path, SPLITS)
    write_camvid(tmp_path, SPLITS, ".jpg")
    with pytest.raises(DatasetError, match=r"val: holds both 0016E5_3.jpg and 0016E5_3.png"):
        open_dataset("camvid", tmp_path, "val")


def test_an_empty_split_is_an_error(tmp_path):
    (tmp_path / "val").mkdir()
    (tmp_path / "valannot").mkdir()
    with pytest.raises(DatasetError, match="camvid: the split names no photo"):
        open_dataset("camvid", tmp_path, "val")
