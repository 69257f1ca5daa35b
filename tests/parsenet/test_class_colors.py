"""The colours of classes are the data set's own wherever a figure shows them."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.colors import to_rgb
from PIL import Image

import figures
from cli import main
from figures.colors import class_colors
from parsenet.checkpoint import Description
from parsenet.class_colors import palette_of, palette_to_keep
from parsenet.datasets import camvid, open_dataset, voc2012
from parsenet.palette import voc_palette
from strategies.checkpoints import write_checkpoint

SPACE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def described(classes: tuple[str, ...], **training: object) -> Description:
    return Description("parsenet", {}, classes, *SPACE, training=training)


def test_known_data_sets_have_their_colours() -> None:
    found = palette_of(described(camvid.CLASSES))
    assert found is not None
    assert tuple(found[3]) == (128, 64, 128)  # road, in CamVid's legend
    voc = palette_of(described(voc2012.CLASSES))
    assert voc is not None
    assert np.array_equal(voc, voc_palette()[:21])
    assert palette_of(described(("a", "b"))) is None
    assert np.array_equal(class_colors(11, found), found)


def test_the_colours_of_a_plain_folder_are_kept(tmp_path: Path) -> None:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "images/a.png")
    Image.new("L", (8, 8)).save(tmp_path / "labels/a.png")
    (tmp_path / "train.txt").write_text("a\n")
    (tmp_path / "classes.txt").write_text("sea\nland\n")
    assert palette_to_keep(open_dataset("folder", tmp_path, "train")) is None
    (tmp_path / "colors.txt").write_text("0 0 255\n10 200 30\n")
    kept = palette_to_keep(open_dataset("folder", tmp_path, "train"))
    assert kept == [[0, 0, 255], [10, 200, 30]]
    found = palette_of(described(("sea", "land"), palette=json.loads(json.dumps(kept))))
    assert found is not None
    assert found.tolist() == kept


@pytest.mark.parametrize(
    "kept", [[[0, 0, 0]], [[0, 0], [1, 1]], [[0, 0, 256]] * 2, "ab", 3, [{}, {}]]
)
def test_what_is_no_palette_is_left_out(kept: object) -> None:
    assert palette_of(described(("sea", "land"), palette=kept)) is None


def test_figures_of_camvid_are_in_its_colours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checkpoint(tmp_path / "net.safetensors", camvid.CLASSES)
    Image.new("RGB", (64, 48), (90, 120, 40)).save(tmp_path / "photo.png")
    drawn = []
    save = figures.save
    monkeypatch.setattr(
        "figures.save", lambda figure, *a, **k: (drawn.append(figure), save(figure, *a, **k))[1]
    )
    words = [
        "figure",
        "segmentation",
        str(tmp_path / "photo.png"),
        str(tmp_path / "net.safetensors"),
    ]
    done = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "x.png")])
    assert done.exit_code == 0, done.output
    (legend,) = drawn[0].legends
    for text, patch in zip(legend.get_texts(), legend.get_patches(), strict=True):
        own = np.array(camvid.COLORS[text.get_text()]) / 255
        assert to_rgb(patch.get_facecolor()) == pytest.approx(own)
