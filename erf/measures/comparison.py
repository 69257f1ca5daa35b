"""Compare fields: sizes side by side, their ratio, and whether it differs from 1."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from erf.errors import SettingError
from erf.measures.averaging import average, calibrate
from erf.measures.conditions import Conditions, check_alike
from erf.measures.field import Field, fields_of
from erf.measures.measurement import Measurement
from erf.measures.measuring import measure
from erf.measures.ratios import (
    Ratio,
    adjust,
    pairing,
    ratio_over_draws,
    ratio_over_images,
)
from erf.measures.shares import check_share
from erf.measures.sizes import SIGNIFICANT
from erf.results import LayerResult, UnitResult, each_of

if TYPE_CHECKING:
    import pandas


One = UnitResult | LayerResult | Field


@dataclass(frozen=True)
class Compared:
    """One row of a comparison.

    Attributes:
        name: of the result.
        images: how many it is an average of.
        measurement: of the field; of the average when there are several images.
        ratio: to the first row; None in the first row.
    """

    name: str
    images: int
    measurement: Measurement
    ratio: Ratio | None


@dataclass(frozen=True)
class Comparison:
    """Rows of a comparison, the first of which the others are set against."""

    rows: tuple[Compared, ...]

    def __iter__(self) -> Iterator[Compared]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Compared:
        return self.rows[index]

    def to_json(self) -> str:
        """All numbers as JSON; what is unknown is null."""
        rows = [
            {
                "name": row.name,
                "images": row.images,
                "ratio": None if row.ratio is None else row.ratio.plain(),
                "measurement": json.loads(row.measurement.to_json()),
            }
            for row in self.rows
        ]
        return json.dumps(rows, indent=2, allow_nan=False)

    def records(self) -> list[dict[str, str | float | None]]:
        """Flat, one value a column."""
        found: list[dict[str, str | float | None]] = []
        for row in self.rows:
            low, high = row.measurement.interval("side") or (None, None)
            ratio = row.ratio
            found.append(
                {
                    "name": row.name,
                    "images": row.images,
                    "side": row.measurement.side,
                    "side_low": low,
                    "side_high": high,
                    "share_of_image": row.measurement.share_of_image,
                    "share_of_theory": row.measurement.share_of_theory,
                    "ratio": 1.0 if ratio is None else ratio.value,
                    "ratio_low": None if ratio is None else ratio.low,
                    "ratio_high": None if ratio is None else ratio.high,
                    "p": None if ratio is None else ratio.p,
                    "p_adjusted": None if ratio is None else ratio.p_adjusted,
                    "method": None if ratio is None else ratio.method,
                }
            )
        return found

    def to_frame(self) -> pandas.DataFrame:
        """A pandas table, a row a group; needs pandas."""
        import pandas

        return pandas.DataFrame(self.records())


def compare(
    groups: Mapping[str, One | Sequence[One]] | Sequence[UnitResult | Field],
    *,
    criterion: str = "mass",
    share: float | None = None,
    level: float = 0.95,
    resamples: int = 999,
    seed: int = 0,
    mixed: bool = False,
) -> Comparison:
    """Measure each group of results and set its size against the first group's.

    A group holds one unit's results, one an image, or a single result. Sizes are compared as
    logarithms, so that swapping two groups inverts their ratio. With several images each, a t test
    over images, several units of one image being averaged first: paired
    when the images are the same, which removes what an image does to every network; else Welch's.
    With one image each, a z test with the bootstrap's standard errors, which says whether these
    two fields differ on this image, and nothing about other images. Equal seeds make the two share
    their noise; that is ignored, which errs on the careful side.

    Args:
        groups: results by name, or a sequence of single results, which get the names of their
            models; the first is what the others are compared with.
        criterion, share, level, resamples, seed: as in ``measure``.
        mixed: whether results may differ in patch, stride, stimulus, sigma or image size.

    Raises:
        SettingError: when results differ in these and are not said to be mixed, with their names.
        SettingError: with fewer than two groups or an empty one, or ``criterion="significant"``,
            which counts patches and depends on the number of draws.

    Example:
        >>> import torch, erf
        >>> image = torch.randn(3, 32, 32)
        >>> small = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1))
        >>> large = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 15, padding=7))
        >>> narrow, wide = (erf.probe(each, image, "0", patch=4) for each in (small, large))
        >>> row = compare({"narrow": narrow, "wide": wide})[1]
        >>> row.name, row.ratio.value > 2
        ('wide', True)
    """
    check_share(level, "level")
    groups = groups if isinstance(groups, Mapping) else _named(groups)
    if len(groups) < 2:
        raise SettingError(f"a comparison needs at least 2 results, not {len(groups)}")
    if criterion == SIGNIFICANT:
        raise SettingError(
            "criterion 'significant' grows with the number of draws and cannot be compared: "
            "use mass or peak"
        )
    alike = [
        (name, Conditions.of_result(each))
        for name, results in groups.items()
        for each in each_of(results, (UnitResult, LayerResult, Field), "result of a probe")
        if isinstance(each, UnitResult)
    ]
    check_alike(alike, mixed=mixed, told="give results that agree, or say that they are mixed")
    sized = partial(measure, criterion=criterion, share=share, level=level, seed=seed)
    found = [_Group.of(fields_of(results), sized, resamples) for results in groups.values()]
    ratios = [_ratio(each, found[0], level) for each in found[1:]]
    adjusted = adjust([each.p for each in ratios])
    rows: list[Ratio | None] = [None]
    rows += [replace(each, p_adjusted=p) for each, p in zip(ratios, adjusted, strict=True)]
    return Comparison(
        tuple(
            Compared(name, each.measurement.images, each.measurement, ratio)
            for name, each, ratio in zip(groups, found, rows, strict=True)
        )
    )


def _named(results: Sequence[UnitResult | Field]) -> dict[str, One | Sequence[One]]:
    """Single results by the names of their models; numbered where these repeat."""
    names = [
        each.model_name if isinstance(each, UnitResult) else getattr(each, "label", "result")
        for each in results
    ]
    return {
        name if names.count(name) == 1 else f"{name} ({index + 1})": each
        for index, (name, each) in enumerate(zip(names, results, strict=True))
    }


@dataclass(frozen=True)
class _Group:
    """One row before it is compared.

    Attributes:
        measurement: of the field, or of the average over images.
        sizes: area in each image; empty when there is only one.
        images: what tells them apart.
    """

    measurement: Measurement
    sizes: Float64[np.ndarray, " n"]
    images: list[object]

    @classmethod
    def of(
        cls, fields: Sequence[Field], sized: Callable[..., Measurement], resamples: int
    ) -> _Group:
        by_image: dict[object, list[Field]] = {}
        for index, each in enumerate(fields):
            by_image.setdefault(index if each.image is None else each.image, []).append(each)
        several = by_image.values() if len(by_image) > 1 else []
        return cls(
            sized(combine(fields), resamples=resamples),
            np.array([sized(combine(each), resamples=0).area for each in several]),
            list(by_image),
        )


def _ratio(above: _Group, below: _Group, level: float) -> Ratio:
    """Over images where both have several, else over draws."""
    if len(above.sizes) > 1 and len(below.sizes) > 1:
        order = pairing(below.images, above.images)
        return ratio_over_images(above.sizes, below.sizes, order, level)
    return ratio_over_draws(above.measurement, below.measurement, level)


def combine(fields: Sequence[Field]) -> Field:
    """The field itself, or the average over images; recentred where units or sizes differ.

    Raises:
        SettingError: when there is none.
    """
    if not fields:
        raise SettingError("a group of results needs at least one result, not 0")
    if len(fields) == 1:
        return fields[0]
    alike = {(each.image_size, each.values.shape, each.center) for each in fields}
    return average(fields) if len(alike) == 1 else calibrate(fields)
