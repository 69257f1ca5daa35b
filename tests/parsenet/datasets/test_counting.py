"""Counts of classes against counts made by hand."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parsenet.datasets import open_dataset
from parsenet.datasets.counting import count_classes
from parsenet.errors import DatasetError


def folder(root: Path, labels: list[np.ndarray], classes: list[str]) -> Path:
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    (root / "classes.txt").write_text("\n".join(classes))
    (root / "train.txt").write_text("\n".join(f"p{n}" for n in range(len(labels))))
    for number, label in enumerate(labels):
        shape = (*label.shape, 3)
        Image.fromarray(np.zeros(shape, np.uint8)).save(root / f"images/p{number}.png")
        Image.fromarray(label).save(root / f"labels/p{number}.png")
    return root


def test_pixels_are_counted_and_what_never_occurs_is_named(tmp_path: Path) -> None:
    labels = [np.uint8([[0, 0, 0, 1]]), np.uint8([[255, 255, 0, 1]])]
    root = folder(tmp_path, labels, ["road", "car", "sign", "tree"])
    counts = count_classes(open_dataset("folder", root, "train"))
    assert counts.pixels.tolist() == [4, 2, 0, 0]
    assert (counts.void, counts.images) == (2, 2)
    assert counts.absent == ("sign", "tree")
    assert counts.report() == (
        "2 images: road 66.7%, car 33.3%; void 25.0%\nnote: no pixel has sign, tree (2 classes)"
    )


def test_a_mask_of_0_and_255_is_said_to_have_one_class(tmp_path: Path) -> None:
    root = folder(tmp_path, [np.uint8([[0, 255]])], ["background", "cat"])
    report = count_classes(open_dataset("folder", root, "train")).report()
    assert "no pixel has cat (1 class)" in report
    assert "one class alone occurs" in report
    assert "255 is void" in report


def test_a_set_of_void_alone_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path, [np.full((2, 3), 255, np.uint8)] * 2, ["a", "b"])
    with pytest.raises(DatasetError, match=r"every pixel of its 2 labels is void \(255\)"):
        count_classes(open_dataset("folder", root, "train"))


def test_one_wrong_label_of_many_is_found_before_training(tmp_path: Path) -> None:
    labels = [np.uint8([[0, 1]])] * 9 + [np.uint8([[0, 7]])]
    root = folder(tmp_path, labels, ["a", "b"])
    with pytest.raises(DatasetError, match=r"p9\.png: label 7 is neither one of the 2 classes"):
        count_classes(open_dataset("folder", root, "train"))


def test_sixteen_bit_labels_are_looked_at_before_they_are_cast(tmp_path: Path) -> None:
    root = folder(tmp_path, [np.uint16([[0, 1]]), np.uint16([[0, 256]])], ["a", "b"])
    data = open_dataset("folder", root, "train")
    assert data[0][1].tolist() == [[0, 1]]
    with pytest.raises(DatasetError, match="label 256 is neither"):
        data[1]
