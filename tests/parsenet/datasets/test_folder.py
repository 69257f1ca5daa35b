import numpy as np
import pytest

from parsenet.datasets import open_dataset
from parsenet.errors import DatasetError
from strategies.datasets import labels, photo, write_image, write_lines, write_palette_png

CLASSES = ("background", "leaf blight", "soil")


def write(folder, names):
    for seed, name in enumerate(names):
        write_image(folder / f"images/{name}.png", photo(seed))
        write = write_palette_png if seed % 2 else write_image
        write(folder / f"labels/{name}.png", labels(seed, [0, 1, 2, 255]))


@pytest.fixture
def root(tmp_path):
    write_lines(tmp_path / "classes.txt", CLASSES)
    return tmp_path


def test_a_pair_of_folders_for_each_split(root):
    write(root / "train", ["a", "b"])
    data = open_dataset("folder", root, "train")
    assert data.classes == CLASSES
    assert data.names == ("a", "b")
    for seed, (image, label) in enumerate(data):
        np.testing.assert_array_equal(image, photo(seed))
        np.testing.assert_array_equal(label, labels(seed, [0, 1, 2, 255]))


def test_one_pair_of_folders_and_a_list_for_each_split(root):
    write(root, ["a", "b", "c"])
    write_lines(root / "val.txt", ["c", "a.png"])
    data = open_dataset("folder", root, "val")
    assert data.names == ("c", "a")
    np.testing.assert_array_equal(data[0][0], photo(2))


def test_names_may_hold_dots_and_blanks(root):
    write(root, ["frame.0001", "my photo", "c"])
    write_lines(root / "val.txt", ["my photo", "frame.0001", "c.png"])
    assert open_dataset("folder", root, "val").names == ("my photo", "frame.0001", "c")


def test_a_byte_order_mark_is_no_part_of_a_class(root):
    write(root / "train", ["a"])
    (root / "classes.txt").write_text("background\r\nleaf\r\nsoil\r\n", "utf-8-sig")
    assert open_dataset("folder", root, "train").classes == ("background", "leaf", "soil")


def test_a_missing_list_is_named(root):
    write(root, ["a"])
    with pytest.raises(DatasetError, match=r"val.txt is missing \(looked for images, labels, val"):
        open_dataset("folder", root, "val")


def test_a_listed_photo_must_be_there(root):
    write(root, ["a"])
    write_lines(root / "val.txt", ["a", "b"])
    with pytest.raises(DatasetError, match=r"images/b.jpg is missing; .* 2 files are"):
        open_dataset("folder", root, "val")


def test_missing_class_names_are_an_error(tmp_path):
    write(tmp_path / "train", ["a"])
    with pytest.raises(DatasetError, match=r"looked for classes.txt in "):
        open_dataset("folder", tmp_path, "train")


def test_a_class_named_twice_is_an_error(root):
    write_lines(root / "classes.txt", ["a", "b", "a"])
    with pytest.raises(DatasetError, match=r"1 to 255 different names, has 2 in 3 lines"):
        open_dataset("folder", root, "train")


def test_a_label_beyond_the_classes_is_refused(root):
    write(root / "train", ["a"])
    write_image(root / "train/labels/a.png", np.full((6, 8), 3, np.uint8))
    with pytest.raises(DatasetError, match=r"a.png: label 3 is neither one of the 3 classes"):
        open_dataset("folder", root, "train")[0]


def test_sizes_must_agree(root):
    write(root / "train", ["a"])
    write_image(root / "train/labels/a.png", np.zeros((8, 6), np.uint8))
    with pytest.raises(DatasetError, match=r"labels/a.png: is 8x6, its image 6x8"):
        open_dataset("folder", root, "train")[0]
