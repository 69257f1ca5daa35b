"""Data sets as a real copy of them looks: suffixes, colours, converted and moved."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parsenet import DatasetError, open_dataset
from parsenet.datasets.pascal_context import CLASSES as CONTEXT
from parsenet.palette import label_colors, voc_palette
from parsenet.training import usual_experiment
from strategies.datasets import (
    labels,
    photo,
    write_camvid,
    write_image,
    write_lines,
    write_sbd,
    write_sift_flow,
    write_voc,
)

NAMES = ["2007_000001", "2007_000002"]


def renamed(folder: Path, old: str, new: str) -> None:
    for path in sorted(folder.glob(f"*{old}")):
        path.rename(path.with_name(path.name.removesuffix(old) + new))


def read(name: str, root: Path, split: str) -> dict[str, np.ndarray]:
    data = open_dataset(name, root, split)
    return {title: data[k][1] for k, title in enumerate(data.names)}


def assert_equal(found, wanted):
    assert found.keys() == wanted.keys()
    for name, label in wanted.items():
        assert np.array_equal(found[name], label), name


def test_suffixes_of_voc_may_be_of_either_case(tmp_path):
    wanted = write_voc(tmp_path, {"train": NAMES})
    voc = tmp_path / "VOCdevkit/VOC2012"
    renamed(voc / "JPEGImages", ".jpg", ".JPG")
    renamed(voc / "SegmentationClass", ".png", ".PNG")
    assert_equal(read("voc2012", tmp_path, "train"), wanted)


def test_colours_of_vocs_palette_are_labels(tmp_path):
    wanted = write_voc(tmp_path, {"train": NAMES})
    for path in sorted(tmp_path.rglob("SegmentationClass/*.png")):
        Image.open(path).convert("RGB").save(path)
    assert_equal(read("voc2012", tmp_path, "train"), wanted)
    path = tmp_path / f"VOCdevkit/VOC2012/SegmentationClass/{NAMES[0]}.png"
    levels = np.array(Image.open(path))
    levels[0, :3] = (1, 2, 3)
    write_image(path, levels)
    words = r"the colour \(1, 2, 3\) is that of no class; 3 of 48 pixels are so"
    with pytest.raises(DatasetError, match=words):
        read("voc2012", tmp_path, "train")


def test_labels_of_sixteen_bits(tmp_path):
    wanted = write_voc(tmp_path, {"train": NAMES})
    for name, label in wanted.items():
        path = tmp_path / f"VOCdevkit/VOC2012/SegmentationClass/{name}.png"
        Image.fromarray(label.astype(np.uint16)).save(path)
    assert_equal(read("voc2012", tmp_path, "train"), wanted)


@pytest.mark.parametrize("place", ["VOCdevkit/VOCaug/dataset", "VOCaug/dataset"])
@pytest.mark.parametrize("root", [".", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_mmsegmentations_place_of_sbd(tmp_path, place, root):
    if root != "." and not (tmp_path / place).resolve().is_relative_to(tmp_path / "VOCdevkit"):
        pytest.skip("not under this root")
    voc = write_voc(tmp_path, {"train": NAMES[:1], "val": ["2007_000009"]})
    images = tmp_path / "VOCdevkit/VOC2012/JPEGImages"
    both = {"train": ["2008_000003"], "val": ["2007_000009"]}
    sbd = write_sbd(tmp_path / place, both, images)
    found = read("voc2012", tmp_path / root, "trainaug")
    assert_equal(found, {NAMES[0]: voc[NAMES[0]], "2008_000003": sbd["2008_000003"]})


@pytest.mark.parametrize("place", ["ImageSets/Segmentation/train_aug.txt", "list/train_aug.txt"])
def test_deeplabs_list_says_which_are_trained_on(tmp_path, place):
    write_voc(tmp_path, {"train": NAMES, "val": ["2007_000009"]})
    voc = tmp_path / "VOCdevkit/VOC2012"
    wanted = {name: labels(k, [0, 5]) for k, name in enumerate(NAMES)}
    for name, label in wanted.items():
        write_image(voc / f"SegmentationClassAug/{name}.png", label)
    pairs = [f"/JPEGImages/{NAMES[1]}.jpg /SegmentationClassAug/{NAMES[1]}.png"]
    write_lines(voc / place, pairs)
    assert_equal(read("voc2012", tmp_path, "trainaug"), {NAMES[1]: wanted[NAMES[1]]})


# The order of mmsegmentation's PascalContextDataset, as its source lists it.
WORDS = (
    "background aeroplane bag bed bedclothes bench bicycle bird boat book bottle building bus "
    "cabinet car cat ceiling chair cloth computer cow cup curtain dog door fence floor flower food "
    "grass ground horse keyboard light motorbike mountain mouse person plate platform pottedplant "
    "road rock sheep shelves sidewalk sign sky snow sofa table track train tree truck tvmonitor "
    "wall water window wood"
)
MMSEG = WORDS.split()


@pytest.mark.parametrize("background", [True, False])
def test_mmsegmentations_pascal_context(tmp_path, background):
    voc = tmp_path / "VOCdevkit/VOC2010"
    label = np.arange(64, dtype=np.uint8).reshape(8, 8)
    label[label > 59] = 255
    for split, name in (("train", "2008_000002"), ("val", "2008_000003")):
        write_lines(voc / f"ImageSets/SegmentationContext/{split}.txt", [name])
        write_image(voc / f"JPEGImages/{name}.jpg", photo(0, 8, 8))
        write_image(voc / f"SegmentationClassContext/{name}.png", label)
    data = open_dataset(f"pascal-context{'' if background else '-59'}", tmp_path, "trainval")
    assert data.names == ("2008_000002", "2008_000003")
    theirs = {"bedclothes": "bedcloth", "cloth": "clothes", "table": "diningtable"}
    for theirs_label, name in enumerate(MMSEG):
        found = data[0][1].flat[theirs_label]
        ours = theirs.get(name, name)
        if name == "background":
            assert found == (0 if background else 255)
        else:
            assert data.classes[found] == ours
            assert ours in CONTEXT
    assert (data[0][1].flat[60:] == 255).all()


def test_the_list_of_sift_flow_may_lie_with_the_labels(tmp_path):
    write_sift_flow(tmp_path, ["coast_1"], ["coast_2"])
    (tmp_path / "TestSet1.txt").rename(tmp_path / "SemanticLabels/TestSet1.txt")
    scenes = "spatial_envelope_256x256_static_8outdoorcategories"
    renamed(tmp_path / "Images" / scenes, ".jpg", ".JPG")
    assert open_dataset("sift-flow", tmp_path, "test").names == ("coast_2",)
    assert open_dataset("sift-flow", tmp_path, "train").names == ("coast_1",)


# Colours of CamVid's label_colors.txt, with the class of SegNet's eleven that each belongs to.
CAMVID = {
    (64, 128, 64): "pedestrian", (192, 0, 128): "building", (0, 128, 192): "bicyclist",
    (0, 128, 64): "building", (128, 0, 0): "building", (64, 0, 128): "car",
    (64, 0, 192): "pedestrian", (192, 128, 64): "pedestrian", (192, 192, 128): "pole",
    (64, 64, 128): "fence", (128, 0, 192): "road", (192, 0, 64): "road", (128, 128, 64): "sign",
    (192, 0, 192): "bicyclist", (128, 64, 64): "car", (64, 192, 128): "pavement",
    (64, 64, 0): "pedestrian", (128, 64, 128): "road", (128, 128, 192): "pavement",
    (0, 0, 192): "pavement", (192, 128, 128): "sign", (128, 128, 128): "sky",
    (64, 128, 192): "car", (0, 0, 64): "pole", (0, 64, 64): "sign", (192, 64, 128): "car",
    (128, 128, 0): "tree", (192, 128, 192): "car", (64, 0, 64): "building",
    (192, 192, 0): "tree", (0, 0, 0): None, (64, 192, 0): "building",
}  # fmt: skip


def test_camvids_original_colours(tmp_path):
    levels = np.array([*CAMVID], np.uint8).reshape(4, 8, 3)
    for name in ("0016E5_07961", "0006R0_f00930", "0001TP_008550", "0001TP_008520"):
        write_image(tmp_path / f"701_StillsRaw_full/{name}.png", photo(0, 4, 8))
        write_image(tmp_path / f"LabeledApproved_full/{name}_L.png", levels)
    data = open_dataset("camvid", tmp_path, "val")
    assert data.names == ("0016E5_07961",)
    for label, name in zip(data[0][1].ravel(), CAMVID.values(), strict=True):
        assert (None if label == 255 else data.classes[label]) == name
    assert open_dataset("camvid", tmp_path, "test").names == ("0001TP_008550",)
    assert len(open_dataset("camvid", tmp_path, "train")) == 2


def test_the_original_is_split_as_the_tutorial(tmp_path):
    """The tutorial's counts of the drives that the project's own copy holds: see docs/camvid.md."""
    from parsenet.datasets.camvid import split_of

    val = [f"0016E5_{k:05d}" for k in range(7959, 8160, 2)]
    train = [f"0016E5_{k:05d}" for k in range(390, 8641, 30)]
    assert (len(val), {split_of(name) for name in val}) == (101, {"val"})
    assert {split_of(name) for name in train} == {"train"}


def own(root: Path, colors: list[str]) -> np.ndarray:
    label = labels(3, [0, 1, 255])
    write_lines(root / "classes.txt", ["no", "yes"])
    write_lines(root / "colors.txt", colors)
    write_image(root / "train/images/a b.JPG", photo(0))
    known = {0: (9, 8, 7), 1: (1, 2, 3), 255: (255, 255, 255)}
    levels = np.array([known[k] for k in label.ravel()], np.uint8).reshape(*label.shape, 3)
    write_image(root / "train/labels/a b.PNG", levels)
    return label


def test_colours_of_a_plain_folder(tmp_path):
    wanted = own(tmp_path, ["9 8 7", "1, 2, 3 yes", "255 255 255"])
    data = open_dataset("folder", tmp_path, "train")
    assert np.array_equal(data[0][1], wanted)
    assert data.palette[:2].tolist() == [[9, 8, 7], [1, 2, 3]]


@pytest.mark.parametrize(
    ("colors", "words"),
    [
        (["9 8 7", "1 2"], "'1 2' is no colour: RED GREEN BLUE"),
        (["9 8 7", "1 2 256"], "'1 2 256' is no colour"),
        (["9 8 7"], "must hold 2 different colours, or one more for void; has 1 in 1 lines"),
        (["9 8 7", "9 8 7"], "has 1 in 2 lines"),
        (["9 8 7", "1 2 3"], r"the colour \(255, 255, 255\) is that of no class"),
    ],
)
def test_colours_that_cannot_be(tmp_path, colors, words):
    own(tmp_path, colors)
    with pytest.raises(DatasetError, match=words):
        open_dataset("folder", tmp_path, "train")[0]


def test_colours_of_a_palette_are_those_of_its_classes_and_void():
    colors = label_colors(voc_palette(), 21)
    assert len(colors) == 22
    assert colors[192, 128, 128] == 15  # person
    assert colors[224, 224, 192] == 255


def test_the_release_was_trained_on_trainaug():
    assert usual_experiment("parsenet", data="voc2012").split == "trainaug"
    assert usual_experiment("fcn32s", data="voc2012").split == "train"
    assert usual_experiment("parsenet", data="camvid").split == "train"
    assert usual_experiment("parsenet", data="voc2012", split="train").split == "train"


@pytest.mark.parametrize("rate", [1e-8, 1e-3])
def test_photos_without_weights_at_the_rate_of_the_release(tmp_path, rate):
    from parsenet.training import prepare

    write_camvid(tmp_path, {"train": ["a_1"]})
    data = usual_experiment(
        "parsenet", data="camvid", root=str(tmp_path), options={"width": 1 / 64}
    )
    from dataclasses import replace

    report = prepare(replace(data, recipe=data.recipe.override(base_lr=rate))).report
    assert ("from random weights at a rate of 1e-08" in report) == (rate == 1e-8)
