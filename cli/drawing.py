"""What figures of training and of checkpoints are drawn from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from figures import Growth


def read_growth(run: Path, unit: str | None) -> tuple[list[Growth], float | None]:
    """The probes in a folder, and the side of the theoretical field inside the image.

    Raises:
        click.BadParameter: when a result's path has no number.
    """
    import erf
    from cli.arguments.results import find_results
    from erf.geometry import parse_unit
    from figures import Growth
    from figures.unit import at_unit

    name = None if unit is None else parse_unit(unit)
    probes, theory = [], None
    for path in find_results(run):
        numbers = re.findall(r"\d+", str(path.relative_to(run).with_suffix("")))
        if not numbers:
            raise click.BadParameter(f"{path}: its path names no iteration, such as 200.zarr")
        measurement = erf.measure(at_unit(erf.open(path), name))
        probes.append(Growth(int(numbers[-1]), measurement.side, measurement.interval("side")))
        theory = None if measurement.theory is None else measurement.theory.area**0.5
    return probes, theory
