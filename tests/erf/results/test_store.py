import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray
import zarr
from torch import nn

import erf

IMAGE = torch.randn(3, 24, 30, generator=torch.Generator().manual_seed(1))
PICTURE = np.random.default_rng(0).integers(0, 256, (24, 30, 3), dtype=np.uint8)
SETTINGS = erf.Noise(patch=8, stride=5, draws=2, sigma=(0.1, 0.2, 0.3))


def subject() -> erf.Subject:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 4, 3, stride=2))
    return erf.Subject(model, IMAGE, "small", photo=erf.Photo(PICTURE, "noise"))


@pytest.fixture(params=["center", "all", "gradient"])
def result(request):
    if request.param == "gradient":
        return subject().probe("2", erf.Gradient())
    return subject().probe("2", SETTINGS, unit=request.param)


def test_what_is_opened_is_what_was_saved(result, tmp_path):
    opened = erf.open(erf.save(result, tmp_path / "deep" / "run.zarr"))
    assert type(opened) is type(result)
    for name in ("target", "settings", "draws", "joint", "engine", "unit_count", "grid"):
        assert getattr(opened, name) == getattr(result, name)
    assert opened.provenance == json.loads(json.dumps(result.provenance))
    for name in ("discrepancy", "standard_error", "samples", "activation", "image", "picture"):
        before, after = getattr(result, name, None), getattr(opened, name, None)
        assert (before is None) == (after is None)
        if before is not None:
            assert before.dtype == after.dtype
            assert np.array_equal(before, after)
    if isinstance(result, erf.UnitResult):
        assert opened.theory == result.theory
        return
    for name in ("layer", "units", "size", "stride", "padding", "status", "reasons", "image_size"):
        assert getattr(opened.theory, name) == getattr(result.theory, name)
    assert opened.theory.unit((3, 4)) == result.theory.unit((3, 4))


def test_xarray_opens_it_without_a_warning_and_plots_it_in_pixels(result, tmp_path):
    path = erf.save(result, tmp_path / "run.zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = xarray.open_zarr(path)
    assert data.discrepancy.dims[:2] == ("patch_row", "patch_col")
    if result.settings.patch == 8:
        assert data.patch_row.values.tolist() == [3.5, 8.5, 13.5, 18.5, 19.5]
    assert set(data.dims) <= set(data.coords)
    for name, variable in data.variables.items():
        assert variable.attrs["long_name"], name
    assert data.patch_row.attrs["units"] == "pixel"
    assert data.attrs["Conventions"] == "CF-1.12"
    brightest = data.discrepancy.isel(
        {name: 0 for name in ("unit_row", "unit_col") if name in data.discrepancy.dims}
    )
    drawn = brightest.plot()
    assert " ".join(drawn.axes.get_xlabel().split()) == "column of the patch's centre [pixel]"
    assert " ".join(drawn.axes.get_ylabel().split()) == "row of the patch's centre [pixel]"
    assert json.loads(data.attrs["settings"])["method"] == result.settings.method


def test_it_becomes_netcdf_with_every_number(result, tmp_path):
    data = xarray.open_zarr(erf.save(result, tmp_path / "run.zarr"))
    data.to_netcdf(tmp_path / "run.nc", engine="h5netcdf")
    again = xarray.open_dataset(tmp_path / "run.nc", engine="h5netcdf")
    xarray.testing.assert_identical(data.load(), again.load())


def test_nothing_is_overwritten(result, tmp_path):
    (tmp_path / "notes.txt").write_text("keep me")
    for place in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(erf.StoreError, match="already exists"):
            erf.save(result, place)
    assert (tmp_path / "notes.txt").read_text() == "keep me"


def test_an_interrupted_save_leaves_nothing(result, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(xarray.Dataset, "to_zarr", stop)
    with pytest.raises(KeyboardInterrupt):
        erf.save(result, tmp_path / "run.zarr")
    assert list(tmp_path.iterdir()) == []


def test_a_place_without_a_result_is_refused_in_words(tmp_path):
    with pytest.raises(erf.StoreError, match=r"nowhere holds no result"):
        erf.open(tmp_path / "nowhere")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(erf.StoreError, match=r"photo.jpg holds no result"):
        erf.open(tmp_path / "photo.jpg")
    xarray.Dataset({"a": ("x", [1, 2])}).to_zarr(tmp_path / "foreign.zarr", consolidated=False)
    with pytest.raises(erf.StoreError, match="not a result of erf-probe"):
        erf.open(tmp_path / "foreign.zarr")


def test_another_version_is_refused_in_words(result, tmp_path):
    path = erf.save(result, tmp_path / "later.zarr")
    meta = json.loads((path / "zarr.json").read_text())
    meta["attributes"]["version"] = 99
    (path / "zarr.json").write_text(json.dumps(meta))
    with pytest.raises(erf.StoreError, match="has result version 99, this software reads 1 and 2"):
        erf.open(path)


def every_file(path: Path) -> list[Path]:
    return sorted(place for place in path.rglob("*") if place.is_file())


@pytest.mark.parametrize("how", ["removed", "truncated", "emptied", "a bit flipped"])
def test_no_damage_becomes_a_number(how, tmp_path):
    """Every file of a result in turn: it is refused in words, or nothing that counts was hurt."""
    whole = subject().probe("2", SETTINGS, unit=(4, 5))
    original = erf.save(whole, tmp_path / "run.zarr")
    refused = 0
    for place in every_file(original):
        copy = tmp_path / "copy.zarr"
        shutil.copytree(original, copy)
        hurt = copy / place.relative_to(original)
        content = hurt.read_bytes()
        if how == "removed":
            hurt.unlink()
        elif how == "truncated":
            hurt.write_bytes(content[: len(content) // 2])
        elif how == "emptied":
            hurt.write_bytes(b"")
        else:
            middle = len(content) // 2
            hurt.write_bytes(
                content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]
            )
        try:
            opened = erf.open(copy)
        except erf.StoreError:
            refused += 1
        else:
            for name in ("discrepancy", "samples", "standard_error", "image", "picture"):
                assert np.array_equal(getattr(opened, name), getattr(whole, name)), place
        shutil.rmtree(copy)
    assert refused > len(every_file(original)) // 3


def test_an_array_of_another_result_is_refused(tmp_path):
    """Two results of one shape: a chunk of the other is whole, and yet not what was written."""
    one = erf.save(subject().probe("2", SETTINGS, unit=(4, 5)), tmp_path / "one.zarr")
    two = erf.save(subject().probe("2", SETTINGS, unit=(4, 6)), tmp_path / "two.zarr")
    shutil.rmtree(one / "samples")
    shutil.copytree(two / "samples", one / "samples")
    with pytest.raises(erf.StoreError, match=r"is damaged \(samples is not what was written"):
        erf.open(one)


def test_false_shapes_are_refused_before_anything_is_read(tmp_path, monkeypatch):
    path = erf.save(subject().probe("2", SETTINGS, unit=(4, 5)), tmp_path / "run.zarr")
    root = json.loads((path / "zarr.json").read_text())
    meta = root["consolidated_metadata"]["metadata"]["samples"]
    meta["shape"] = [2, 30000, 30000]
    (path / "zarr.json").write_text(json.dumps(root))
    own = json.loads((path / "samples" / "zarr.json").read_text())
    own["shape"] = meta["shape"]
    (path / "samples" / "zarr.json").write_text(json.dumps(own))
    monkeypatch.setattr(zarr.Array, "__getitem__", lambda *_: pytest.fail("an array was read"))
    with pytest.raises(erf.StoreError, match="is damaged"):
        erf.open(path)


def rewrite(place: Path, change) -> None:
    known = json.loads(place.read_text())
    change(known)
    place.write_text(json.dumps(known))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    place = tmp_path_factory.mktemp("original") / "run.zarr"
    return erf.save(subject().probe("2", SETTINGS, unit=(4, 5)), place)


@pytest.fixture
def kept(original, tmp_path):
    return Path(shutil.copytree(original, tmp_path / "run.zarr"))


def test_an_array_that_is_described_in_two_ways_is_refused(kept):
    rewrite(kept / "discrepancy" / "zarr.json", lambda known: known.update(shape=[0, 0]))
    with pytest.raises(erf.StoreError, match=r"damaged .*discrepancy is not described as it was"):
        erf.open(kept)


@pytest.mark.parametrize("name", ["discrepancy", "boxes", "patch_row"])
def test_an_array_that_lost_its_description_is_refused(kept, name):
    (kept / name / "zarr.json").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(erf.StoreError, match=rf"damaged .*{name} is not described as it was"):
            erf.open(kept)


def test_what_lies_in_a_result_besides_is_left_alone(kept):
    (kept / "notes.txt").write_text("keep me")
    rewrite(kept / "zarr.json", lambda known: known["attributes"].update(mine="a note"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert erf.open(kept).unit == (4, 5)


@pytest.mark.parametrize(
    ("name", "value"),
    [("settings", ('"seed": 0', '"seed": 1')), ("draws", 3), ("joint", 1), ("origin", ("24", "2"))],
)
def test_a_changed_word_is_refused(kept, name, value):
    """Also one that fits all arrays: another seed would be told of, and repeated."""

    def change(known):
        words = known["attributes"]
        words[name] = words[name].replace(*value) if isinstance(value, tuple) else value

    rewrite(kept / "zarr.json", change)
    with pytest.raises(erf.StoreError, match="is damaged"):
        erf.open(kept)


def test_a_result_from_before_words_were_hashed_opens(kept):
    def forget(known):
        hashes = json.loads(known["attributes"]["sha256"])
        del hashes["attributes"]
        known["attributes"]["sha256"] = json.dumps(hashes)

    rewrite(kept / "zarr.json", forget)
    assert erf.open(kept).unit == (4, 5)
