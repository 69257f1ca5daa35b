"""Measurement: every number about one field, with units, thresholds and image size."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from erf.errors import SettingError
from erf.geometry import Box
from erf.measures.floor import Floor
from erf.measures.gaussian import GaussianFit
from erf.measures.intervals import Interval
from erf.measures.radial import RadialProfile
from erf.measures.spread import Moments
from erf.measures.summary import sentence, share_text

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Size:
    """One definition of the field's size.

    Attributes:
        name: such as ``mass:0.9545``, ``peak:0.0455``, ``square:0.5``, ``participation``.
        meaning: the definition in words, with its threshold.
        area: pixels; of a square that reaches beyond the border the part inside the image.
        side: of the square of this area, pixels; of a ``square`` its own side.
        interval: of the area; None where draws were not kept or are fewer than two.
    """

    name: str
    meaning: str
    area: float
    side: float
    interval: Interval | None = None


@dataclass(frozen=True)
class Measurement:
    """How large one unit's field is and what shape it has. All lengths are pixels of the image.

    Attributes:
        target: such as ``fc7@7,7``.
        image_size: (rows, cols).
        patch, stride: of the probe; 1 and 1 for a gradient. Overlapping patches (stride below
            patch) do not sharpen: a field is blurred by the patch.
        draws: random realisations (or projections) behind the map.
        center: the unit's theoretical centre, (row, col).
        center_from: ``theory``, or ``position`` where the theory gives none.
        theory: pixels that can reach the unit, None when unknown.
        theory_status: ``exact``, ``upper_bound``, ``whole_image`` or ``unknown``.
        criterion: name of the size that ``area`` and all shares stand for.
        sizes: every definition that was computed, the criterion's first.
        moments: centroid and spread.
        offset: (rows, cols) from the centre to the centroid.
        profile: mean and cumulative mass over rings around the centre.
        gaussian: the best fitting Gaussian, None where there is none.
        floor: what cannot be told from zero.
        peak: largest discrepancy of the map, in its own unit.
        peak_error: its standard error relative to it; None without draws. A threshold that hangs
            on the peak is as uncertain as this.
        images: how many the map is an average of.
        recentred: whether the map is an average around units, with an extent of its own.
        extent: (height, width) of the map, pixels; the image's, unless recentred.
    """

    target: str
    image_size: tuple[int, int]
    patch: int
    stride: int
    draws: int
    center: tuple[float, float]
    center_from: str
    theory: Box | None
    theory_status: str
    criterion: str
    sizes: tuple[Size, ...]
    moments: Moments
    offset: tuple[float, float]
    profile: RadialProfile
    gaussian: GaussianFit | None
    floor: Floor
    peak: float
    peak_error: float | None
    images: int = 1
    recentred: bool = False
    extent: tuple[float, float] | None = None

    def size(self, name: str | None = None) -> Size:
        """The size of this name; the criterion's by default.

        Raises:
            SettingError: when it was not computed.
        """
        wanted = self.criterion if name is None else name
        for size in self.sizes:
            if size.name == wanted:
                return size
        known = ", ".join(size.name for size in self.sizes)
        raise SettingError(f"size {wanted!r} was not measured; there are {known}")

    @property
    def area(self) -> float:
        """Area of the field by the criterion, pixels."""
        return self.size().area

    @property
    def side(self) -> float:
        """Side of the square of the same area, pixels."""
        return self.size().side

    @property
    def share_of_image(self) -> float:
        """Area over the image's area; of a recentred average, over that of its own map."""
        return self.area / self.whole

    @property
    def whole(self) -> float:
        """Area of what the map covers, pixels."""
        height, width = self.extent or self.image_size
        return float(height * width)

    @property
    def share_of_theory(self) -> float | None:
        """Area over that of the theoretical field inside the image; None when unknown.

        Patches stick out of the theoretical field, so a field that fills it can exceed 1.
        """
        return self.area / self.theory.area if self.theory and self.theory.area else None

    @property
    def anisotropy(self) -> float:
        """Longest over shortest standard deviation; 1 is round."""
        return self.moments.anisotropy

    def interval(self, name: str | None = None) -> tuple[float, float] | None:
        """Confidence interval (low, high); None where there is none.

        Args:
            name: of a size (its area, pixels), or ``area``, ``side``, ``share_of_image``,
                ``share_of_theory`` of the criterion's. The criterion's area by default.
        """
        derived = ("area", "side", "share_of_image", "share_of_theory")
        found = self.size(None if name in derived else name).interval
        if found is None:
            return None
        low, high = found.low, found.high
        if name == "side":
            return math.sqrt(low), math.sqrt(high)
        if name == "share_of_image":
            whole = self.whole
        elif name == "share_of_theory":
            if not self.theory or not self.theory.area:
                return None
            whole = float(self.theory.area)
        else:
            whole = 1.0
        return low / whole, high / whole

    @property
    def covered(self) -> tuple[int, int]:
        """(rows, cols) of what the map covers: the image, or the extent of a recentred average."""
        height, width = self.extent or self.image_size
        return round(height), round(width)

    @property
    def summary(self) -> str:
        """What a person understands: ``hears 23 % of the image; 38 % of its theoretical field``."""
        return share_text(self.share_of_image, self.share_of_theory, recentred=self.recentred)

    @property
    def sentence(self) -> str:
        """The summary with unit, definition, image size and interval."""
        size = self.size()
        return sentence(
            self.target,
            self.summary,
            size.meaning,
            size.area,
            self.covered,
            size.interval,
        )

    def records(self) -> list[dict[str, str | float | None]]:
        """Flat, a row a size."""
        rows: list[dict[str, str | float | None]] = []
        for size in self.sizes:
            low, high = self.interval(size.name) or (None, None)
            rows.append(
                {
                    "target": self.target,
                    "size": size.name,
                    "area": size.area,
                    "area_low": low,
                    "area_high": high,
                    "side": size.side,
                    "share_of_image": size.area / self.whole,
                    "share_of_theory": size.area / self.theory.area
                    if self.theory and self.theory.area
                    else None,
                    "images": self.images,
                    "draws": self.draws,
                }
            )
        return rows

    def to_frame(self) -> pandas.DataFrame:
        """A pandas table, a row a size; needs pandas."""
        import pandas

        return pandas.DataFrame(self.records())

    def to_json(self) -> str:
        """All numbers as JSON; infinities and NaN are null."""
        values = {
            **asdict(self),
            "area": self.area,
            "side": self.side,
            "share_of_image": self.share_of_image,
            "share_of_theory": self.share_of_theory,
            "anisotropy": self.anisotropy,
            "summary": self.summary,
        }
        return json.dumps(_plain(values), indent=2, allow_nan=False)


def _plain(value: object) -> object:
    """The value in JSON's types."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
