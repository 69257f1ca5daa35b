"""Which operators exports of torchvision's and timm's models contain, for the test of coverage.

Every classification and segmentation model of torchvision but the quantised ones, and of timm,
where it is installed, the shortest name of each family. Weights are not needed, so models are moved
to PyTorch's meta device.

    python -m benchmarks.operators --out tests/erf/graph/operators.json
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from torch import nn

from benchmarks.theory_torchvision import SIZE, SIZES, build, names
from erf.errors import ExportError
from erf.graph import export

Entry = tuple[str, Callable[[], nn.Module], tuple[int, int]]


def of_torchvision() -> Iterator[Entry]:
    """Name, constructor and image size of each model."""
    for name in names():
        yield name, partial(build, name), SIZES.get(name, SIZE)


def of_timm() -> Iterator[Entry]:
    """One model of each family: the one with the shortest name."""
    if find_spec("timm") is None:
        return
    import timm

    families: dict[str, list[str]] = {}
    for name in timm.list_models():
        families.setdefault(timm.models.model_entrypoint(name).__module__, []).append(name)
    for family in families.values():
        name = min(family, key=lambda name: (len(name), name))
        config = timm.get_pretrained_cfg(name)
        rows, cols = config.input_size[1:] if config else SIZE
        yield name, partial(timm.create_model, name), (rows, cols)


def operators(entry: Entry) -> set[str]:
    """The operators of one model that see the image; none if it cannot be exported."""
    name, make, size = entry
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = export(make().eval().to("meta"), (1, 3, *size))
    except (ExportError, RuntimeError) as error:
        print(f"{name}: {error}"[:200], file=sys.stderr)
        return set()
    return {node.op for node in graph.nodes if node.layout is not None and node.op != "input"}


def main() -> None:
    """Export all models, and write their operators down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    found: dict[str, list[str]] = {}
    for library, entries in (("torchvision", of_torchvision()), ("timm", of_timm())):
        seen: set[str] = set()
        for entry in entries:
            seen |= operators(entry)
            found[library] = sorted(seen)
            out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
