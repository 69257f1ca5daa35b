from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from parsenet.datasets import open_dataset
from parsenet.errors import DatasetError
from strategies.datasets import photo, write_image, write_lines

TRAIN, VAL = ("2008_000001", "2008_000002"), ("2008_000003",)

# A few of the 459, with their real numbers; the others are filled up. Names as in labels.txt.
NUMBERS = {1: "accordion", 2: "aeroplane", 3: "air conditioner", 19: "bedclothes", 80: "cloth"}
NUMBERS |= {81: "clothes tree", 397: "table", 398: "tableware", 427: "tvmonitor"}

# The 59 as 59_labels.txt lists them, with its spellings.
TASK_NAMES = """
aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person
pottedplant sheep sofa train tvmonitor bag bed bench book building cabinet ceiling clothes
computer cup door fence floor flower food grass ground keyboard light mountain mouse curtain
platform sign plate road rock shelves sidewalk sky snow bedcloth track tree truck wall water
window wood
"""
TASK = TASK_NAMES.split()
OTHER_SPELLING = {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}


def all_names() -> dict[int, str]:
    names = dict(NUMBERS)
    rest = [name for name in TASK if OTHER_SPELLING.get(name, name) not in names.values()]
    free = [number for number in range(1, 460) if number not in names]
    names |= dict(zip(free, rest + [f"thing {n}" for n in free[len(rest) :]], strict=True))
    return dict(sorted(names.items()))


@pytest.fixture
def maps(tmp_path: Path) -> dict[str, np.ndarray]:
    voc = tmp_path / "VOCdevkit/VOC2010"
    write_lines(voc / "ImageSets/Main/train.txt", TRAIN)
    write_lines(voc / "ImageSets/Main/val.txt", VAL)
    write_lines(tmp_path / "labels.txt", [f"{k}: {name}" for k, name in all_names().items()])
    write_lines(tmp_path / "59_labels.txt", [f"{k}: {name}" for k, name in enumerate(TASK, 1)])
    (tmp_path / "trainval").mkdir()
    maps = {}
    for seed, name in enumerate((*TRAIN, *VAL)):
        write_image(voc / f"JPEGImages/{name}.jpg", photo(seed, 20, 24))
        maps[name] = np.random.default_rng(seed).integers(1, 460, (20, 24)).astype(np.uint16)
        savemat(tmp_path / f"trainval/{name}.mat", {"LabelMap": maps[name]})
    maps["2008_000003"][0, :6] = [2, 397, 398, 80, 19, 427]
    savemat(tmp_path / "trainval/2008_000003.mat", {"LabelMap": maps["2008_000003"]})
    return maps


def translated(number: int) -> int:
    """Slowly and by name, as FCN does it: 1..59, or 0 for all other things."""
    name = all_names()[number]
    back = {new: old for old, new in OTHER_SPELLING.items()}
    name = back.get(name, name)
    return TASK.index(name) + 1 if name in TASK else 0


def test_459_labels_become_59_and_the_background(tmp_path, maps):
    data = open_dataset("pascal-context", tmp_path, "val")
    assert data.classes == ("background", *TASK)
    _, label = data[0]
    assert label[0, :6].tolist() == [1, 11, 0, 28, 52, 20]
    np.testing.assert_array_equal(label, np.vectorize(translated)(maps["2008_000003"]))
    assert label.dtype == np.uint8
    assert 255 not in label


def test_without_the_background_it_is_void(tmp_path, maps):
    data = open_dataset("pascal-context-59", tmp_path, "val")
    assert data.classes == tuple(TASK)
    _, label = data[0]
    assert label[0, :6].tolist() == [0, 10, 255, 27, 51, 19]
    expected = np.vectorize(translated)(maps["2008_000003"]) - 1
    np.testing.assert_array_equal(label, np.where(expected < 0, 255, expected))


def test_splits_are_vocs(tmp_path, maps):
    assert open_dataset("pascal-context", tmp_path, "train").names == TRAIN


def test_a_missing_label_file_is_named(tmp_path, maps):
    (tmp_path / "trainval/2008_000002.mat").unlink()
    with pytest.raises(DatasetError, match=r"2008_000002.mat is missing; of the 2 photos"):
        open_dataset("pascal-context", tmp_path, "train")


def test_labels_txt_must_name_every_class(tmp_path, maps):
    names = [f"{k}: {name}" for k, name in all_names().items() if name != "bedclothes"]
    write_lines(tmp_path / "labels.txt", names)
    with pytest.raises(DatasetError, match=r"labels.txt: does not name the class 'bedclothes'"):
        open_dataset("pascal-context", tmp_path, "train")


def test_a_line_of_labels_txt_must_have_a_number(tmp_path, maps):
    write_lines(tmp_path / "labels.txt", ["aeroplane"])
    with pytest.raises(DatasetError, match=r"labels.txt: 'aeroplane' is no line 'number: name'"):
        open_dataset("pascal-context", tmp_path, "train")


def test_another_order_of_the_59_is_refused(tmp_path, maps):
    write_lines(tmp_path / "59_labels.txt", [f"{k}: {n}" for k, n in enumerate(sorted(TASK), 1)])
    with pytest.raises(DatasetError, match=r"59_labels.txt: class 2 is 'bag', not 'bicycle'"):
        open_dataset("pascal-context", tmp_path, "train")


def test_a_label_beyond_labels_txt_is_refused(tmp_path, maps):
    savemat(tmp_path / "trainval/2008_000003.mat", {"LabelMap": np.full((20, 24), 460, np.uint16)})
    with pytest.raises(DatasetError, match="labels 460 to 460 are outside 0 to 459"):
        open_dataset("pascal-context", tmp_path, "val")[0]
