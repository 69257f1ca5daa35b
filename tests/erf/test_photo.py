"""Reading photos against what was written: ramps of known levels, in every mode."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import erf
from erf.photo import find_photos

RAMP = np.linspace(0, 255, 96)[None, :].repeat(80, 0).astype(np.uint8)
COLORS = np.stack([RAMP, RAMP[:, ::-1], RAMP[::-1] // 2], -1)


def written(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"x.{suffix}", Image.fromarray(RAMP.astype(np.uint16) * 257))
    photo = erf.read_photo(path)
    np.testing.assert_array_equal(photo.levels[..., 1], RAMP)
    assert photo.source["mode"].startswith("I")


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bits_of_either_byte_order(tmp_path: Path, order: str) -> None:
    path = written(
        tmp_path / "x.tif", Image.fromarray((RAMP.astype(np.uint16) * 257).astype(order))
    )
    np.testing.assert_array_equal(erf.read_photo(path).levels[..., 0], RAMP)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (RAMP.astype(np.float32) / 255, r"x.tif: mode F \(floating numbers\) does not say which"),
        (RAMP.astype(np.int32) * 257, r"x.tif: mode I \(32-bit integers\) does not say which"),
    ],
)
def test_a_mode_without_a_range_is_refused(tmp_path: Path, array: np.ndarray, words: str) -> None:
    path = written(tmp_path / "x.tif", Image.fromarray(array))
    with pytest.raises(erf.PhotoError, match=words):
        erf.read_photo(path)


@pytest.mark.parametrize(
    ("image", "suffix"),
    [
        (Image.fromarray(RAMP), "png"),
        (Image.fromarray(RAMP > 127), "png"),
        (Image.fromarray(COLORS).convert("RGBA"), "png"),
        (Image.fromarray(COLORS).quantize(16), "png"),
    ],
)
def test_usual_modes_are_what_pillow_shows(tmp_path: Path, image: Image.Image, suffix: str) -> None:
    path = written(tmp_path / f"x.{suffix}", image)
    np.testing.assert_array_equal(erf.read_photo(path).levels, np.array(image.convert("RGB")))


@pytest.mark.parametrize(
    ("orientation", "seen"),
    [(3, lambda a: a[::-1, ::-1]), (6, lambda a: np.rot90(a, -1)), (8, lambda a: np.rot90(a))],
)
def test_a_photo_is_turned_upright_and_that_is_recorded(
    tmp_path: Path, orientation: int, seen: object
) -> None:
    image = Image.fromarray(COLORS)
    exif = image.getexif()
    exif[0x0112] = orientation
    photo = erf.read_photo(written(tmp_path / "x.png", image, exif=exif))
    np.testing.assert_array_equal(photo.levels, seen(COLORS))  # type: ignore[operator]
    assert photo.source["orientation"] == orientation
    assert photo.source["size"] == [80, 96]


def test_frames_and_alpha_are_recorded(tmp_path: Path) -> None:
    first, second = Image.fromarray(COLORS), Image.fromarray(255 - COLORS)
    animated = written(tmp_path / "x.gif", first, save_all=True, append_images=[second])
    assert erf.read_photo(animated).source["frame"] == "first of 2"
    clear = Image.fromarray(np.dstack([COLORS, RAMP]))
    assert erf.read_photo(written(tmp_path / "y.png", clear)).source["alpha"] == "ignored"
    plain = erf.read_photo(written(tmp_path / "z.png", first)).source
    assert set(plain) == {"sha256", "mode", "size"}


def test_the_result_records_how_its_photo_was_read(tmp_path: Path) -> None:
    import torch

    image = Image.fromarray(COLORS)
    exif = image.getexif()
    exif[0x0112] = 3
    photo = erf.read_photo(written(tmp_path / "x.png", image, exif=exif), (32, 32))
    space = erf.InputSpace((127.5,) * 3, (60.0,) * 3)
    model = torch.nn.Conv2d(3, 4, 3)
    subject = erf.Subject(model, space.tensor(photo.levels), photo=photo)
    subject.preflight()
    record = subject.origin()["image"]
    assert record["name"] == "x.png"
    assert record["photo"]["orientation"] == 3
    assert record["photo"]["fitted"] == [32, 32]


def test_what_is_no_photo_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "lfs.png").write_text("version https://git-lfs.github.com/spec/v1\n")
    whole = written(tmp_path / "x.jpg", Image.fromarray(COLORS)).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[:600])
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    for name, words in {
        "lfs.png": "is no image that can be read",
        "cut.jpg": "cannot be read as an image",
        "pipe.png": "is no file",
        "none.png": "no such file",
        "loop.png": "no such file|symbolic links",
    }.items():
        with pytest.raises(erf.PhotoError, match=words) as caught:
            erf.read_photo(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_folders_are_unfolded_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.png", "a.JPG", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in find_photos([tmp_path])] == ["a.JPG", "b.png"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(erf.PhotoError, match="holds no image"):
        find_photos([tmp_path / "empty"])


def test_a_name_that_is_no_text_is_shown_as_far_as_it_is(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    with path.open("wb") as file:
        Image.fromarray(COLORS).save(file, format="PNG")
    assert erf.read_photo(path).name == "caf�.png"
