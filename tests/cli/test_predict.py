import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import cli
from parsenet.palette import voc_palette
from strategies.checkpoints import write_checkpoint
from strategies.datasets import photo, write_image

CLASSES = ("background", "leaf", "soil", "sky", "stone")


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(cli, "COMMANDS", tuple(dict.fromkeys((*cli.COMMANDS, "predict"))))
    return lambda *words: CliRunner().invoke(cli.main, ["predict", *map(str, words)])


@pytest.fixture
def net(tmp_path):
    return write_checkpoint(tmp_path / "net.safetensors", CLASSES)


def test_labels_are_a_palette_png_of_indices_and_the_overlay_a_figure(run, net, tmp_path):
    write_image(tmp_path / "a.png", photo(0, 45, 63))
    write_image(tmp_path / "b.png", photo(1, 32, 40))
    done = run(
        tmp_path / "net.safetensors",
        tmp_path / "a.png",
        tmp_path / "b.png",
        "--out",
        tmp_path / "out",
    )
    assert done.exit_code == 0, done.output
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in tmp_path.glob("out/*/*")) == [
        "labels/a.png", "labels/b.png", "overlays/a.png", "overlays/b.png"
    ]  # fmt: skip
    with torch.no_grad():
        expected = net.model(net.input_space.tensor(photo(0, 45, 63))[None])[0].argmax(0).numpy()
    with Image.open(tmp_path / "out/labels/a.png") as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.array(image), expected)
        colors = np.array(image.convert("RGB"))
    np.testing.assert_array_equal(colors, voc_palette()[expected])
    assert len(np.unique(expected)) > 1
    with Image.open(tmp_path / "out/overlays/a.png") as image:
        assert image.width > 1000


def test_nothing_is_overwritten(run, net, tmp_path):
    write_image(tmp_path / "a.png", photo(0, 32, 32))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("kept")
    done = run(tmp_path / "net.safetensors", tmp_path / "a.png", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "exists and holds something" in done.stderr
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("broken.png", b"no image", "broken.png: is no image that can be read"),
        ("cut.jpg", None, "cut.jpg: cannot be read as an image"),
        ("none.png", b"", "none.png: is no image that can be read"),
    ],
)
def test_a_broken_image_is_an_error_before_anything_is_written(
    run, net, tmp_path, name, content, words
):
    write_image(tmp_path / "a.png", photo(0, 32, 32))
    if content is None:
        write_image(tmp_path / name, photo(0, 64, 64))
        content = (tmp_path / name).read_bytes()[:1500]
    (tmp_path / name).write_bytes(content)
    done = run(
        tmp_path / "net.safetensors", tmp_path / "a.png", tmp_path / name, "--out", tmp_path / "out"
    )
    assert done.exit_code == 2
    assert words in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_two_images_of_one_name_are_refused(run, net, tmp_path):
    (tmp_path / "x").mkdir()
    write_image(tmp_path / "a.png", photo(0, 32, 32))
    write_image(tmp_path / "x/a.jpg", photo(1, 32, 32))
    done = run(
        tmp_path / "net.safetensors",
        tmp_path / "a.png",
        tmp_path / "x/a.jpg",
        "--out",
        tmp_path / "out",
    )
    assert done.exit_code == 2
    assert "would both write a.png" in done.stderr
