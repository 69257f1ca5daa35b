"""Do a study's intervals and tests keep their promise? Simulated studies whose truth is known.

    python -m benchmarks.study_statistics

Photos have a spread of their own, units of one photo share it, and each draw of a patch is noise.
The truth is the geometric mean of the size over very many photos without noise.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.special import gammaln

from erf.geometry import PatchGrid
from erf.measures import Cells, Field, PhotoSizes, typical
from erf.measures.ratios import pairing, ratio_over_images

GRID = PatchGrid((192, 192), 16, 16)
CELLS = Cells.of(GRID)
CENTER = (95.5, 95.5)
SIZE = "mass:0.9545"


@dataclass(frozen=True)
class World:
    """What photos, units and draws do.

    Attributes:
        sigma: of a typical field, pixels.
        photos: standard deviation of the logarithm of a field's extent over photos.
        units: likewise over the units of one photo.
        draws: of each patch.
        freedom: of the noise; more is less noise.
    """

    sigma: float = 26.0
    photos: float = 0.12
    units: float = 0.05
    draws: int = 4
    freedom: int = 10


def maps(sigmas: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, "n rows cols"]:
    """Fields of these extents, without noise."""
    rows, cols = (np.asarray(each) for each in GRID.centers)
    distance = np.hypot(rows[:, None] - CENTER[0], cols - CENTER[1])
    return np.exp(-((distance / sigmas[:, None, None]) ** 2) / 2)


def true_size(world: World, number: int = 20_000) -> float:
    """Logarithm of the typical area."""
    rng = np.random.default_rng(1)
    sigmas = world.sigma * np.exp(rng.normal(0, math.hypot(world.photos, world.units), number))
    from erf.measures import mass_area

    return float(np.log(mass_area(maps(sigmas), CELLS.areas, 0.9545)).mean())


def study(
    world: World,
    photos: int,
    units: int,
    rng: np.random.Generator,
    spread: Float64[np.ndarray, " photos"] | None = None,
) -> list[Field]:
    """Fields of a study; two of one ``spread`` are two models on the same photos."""
    if spread is None:
        spread = rng.normal(0, world.photos, photos)
    own = rng.normal(0, world.units, (photos, units))
    sigmas = world.sigma * np.exp(spread[:, None] + own).ravel()
    mean = maps(sigmas)[:, None]
    length = np.sqrt(rng.chisquare(world.freedom, (len(sigmas), world.draws, *GRID.shape)))
    half = world.freedom / 2
    samples = mean * length / (math.sqrt(2) * math.exp(gammaln(half + 0.5) - gammaln(half)))
    return [
        Field(
            values=each.mean(axis=0),
            cells=CELLS,
            image_size=GRID.image_size,
            center=CENTER,
            samples=each,
            patch=GRID.patch,
            stride=GRID.stride,
            label="simulated",
            image=f"photo {index // units}",
        )
        for index, each in enumerate(samples)
    ]


def apart(fields: list[Field]) -> list[Field]:
    """The mistake: every unit taken for a photo of its own."""
    from dataclasses import replace

    return [replace(each, image=f"{index}") for index, each in enumerate(fields)]


def coverage(
    world: World, photos: int, units: int, studies: int, *, wrongly: bool = False
) -> float:
    """Share of simulated studies whose 95 % interval covers the truth."""
    truth, hits = math.exp(true_size(world)), 0
    for seed in range(studies):
        fields = study(world, photos, units, np.random.default_rng([seed, photos]))
        found = typical(apart(fields) if wrongly else fields, SIZE)
        hits += found.low <= truth <= found.high
    return hits / studies


def false_alarms(
    world: World, photos: int, units: int, studies: int, *, wrongly: bool = False
) -> float:
    """Share of comparisons of two equal models that call a difference at 5 %.

    The models are equal over photos: what a photo does to each of them is its own.
    """
    calls = 0
    for seed in range(studies):
        rng = np.random.default_rng([seed, photos, 1])
        one, other = (study(world, photos, units, rng) for _ in range(2))
        if wrongly:
            one, other = apart(one), apart(other)
        above, below = (PhotoSizes.of(each, SIZE) for each in (one, other))
        order = pairing(below.photos, above.photos)
        found = ratio_over_images(np.exp(above.logs), np.exp(below.logs), order, 0.95)
        calls += found.p <= 0.05
    return calls / studies


def main() -> None:
    """Print the tables of docs/measures.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=500)
    number, world = parser.parse_args().studies, World()
    print("| photos | units of each | 95 % interval covers | units taken for photos |")
    print("| --- | --- | --- | --- |")
    for photos in (5, 10, 20):
        for units in (1, 4):
            right = coverage(world, photos, units, number)
            wrong = coverage(world, photos, units, number, wrongly=True) if units > 1 else math.nan
            print(f"| {photos} | {units} | {_percent(right)} | {_percent(wrong)} |", flush=True)
    print("\n| photos | units of each | equal models called different | units taken for photos |")
    print("| --- | --- | --- | --- |")
    for photos in (5, 10, 20):
        right = false_alarms(world, photos, 4, number)
        wrong = false_alarms(world, photos, 4, number, wrongly=True)
        print(f"| {photos} | 4 | {_percent(right)} | {_percent(wrong)} |", flush=True)


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{100 * share:.1f} %"


if __name__ == "__main__":
    main()
