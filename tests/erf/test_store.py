import json
import shutil
import warnings

import numpy as np
import pytest
import torch
import xarray
from torch import nn

import erf

IMAGE = torch.randn(3, 24, 30, generator=torch.Generator().manual_seed(1))
PICTURE = np.random.default_rng(0).integers(0, 256, (24, 30, 3), dtype=np.uint8)


@pytest.fixture(params=["center", "all"])
def result(request):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 4, 3, stride=2))
    sigma = (0.1, 0.2, 0.3)
    return erf.probe(
        model,
        IMAGE,
        "2",
        unit=request.param,
        patch=8,
        stride=5,
        draws=2,
        sigma=sigma,
        picture=PICTURE,
    )


def test_what_is_opened_is_what_was_saved(result, tmp_path):
    opened = erf.open(erf.save(result, tmp_path / "deep" / "run.zarr"))
    for name in ("target", "plan", "theory", "unit_count"):
        assert getattr(opened, name) == getattr(result, name)
    if result.layer_theory is not None:
        theory, again = result.layer_theory, opened.layer_theory
        assert np.array_equal(theory.boxes, again.boxes)
        assert np.array_equal(theory.unclipped, again.unclipped)
        assert theory.extent((3, 4)) == again.extent((3, 4))
    assert opened.provenance == json.loads(json.dumps(result.provenance))
    for name in ("discrepancy", "standard_error", "samples", "activation", "image", "picture"):
        before, after = getattr(result, name), getattr(opened, name)
        assert (before is None) == (after is None)
        if before is not None:
            assert before.dtype == after.dtype
            assert np.array_equal(before, after)


def test_xarray_reads_named_dimensions(result, tmp_path):
    path = erf.save(result, tmp_path / "run.zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = xarray.open_zarr(path, consolidated=False)
    assert data.discrepancy.dims[:2] == ("patch_row", "patch_col")
    assert data.patch_row.values.tolist() == [3.5, 8.5, 13.5, 18.5, 19.5]
    brightest = (
        data.discrepancy.isel(unit_row=0, unit_col=0)
        if "unit_row" in data.discrepancy.dims
        else data.discrepancy
    )
    assert float(brightest.max()) > 0
    assert data.attrs["plan"]["sigma"] == [0.1, 0.2, 0.3]
    assert data.attrs["provenance"]["software"]["torch"] == torch.__version__


def test_nothing_is_overwritten(result, tmp_path):
    (tmp_path / "notes.txt").write_text("keep me")
    for place in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(erf.StoreError, match="already exists"):
            erf.save(result, place)
    assert (tmp_path / "notes.txt").read_text() == "keep me"


def test_an_interrupted_save_leaves_nothing(result, tmp_path, monkeypatch):
    import zarr

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(zarr.Group, "create_array", stop)
    with pytest.raises(KeyboardInterrupt):
        erf.save(result, tmp_path / "run.zarr")
    assert list(tmp_path.iterdir()) == []


def test_a_place_without_a_result_is_refused_in_words(result, tmp_path):
    with pytest.raises(erf.StoreError, match=r"nowhere holds no result"):
        erf.open(tmp_path / "nowhere")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(erf.StoreError, match=r"photo.jpg holds no result"):
        erf.open(tmp_path / "photo.jpg")
    xarray.Dataset({"a": ("x", [1, 2])}).to_zarr(tmp_path / "foreign.zarr", consolidated=False)
    with pytest.raises(erf.StoreError, match="not a result of erf-probe"):
        erf.open(tmp_path / "foreign.zarr")


def test_damage_and_other_versions_are_refused_in_words(result, tmp_path):
    path = erf.save(result, tmp_path / "run.zarr")
    shutil.copytree(path, tmp_path / "later.zarr")
    meta = json.loads((tmp_path / "later.zarr" / "zarr.json").read_text())
    meta["attributes"]["version"] = 99
    (tmp_path / "later.zarr" / "zarr.json").write_text(json.dumps(meta))
    with pytest.raises(erf.StoreError, match="has result version 99, this software reads 1"):
        erf.open(tmp_path / "later.zarr")
    shutil.rmtree(path / "discrepancy")
    with pytest.raises(erf.StoreError, match="is damaged"):
        erf.open(path)
