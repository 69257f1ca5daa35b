import hashlib
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets
from PIL import Image
from torchvision.datasets import voc

from parsenet.datasets import open_dataset
from parsenet.errors import DatasetError
from strategies.datasets import write_lines, write_palette_png, write_sbd, write_voc

TRAIN, VAL = ("2007_000001", "2007_000002"), ("2007_000003", "2008_000004")
SBD = {
    "train": ("2007_000002", "2008_000004", "2008_000005"),
    "val": ("2007_000003", "2008_000006"),
}


@pytest.fixture
def written(tmp_path: Path):
    return write_voc(tmp_path, {"train": TRAIN, "val": VAL, "trainval": (*TRAIN, *VAL)})


def test_a_split_reads_as_torchvision_reads_it(tmp_path, written):
    data = open_dataset("voc2012", tmp_path, "val")
    theirs = torchvision.datasets.VOCSegmentation(tmp_path, "2012", image_set="val")
    assert data.names == VAL
    assert len(data) == len(theirs) == 2
    for name, (image, label), (their_image, their_label) in zip(
        data.names, data, theirs, strict=True
    ):
        np.testing.assert_array_equal(image, np.array(their_image))
        np.testing.assert_array_equal(label, np.array(their_label))
        np.testing.assert_array_equal(label, written[name])
        assert image.dtype == label.dtype == np.uint8
        assert 255 in label


def test_there_are_21_classes_in_vocs_order_and_colours(tmp_path, written):
    data = open_dataset("voc2012", tmp_path, "trainval")
    assert len(data) == 4
    assert len(data.classes) == 21
    assert (data.classes[0], data.classes[15], data.classes[20]) == (
        "background",
        "person",
        "tvmonitor",
    )
    path = tmp_path / "VOCdevkit/VOC2012/SegmentationClass/2007_000001.png"
    assert bytes(data.palette) == bytes(Image.open(path).getpalette())


@pytest.mark.parametrize("depth", ["VOCdevkit", "VOCdevkit/VOC2012"])
def test_the_root_may_lie_deeper(tmp_path, written, depth):
    assert open_dataset("voc2012", tmp_path / depth, "train").names == TRAIN


@pytest.mark.parametrize("place", ["SBD", "benchmark_RELEASE/dataset"])
def test_trainaug_is_train_and_all_of_sbd_less_val(tmp_path, written, place):
    images = tmp_path / "VOCdevkit/VOC2012/JPEGImages"
    sbd = write_sbd(tmp_path / place, SBD, images)
    data = open_dataset("voc2012", tmp_path, "trainaug")
    assert data.names == ("2007_000001", "2007_000002", "2008_000005", "2008_000006")
    wanted = [
        written["2007_000001"],
        written["2007_000002"],
        sbd["2008_000005"],
        sbd["2008_000006"],
    ]
    for (_, label), expected in zip(data, wanted, strict=True):
        np.testing.assert_array_equal(label, expected)


def test_a_label_of_sbd_reads_as_torchvision_reads_it(tmp_path, written):
    write_sbd(tmp_path / "SBD", SBD, tmp_path / "VOCdevkit/VOC2012/JPEGImages")
    theirs = torchvision.datasets.SBDataset(tmp_path / "SBD", "val", mode="segmentation")
    image, label = open_dataset("voc2012", tmp_path, "trainaug")[3]
    np.testing.assert_array_equal(label, np.array(theirs[1][1]))
    np.testing.assert_array_equal(image, np.array(theirs[1][0]))


@pytest.mark.parametrize("listed", [False, True])
def test_trainaug_prefers_converted_labels(tmp_path, written, listed):
    root = tmp_path / "VOCdevkit/VOC2012"
    for name in (*TRAIN, *VAL):
        write_palette_png(root / f"SegmentationClassAug/{name}.png", written[name] % 5)
    if listed:
        lines = [f"/JPEGImages/{n}.jpg /SegmentationClassAug/{n}.png" for n in TRAIN[1:]]
        write_lines(root / "ImageSets/Segmentation/trainaug.txt", lines)
    data = open_dataset("voc2012", tmp_path, "trainaug")
    assert data.names == (TRAIN[1:] if listed else TRAIN)
    np.testing.assert_array_equal(data[-1][1], written[TRAIN[1]] % 5)


def test_a_trainaug_list_must_not_hold_val(tmp_path, written):
    root = tmp_path / "VOCdevkit/VOC2012"
    write_palette_png(root / "SegmentationClassAug/2007_000001.png", written["2007_000001"])
    write_lines(root / "ImageSets/Segmentation/trainaug.txt", ["2007_000001", "2007_000003"])
    with pytest.raises(
        DatasetError, match=r"trainaug.txt: holds 1 photos of val, first 2007_000003"
    ):
        open_dataset("voc2012", tmp_path, "trainaug")


def test_trainaug_without_its_labels_says_both_ways_to_get_them(tmp_path, written):
    with pytest.raises(
        DatasetError, match=r"SegmentationClassAug, which is missing, or SBD: .*cls"
    ):
        open_dataset("voc2012", tmp_path, "trainaug")


def test_an_empty_root_says_what_was_looked_for_where(tmp_path):
    with pytest.raises(DatasetError) as caught:
        open_dataset("voc2012", tmp_path, "val")
    assert str(caught.value) == (
        f"voc2012: nothing of it is in {tmp_path} (looked for JPEGImages, SegmentationClass, "
        f"ImageSets/Segmentation/val.txt in {tmp_path}/VOCdevkit/VOC2012, {tmp_path}/VOC2012, "
        f"{tmp_path})"
    )


def test_a_missing_folder_is_named(tmp_path, written):
    folder = tmp_path / "VOCdevkit/VOC2012/SegmentationClass"
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError) as caught:
        open_dataset("voc2012", tmp_path, "val")
    assert str(caught.value) == (
        f"voc2012: {folder} is missing (looked for JPEGImages, SegmentationClass, "
        "ImageSets/Segmentation/val.txt)"
    )


def test_missing_files_are_counted_and_the_first_named(tmp_path, written):
    root = tmp_path / "VOCdevkit/VOC2012"
    (root / "SegmentationClass/2007_000003.png").unlink()
    (root / "JPEGImages/2008_000004.jpg").unlink()
    with pytest.raises(
        DatasetError,
        match=r"2007_000003.png is missing; of the 2 photos and their labels, 2 files are",
    ):
        open_dataset("voc2012", tmp_path, "val")
    assert len(open_dataset("voc2012", tmp_path, "train")) == 2


def test_an_unknown_split_is_refused(tmp_path):
    with pytest.raises(
        DatasetError, match="no split 'test'; there are train, val, trainval, trainaug"
    ):
        open_dataset("voc2012", tmp_path, "test")


def pack(archive: Path, folder: Path, name: str) -> str:
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz" if archive.suffix == ".tgz" else "w") as tar:
        tar.add(folder, name)
    return hashlib.md5(archive.read_bytes()).hexdigest()


def test_a_download_goes_through_torchvision(tmp_path, monkeypatch):
    """Archives lie where torchvision would have put them: it checks and unpacks, without a net."""
    written = write_voc(tmp_path / "a", {"train": TRAIN, "val": VAL})
    source = tmp_path / "a/VOCdevkit"
    sbd = write_sbd(tmp_path / "b", SBD, source / "VOC2012/JPEGImages")
    (tmp_path / "b/inst").mkdir()
    entry, new = voc.DATASET_YEAR_DICT["2012"], tmp_path / "new"
    archives = new / entry["filename"], new / "SBD" / torchvision.datasets.SBDataset.filename
    monkeypatch.setitem(entry, "md5", pack(archives[0], source, "VOCdevkit"))
    md5 = pack(archives[1], tmp_path / "b", "benchmark_RELEASE/dataset")
    monkeypatch.setattr(torchvision.datasets.SBDataset, "md5", md5)

    data = open_dataset("voc2012", new, "trainaug", download=True)
    assert len(data) == 4
    np.testing.assert_array_equal(data[0][1], written["2007_000001"])
    np.testing.assert_array_equal(data[3][1], sbd["2008_000006"])

    for archive in archives:
        archive.unlink()  # a second call fetches nothing
    assert open_dataset("voc2012", new, "trainaug", download=True).names == data.names


def test_a_download_that_fails_is_one_line(tmp_path, monkeypatch):
    entry = {**voc.DATASET_YEAR_DICT["2012"], "url": (tmp_path / "none.tar").as_uri()}
    monkeypatch.setitem(voc.DATASET_YEAR_DICT, "2012", entry)
    with pytest.raises(DatasetError, match=r"^voc2012: cannot be downloaded to .*none.tar"):
        open_dataset("voc2012", tmp_path / "new", "val", download=True)


def test_only_voc_can_be_downloaded(tmp_path):
    with pytest.raises(
        DatasetError, match="camvid: cannot be downloaded from here; only voc2012 can"
    ):
        open_dataset("camvid", tmp_path, "val", download=True)
