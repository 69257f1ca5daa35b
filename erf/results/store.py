"""Results on disk: a Zarr (version 3) group that xarray opens by itself.

A group is written beside its place and moved there when it is whole, so a reader never meets half a
result; a hash of every array is kept and checked on opening, so a reader never takes what was lost
for zeros.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import xarray
import zarr

from erf.atomic import new_folder
from erf.errors import StoreError
from erf.results.dataset import FORMAT, VERSION, hashes
from erf.results.legacy import from_version_1
from erf.results.reading import check_shapes, from_dataset
from erf.results.result import LayerResult, UnitResult


def save(result: UnitResult | LayerResult, path: str | Path) -> Path:
    """Write a result to a new directory and return its path.

    Raises:
        StoreError: when something is already there; nothing is ever overwritten.

    Example:
        >>> import tempfile, torch, erf
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1))
        >>> result = erf.probe(model, torch.randn(3, 24, 24), "0", patch=8)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     erf.open(erf.save(result, folder + "/run.zarr")).target
        Target(layer='0', unit=(12, 12), channel=None)
    """
    with new_folder(path) as staging:
        write_result(result, staging)
    return Path(path)


def write_result(result: UnitResult | LayerResult, folder: Path) -> None:
    """Write a result into a folder that nobody else sees yet; `save` does that too."""
    data = result.to_dataset()
    with warnings.catch_warnings():
        # Consolidated metadata is an extension of Zarr 3 that its readers may ignore; with it,
        # xarray opens a result without searching for arrays.
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        # Chunks of zeros are written too: one that is missing can then be told from one of zeros.
        data.to_zarr(folder, mode="w", zarr_format=3, consolidated=True, write_empty_chunks=True)


def open_result(path: str | Path) -> UnitResult | LayerResult:
    """Read a result back.

    Raises:
        StoreError: when there is no result, a damaged one, or one of a version not known here.
    """
    path = Path(path)
    attributes = read_attributes(path)
    version = attributes.get("version")
    if version not in (1, VERSION):
        raise StoreError(
            f"{path} has result version {version}, this software reads 1 and {VERSION}"
        )
    try:
        if version == 1:
            _check_chunks(path)
            return from_version_1(zarr.open_group(path, mode="r"), attributes)
        with xarray.open_zarr(path, chunks=None, mask_and_scale=False) as data:
            # In this order: false shapes would make a check of chunks, let alone a read, endless.
            check_shapes(data)
            _check_chunks(path)
            result = from_dataset(data)
            _check_hashes(data)
            return result
    except Exception as error:  # whatever a damaged file makes zarr, a codec or NumPy raise
        if isinstance(error, MemoryError):
            raise
        raise StoreError(f"{path} is damaged ({_first_line(error)})") from None


def read_attributes(path: Path) -> dict[str, Any]:
    """What a result says of itself, without reading an array.

    Raises:
        StoreError: when there is no result.
    """
    try:
        attributes = json.loads(json.dumps(dict(zarr.open_group(path, mode="r").attrs)))
    except Exception as error:  # zarr lets through whatever JSON, a codec or the system raises
        raise StoreError(f"{path} holds no result ({_first_line(error)})") from None
    if attributes.get("format") != FORMAT:
        raise StoreError(f"{path} is a Zarr group, but not a result of erf-probe")
    return attributes


def _check_chunks(path: Path) -> None:
    """Zarr reads a chunk that is not there as zeros; a result has all of them.

    Raises:
        ValueError: naming the array that lacks one, or is described in two ways.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of what is no array
        arrays = dict(zarr.open_group(path, mode="r", use_consolidated=False).arrays())
    for name, array in zarr.open_group(path, mode="r").arrays():
        # As text: what fills a gap is NaN, which equals nothing.
        if name not in arrays or str(arrays[name].metadata) != str(array.metadata):
            raise ValueError(f"{name} is not described as it was when it was written")
    for name, array in arrays.items():
        # Counted at first by their files: a false shape has more chunks than can be looked for.
        files = sum(1 for place in (path / name).rglob("*") if place.is_file())
        if array.nchunks > files:
            raise ValueError(f"{name} has at most {files} of {array.nchunks} chunks on disk")
        if array.nchunks_initialized != array.nchunks:
            raise ValueError(
                f"{name} has {array.nchunks_initialized} of {array.nchunks} chunks on disk"
            )


def _check_hashes(data: xarray.Dataset) -> None:
    """Hold every array, and the attributes, to the hash that was kept of it.

    Raises:
        ValueError: naming the one that differs or is missing.
    """
    kept, found = json.loads(data.attrs["sha256"]), hashes(data)
    kept.setdefault("attributes", found["attributes"])  # were not hashed at first
    for name in sorted({*kept, *found}):
        if kept.get(name) != found.get(name):
            raise ValueError(f"{name} is not what was written")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
