"""Images of any number of channels: read as they are, and what a person sees of them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import erf
from erf.bands import read_image
from erf.photo import find_photos

VALUES = np.random.default_rng(0).normal(1000, 300, (13, 24, 20)).astype(np.float32)


def saved(folder: Path, values: np.ndarray) -> Path:
    np.save(folder / "bands.npy", values)
    return folder / "bands.npy"


@pytest.mark.parametrize("channels", [2, 4, 13])
@pytest.mark.parametrize("first", [False, True])
def test_an_array_is_taken_as_it_is_whichever_way_its_channels_lie(tmp_path, channels, first):
    values = VALUES[:channels]
    given = values if first else np.moveaxis(values, 0, 2)
    found = read_image(saved(tmp_path, given), channels=channels)
    np.testing.assert_array_equal(found.values, np.moveaxis(values, 0, 2))
    assert found.levels.shape == (24, 20, 3)
    words = "the mean of its two" if channels == 2 else f"the first three of {channels}"
    assert found.source["shown"].startswith(words)
    shown = values.mean(axis=0) if channels == 2 else values[1]
    order = np.argsort(shown.ravel())
    assert (np.diff(found.levels[..., 1].ravel()[order].astype(int)) >= 0).all()


def test_a_grey_array_and_one_of_eight_bits(tmp_path):
    grey = read_image(saved(tmp_path, VALUES[0]), channels=1)
    assert grey.values.shape == (24, 20, 1)
    levels = np.random.default_rng(1).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    found = read_image(saved(tmp_path, levels))
    np.testing.assert_array_equal(found.levels, levels)
    assert found.source["shown"] == "its three channels"


def test_scaling_is_that_of_each_channel_by_pillow(tmp_path):
    found = read_image(saved(tmp_path, VALUES), (12, 10), channels=13)
    expected = Image.fromarray(VALUES[7]).resize((10, 12), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(found.values[..., 7], np.asarray(expected), rtol=1e-5)
    assert found.source["fitted"] == [12, 10]


def test_tiffs_of_four_bands_and_of_many(tmp_path):
    four = np.random.default_rng(1).integers(0, 256, (24, 20, 4), dtype=np.uint8)
    Image.fromarray(four).save(tmp_path / "four.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "four.tif", channels=4).values, four)
    assert read_image(tmp_path / "four.tif", channels=3).values is None
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "many.tif", VALUES)
    np.testing.assert_array_equal(
        read_image(tmp_path / "many.tif", channels=13).values, np.moveaxis(VALUES, 0, 2)
    )


def test_without_tifffile_a_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tifffile", None)
    (tmp_path / "many.tif").write_bytes(b"II*\0" + bytes(60))
    with pytest.raises(erf.PhotoError, match=r"needs tifffile .* or save \.npy"):
        read_image(tmp_path / "many.tif", channels=13)


@pytest.mark.parametrize(
    ("values", "channels", "words"),
    [
        (VALUES, 4, "has shape 13x24x20, the model takes 4 channels"),
        (np.zeros((4, 5, 4)), 4, "which of the two 4 are the channels is not known"),
        (np.zeros(7), 1, r"has shape 7, not \(rows, cols, channels\)"),
        (np.zeros((2, 3, 4, 5)), 5, "has shape 2x3x4x5"),
        (np.full((4, 5), np.nan), 1, "20 of 20 values are not finite"),
        (np.zeros((4, 5), complex), 1, "holds complex128 values"),
        (np.array([["a"]]), 1, "holds <U1 values"),
    ],
)
def test_what_cannot_be_an_image_is_named(tmp_path, values, channels, words):
    with pytest.raises(erf.PhotoError, match=words):
        read_image(saved(tmp_path, values), channels=channels)


def test_a_file_that_claims_much_or_would_run_code_is_refused(tmp_path):
    path = tmp_path / "big.npy"
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (200000, 200000, 4), }"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
    np.save(tmp_path / "pickle.npy", np.array([object()]), allow_pickle=True)
    (tmp_path / "text.npy").write_text("no array")
    for name in ("big", "pickle", "text"):
        with pytest.raises(erf.PhotoError, match="is no readable array"):
            read_image(tmp_path / f"{name}.npy", channels=4)
    with pytest.raises(erf.PhotoError, match="no such file"):
        read_image(tmp_path / "none.npy")


def test_mean_and_std_are_in_the_arrays_own_numbers(tmp_path):
    space = erf.InputSpace.read("0.5,0.5", "0.25,0.25", largest=1)
    photo = read_image(saved(tmp_path, np.full((6, 5, 2), 0.75, np.float32)), channels=2)
    model = nn.Conv2d(2, 4, 3)
    loaded = erf.LoadedModel(model, "net", space, random=True)
    torch.testing.assert_close(loaded.subject(photo).image, torch.ones(2, 6, 5))
    raw = erf.InputSpace.read("1000,1000", "300,300")
    photo = read_image(saved(tmp_path, VALUES[:2]), channels=2)
    found = erf.LoadedModel(model, "net", raw, random=True).subject(photo).image
    np.testing.assert_allclose(found, (VALUES[:2] - 1000) / 300, rtol=1e-4, atol=1e-5)


def test_a_folder_of_arrays_is_a_set_and_photos_go_before_them(tmp_path):
    path = saved(tmp_path, VALUES)
    assert find_photos([tmp_path]) == [path]
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    assert find_photos([tmp_path]) == [tmp_path / "a.png"]
