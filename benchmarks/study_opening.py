"""How long a tree of a thousand results takes to open, and how much memory: ours and xarray's.

    python -m benchmarks.study_opening [--results 1080]

Each way runs in a process of its own; its seconds are of processor time, so that a busy machine
does not change them much, and its memory is what it adds to what the imports take.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import torch
import xarray
import zarr

import erf
from erf.results.group import attributes_of, write_group
from erf.study.tree import write_root

LAYERS, PHOTOS = 6, 20


def one_result(place: Path) -> Path:
    """A result as it is saved."""
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5, padding=2), torch.nn.ReLU())
    probe = erf.probe(model, torch.randn(3, 64, 64), "1", patch=16, draws=2)
    return erf.save(probe, place)


def one_array(place: Path) -> Path:
    """Nothing but the field: the least that a result could be."""
    field = xarray.Dataset({"discrepancy": (("patch_row", "patch_col"), np.zeros((4, 4)))})
    field.to_zarr(place, zarr_format=3, consolidated=False)
    return place


def make(root: Path, first: Path, results: int) -> Path:
    """A tree in which one result stands again and again: models, 20 photos, 6 layers."""
    root.mkdir()
    write_root(root, {"models": {}})
    for number in range(results):
        layer, photo = number % LAYERS, number // LAYERS % PHOTOS
        model_name = f"model{number // (LAYERS * PHOTOS)}"
        place = root / model_name / "noise" / f"photo{photo:02d}" / f"layer{layer}"
        for group in (*reversed(place.parents), place):
            if root in group.parents and attributes_of(group) is None:
                group.mkdir(exist_ok=True)
                write_group(group)
        shutil.copytree(first, place / "center")
    return root


def ours(root: Path) -> int:
    """`erf.open`: attributes alone."""
    return len(erf.open(root))  # type: ignore[arg-type]


def as_asked(root: Path) -> int:
    """`xarray.open_datatree` as the README says it."""
    tree = xarray.open_datatree(root, engine="zarr", consolidated=False)
    return sum("discrepancy" in node for node in tree.leaves)


def without_indexes(root: Path) -> int:
    """The same, and no index is made of the ten coordinates of each result."""
    tree = xarray.open_datatree(
        root, engine="zarr", consolidated=False, create_default_indexes=False
    )
    return sum("discrepancy" in node for node in tree.leaves)


def consolidated(root: Path) -> int:
    """The same from metadata that were put together in the root before."""
    tree = xarray.open_datatree(
        root, engine="zarr", consolidated=True, create_default_indexes=False
    )
    return sum("discrepancy" in node for node in tree.leaves)


def bare(root: Path) -> int:
    """The same of results that were a single array each"""
    return without_indexes(root)


def raw(root: Path) -> int:
    """Zarr alone: every array's metadata read, nothing made of them."""
    group = zarr.open_group(root, mode="r", use_consolidated=False)
    return sum(name.endswith("/discrepancy") for name, _ in group.members(max_depth=None))


def measure(way: Callable[[Path], int], root: Path, told: multiprocessing.Queue[object]) -> None:
    """Processor seconds and megabytes of one way."""
    warnings.simplefilter("ignore")
    process = psutil.Process()
    before, start = process.memory_info().rss, time.process_time()
    number = way(root)
    seconds = time.process_time() - start
    told.put((number, seconds, (process.memory_info().rss - before) / 2**20))


def main() -> None:
    """Print the table of docs/study.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=int, default=1080)
    number = parser.parse_args().results
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        root = make(Path(folder, "tree"), one_result(Path(folder, "result")), number)
        least = make(Path(folder, "least"), one_array(Path(folder, "array")), number)
        print("| way | results | processor seconds | MB more |\n| --- | --- | --- | --- |")
        for way in (ours, as_asked, without_indexes, raw, consolidated, bare):
            if way is consolidated:
                warnings.simplefilter("ignore")
                zarr.consolidate_metadata(root)
            told = context.Queue()
            place = least if way is bare else root
            process = context.Process(target=measure, args=(way, place, told))
            process.start()
            found, seconds, memory = told.get()
            process.join()
            print(f"| {(way.__doc__ or '').strip('.')} | {found} | {seconds:.2f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
