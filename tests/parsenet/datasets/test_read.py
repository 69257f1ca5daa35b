import pickle

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from parsenet.datasets import DATASETS, open_dataset
from parsenet.datasets.layout import read_names
from parsenet.datasets.read import read_image, read_indices, read_mat
from parsenet.errors import DatasetError, ParseNetError
from strategies.datasets import photo, write_camvid, write_image, write_lines, write_voc


def test_colours_are_no_labels(tmp_path):
    write_image(tmp_path / "a.png", photo(0))
    with pytest.raises(
        DatasetError, match=r"a.png: labels must be indices .*, not RGB: turn each colour"
    ):
        read_indices(tmp_path / "a.png")


def test_a_grey_photo_reads_as_rgb(tmp_path):
    Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[1, 2].tolist() == [5, 5, 5]


def test_a_damaged_photo_is_one_line(tmp_path):
    write_image(tmp_path / "a.jpg", photo(0, 64, 64))
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match=r"a.jpg: cannot be read as an image: .+") as caught:
        read_image(tmp_path / "a.jpg")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a mat file" * 20, b"MATLAB 5.0 MAT-file"])
def test_a_damaged_mat_is_one_line(tmp_path, content):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(DatasetError, match=r"a.mat: LabelMap cannot be read: .+") as caught:
        read_mat(tmp_path / "a.mat", "LabelMap")
    assert "\n" not in str(caught.value)


def test_a_mat_cut_short_is_one_line(tmp_path):
    savemat(tmp_path / "a.mat", {"S": np.random.default_rng(0).integers(0, 9, (50, 50))})
    whole = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match=r"a.mat: S cannot be read"):
        read_mat(tmp_path / "a.mat", "S")


def test_another_variable_is_named(tmp_path):
    savemat(tmp_path / "a.mat", {"T": np.zeros((2, 2)), "S": "text"})
    with pytest.raises(DatasetError, match=r"LabelMap cannot be read: no such variable"):
        read_mat(tmp_path / "a.mat", "LabelMap")
    with pytest.raises(DatasetError, match=r"S is no matrix of numbers"):
        read_mat(tmp_path / "a.mat", "S")


@pytest.mark.parametrize(
    "line",
    [
        "a_1",
        "a_1 -1",
        "/JPEGImages/a_1.jpg /SegmentationClassAug/a_1.png",
        "static\\a_1.jpg",
        " a_1\r",
    ],
)
def test_every_style_of_list_is_understood(tmp_path, line):
    write_lines(tmp_path / "list.txt", [line, "", "b"])
    assert read_names(tmp_path / "list.txt") == ["a_1", "b"]


def test_an_unknown_data_set_is_refused_with_the_names_of_all():
    with pytest.raises(ParseNetError, match="no data set 'voc'; there are voc2012, pascal-context"):
        open_dataset("voc", ".", "val")
    assert {"sift-flow", "camvid", "folder", "pascal-context-59"} < set(DATASETS)


def test_a_data_set_can_go_to_a_worker_process(tmp_path):
    write_camvid(tmp_path, {"val": ["x_1", "x_2"]})
    data = open_dataset("camvid", tmp_path, "val")
    there = pickle.loads(pickle.dumps(data))
    assert there.names == data.names
    np.testing.assert_array_equal(there[1][1], data[1][1])


def test_an_index_beyond_the_end_ends_an_iteration(tmp_path):
    write_voc(tmp_path, {"train": ["x_1", "x_2"]})
    data = open_dataset("voc2012", tmp_path, "train")
    assert sum(1 for _ in data) == 2
    with pytest.raises(IndexError):
        data[2]


def test_a_mask_of_single_bits_holds_two_classes(tmp_path):
    mask = np.array([[0, 1, 1], [1, 0, 0]], bool)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    labels = read_indices(tmp_path / "mask.png")
    assert labels.dtype == np.uint8
    assert labels.tolist() == mask.astype(int).tolist()


TURNED = {  # EXIF's eight ways of holding a camera, as turns of an array (TIFF 6.0, tag 274)
    1: lambda seen: seen,
    2: lambda seen: seen[:, ::-1],
    3: lambda seen: seen[::-1, ::-1],
    4: lambda seen: seen[::-1],
    5: lambda seen: seen.swapaxes(0, 1),
    6: lambda seen: np.rot90(seen, -1),
    7: lambda seen: seen[::-1, ::-1].swapaxes(0, 1),
    8: lambda seen: np.rot90(seen),
}


@pytest.mark.parametrize("orientation", TURNED)
def test_photos_and_labels_are_turned_alike(tmp_path, orientation):
    held = Image.Exif()
    held[0x0112] = orientation
    levels, label = photo(0, 3, 5), np.arange(15, dtype=np.uint8).reshape(3, 5)
    Image.fromarray(levels).save(tmp_path / "a.png", exif=held)
    Image.fromarray(label).save(tmp_path / "b.png", exif=held)
    assert np.array_equal(read_image(tmp_path / "a.png"), TURNED[orientation](levels))
    assert np.array_equal(read_indices(tmp_path / "b.png"), TURNED[orientation](label))


def test_a_small_file_that_claims_to_be_huge_is_refused(tmp_path, monkeypatch):
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for read in (read_image, read_indices):
        with pytest.raises(DatasetError, match=r"a.png: is larger than 1000 pixels"):
            read(tmp_path / "a.png")


@pytest.mark.parametrize("value", [1e300, 2.0**40, np.inf, np.nan])
def test_a_matrix_beyond_all_classes_is_refused_without_a_warning(tmp_path, value, recwarn):
    savemat(tmp_path / "a.mat", {"S": np.full((2, 2), value)})
    with pytest.raises(DatasetError, match="which is no whole number of a class"):
        read_mat(tmp_path / "a.mat", "S")
    assert not recwarn.list


def test_an_empty_matrix_is_refused(tmp_path):
    savemat(tmp_path / "a.mat", {"S": np.zeros((0, 0))})
    with pytest.raises(DatasetError, match="S is empty"):
        read_mat(tmp_path / "a.mat", "S")
