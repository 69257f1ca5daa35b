"""Which tiles give the same as the whole image, by theory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import lcm

from torch import nn

from erf.errors import ExportError, SettingError, TilingError
from erf.graph import Graph, graph_of
from erf.layer_name import OUTPUT, LayerName
from erf.theoretical import TheoreticalField
from erf.theoretical.analyse import analyse
from erf.theoretical.propagate import Walk
from erf.tiles.axis import Period, Piece, TiledAxis, cut, find_period

AXES = ("rows", "columns")


@dataclass(frozen=True)
class Tiling:
    """How an image is cut so that each unit of a layer is computed as in the whole image.

    Attributes:
        layer: whose units are computed.
        rows, cols: how each axis is cut.
        status: of the layer's theory: ``exact`` margins are the smallest, those of an
            ``upper_bound`` may be larger than needed.
        reasons: operators behind a bound.
        sufficient: whether, by theory, what is kept is what the whole image gives.
        refused: why no margin of such tiles is; empty where one is.
    """

    layer: str
    rows: TiledAxis
    cols: TiledAxis
    status: str
    reasons: tuple[str, ...]
    sufficient: bool = True
    refused: str = ""

    @property
    def image_size(self) -> tuple[int, int]:
        """(rows, cols) of the image, pixels."""
        return self.rows.size, self.cols.size

    @property
    def tile(self) -> tuple[int, int]:
        """(rows, cols) of a tile, pixels; the last ones may be smaller."""
        return self.rows.tile, self.cols.tile

    @property
    def step(self) -> tuple[int, int]:
        """Tiles start at multiples of so many (rows, cols), pixels."""
        return self.rows.period.pixels, self.cols.period.pixels

    @property
    def margins(self) -> tuple[float, float, float, float]:
        """Pixels that are not kept of a tile: top, left, bottom, right. None at image borders."""
        (top, bottom), (left, right) = self.rows.margins, self.cols.margins
        return top, left, bottom, right

    @property
    def pieces(self) -> tuple[tuple[Piece, Piece], ...]:
        """The tiles, row by row: what each holds and what is kept of it."""
        return tuple(product(self.rows.pieces, self.cols.pieces))

    @property
    def overhead(self) -> float:
        """Pixels that are computed more than once, as a share of the image."""
        held = [sum(p.stop - p.start for p in axis.pieces) for axis in (self.rows, self.cols)]
        return held[0] * held[1] / (self.rows.size * self.cols.size) - 1

    def with_margin(self, margin: float) -> Tiling:
        """The same tiles with another margin, pixels, at all sides.

        Raises:
            TilingError: it leaves less than a step of a tile.
        """
        rows, cols = (axis.widened(margin, margin) for axis in (self.rows, self.cols))
        enough = self.sufficient and margin >= max(self.margins)
        return replace(self, rows=rows, cols=cols, sufficient=enough)


def tiling(
    model: nn.Module,
    layer: str | None = None,
    *,
    image_size: tuple[int, int],
    tile: int | tuple[int, int],
    channels: int = 3,
) -> Tiling:
    """The tiles, with the least overlap, that give what the whole image gives.

    A unit is kept where the tile holds every pixel it reads; tiles start where the network's
    strides have the phase they have in the whole image; at the image's border the tile ends with
    the image, so that its padding is the whole image's own.

    Args:
        model: any module that takes one image; left as found. Nothing is computed: see
            `margin_curves` for a trial.
        layer: whose output is wanted; the model's own by default.
        image_size: (rows, cols) of the whole image.
        tile: pixels of a side, or (rows, cols).
        channels: of the image.

    Raises:
        TilingError: no overlap is enough (the message names the operator or the layer), or the
            tile is too small (it says which would do).
        ExportError, LayerError: as `erf.theoretical_field`.

    Example:
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 4, 5, padding=2), nn.Conv2d(4, 2, 3, padding=1))
        >>> plan = tiling(model, image_size=(100, 100), tile=40)
        >>> plan.margins, len(plan.pieces)
        ((3.0, 3.0, 3.0, 3.0), 9)
    """
    name, sides = layer or OUTPUT, _sides(tile)
    graph = graph_of(model, (1, channels, *image_size))
    fields = _fields_before(model, graph, name)
    field = fields[-1]
    if field.status == "whole_image":
        raise TilingError(
            f"no overlap is enough: every unit of {name!r} reads the whole image, by "
            f"{', '.join(field.reasons)}"
        )
    rows, cols = (_cut(fields, axis, image_size[axis], sides[axis]) for axis in (0, 1))
    plan = Tiling(name, rows, cols, field.status, field.reasons)
    _hold_to(plan, field, _field_of_a_tile(model, plan, channels))
    return plan


def bare_tiling(
    model: nn.Module,
    layer: str | None = None,
    *,
    image_size: tuple[int, int],
    tile: int | tuple[int, int],
    channels: int = 3,
) -> Tiling:
    """Tiles without a margin, side by side, also of a model for which none is enough.

    Units are not what they are in the whole image: `erf.margin_curves` says by how much.

    Args:
        model, layer, image_size, tile, channels: as of `tiling`.

    Raises:
        TilingError: the step of the layer's units is not known, or is wider than the tile.
    """
    name, sides = layer or OUTPUT, _sides(tile)
    graph = graph_of(model, (1, channels, *image_size))
    fields = _fields_before(model, graph, name)
    rows, cols = (_bare(fields, axis, image_size[axis], sides[axis]) for axis in (0, 1))
    return Tiling(name, rows, cols, fields[-1].status, fields[-1].reasons, sufficient=False)


def tiling_or_bare(
    model: nn.Module,
    layer: str | None = None,
    *,
    image_size: tuple[int, int],
    tile: int | tuple[int, int],
    channels: int = 3,
) -> Tiling:
    """As `tiling`; where that is refused, as `bare_tiling`, with the reason in ``refused``.

    Args:
        model, layer, image_size, tile, channels: as of `tiling`.

    Raises:
        TilingError: as of `bare_tiling`.

    Example:
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.InstanceNorm2d(4))
        >>> tiling_or_bare(model, image_size=(64, 64), tile=32).refused
        "no overlap is enough: every unit of 'output' reads the whole image, by aten.instance_norm"
    """
    try:
        return tiling(model, layer, image_size=image_size, tile=tile, channels=channels)
    except TilingError as error:
        bare = bare_tiling(model, layer, image_size=image_size, tile=tile, channels=channels)
        return replace(bare, refused=str(error))


def _bare(fields: Sequence[TheoreticalField], axis: int, size: int, tile: int) -> TiledAxis:
    """One axis; without a period of fields, by how many units there are for the image."""
    field, strides = fields[-1], _strides(fields, axis)
    period = _period(field, axis, strides)
    if period is None:
        share = Fraction(field.units[axis], size)
        pixels = lcm(share.denominator, *strides)
        period = Period(pixels, int(pixels * share))
    whole = TiledAxis(size, min(tile, size), field.units[axis], period, 0, field.units[axis])
    return whole.widened(0, 0)


def _sides(tile: int | tuple[int, int]) -> tuple[int, int]:
    sides = (tile, tile) if isinstance(tile, int) else tile
    if min(sides) < 1:
        raise SettingError(f"tile {sides} must be at least 1 pixel wide")
    return sides


def _strides(fields: Sequence[TheoreticalField], axis: int) -> set[int]:
    return {stride for each in fields if (stride := each.stride[axis]) is not None}


def _field_of_a_tile(model: nn.Module, plan: Tiling, channels: int) -> TheoreticalField:
    """The layer's field in a tile by itself."""
    try:
        return analyse(graph_of(model, (1, channels, *plan.tile)), [plan.layer])[0]
    except ExportError as error:
        raise TilingError(
            f"the model does not take a tile of {plan.tile[0]}x{plan.tile[1]} px; sides that are "
            f"multiples of {plan.step[0]} and {plan.step[1]} fit its strides ({error})"
        ) from error


def _hold_to(plan: Tiling, whole: TheoreticalField, alone: TheoreticalField) -> None:
    """Refuse a tile whose kept units do not read in it what they read in the whole image."""
    for axis, cut_axis in enumerate((plan.rows, plan.cols)):
        uncut = cut_axis.tile == cut_axis.size
        inner = slice(cut_axis.dropped, cut_axis.kept)
        wanted = whole.spans(clipped=uncut)[axis][inner]
        found = alone.spans()[axis][inner]
        if found.shape != wanted.shape or (found != wanted).any():
            raise TilingError(
                f"in a tile of {cut_axis.tile} px {AXES[axis]} are read otherwise than in the "
                f"whole image; take a multiple of {cut_axis.period.pixels} px"
            )


def _fields_before(model: nn.Module, graph: Graph, layer: str) -> list[TheoreticalField]:
    """Of all calls and operations that a layer hears, as they run, and last of itself."""
    calls = {
        node: f"{path}#{number}" if len(several) > 1 else path
        for path, several in graph.layers.items()
        for number, members in enumerate(several, start=1)
        if path and (node := members.get("")) is not None
    }
    named = calls | {graph.layer(name): name for name in graph.function_names()}
    before = [named[n] for n in Walk.to(graph, [graph.layer(layer)]).nodes if n in named]
    modules = dict(model.named_modules()) | {OUTPUT: model}
    return [
        replace(field, kind=type(modules[path]).__name__ if path in modules else "")
        for field in analyse(graph, [*before, layer])
        for path in [LayerName.parse(field.layer).path]
    ]


def _cut(fields: Sequence[TheoreticalField], axis: int, size: int, tile: int) -> TiledAxis:
    """One axis; refused where units read what no tile around them holds."""
    field = fields[-1]
    period = _period(field, axis, _strides(fields, axis))
    if period is None:
        odd = next(each for each in fields if _period(each, axis) is None)
        raise TilingError(
            f"no overlap is enough: along {AXES[axis]} what units of {field.layer!r} read is not "
            f"the same everywhere, from {_named(odd)} on"
        )
    try:
        found = cut(size, tile, field.spans(clipped=False)[axis], period)
    except TilingError as error:
        wide = [each for each in fields if each.stride[axis] == period.pixels > tile // 2]
        if not wide:
            raise
        raise TilingError(f"{error}; the step is that of {_named(wide[0])}") from None
    for piece in found.pieces:
        span = field.spans()[axis][piece.first : piece.last]
        span = span[span[:, 0] < span[:, 1]]
        if len(span) and (span[:, 0].min() < piece.start or span[:, 1].max() > piece.stop):
            far = next((each for each in fields if _wraps(each, axis)), None)
            what = "what no tile around them holds"
            if far is not None:
                what = f"from the other side of the image, from {_named(far)} on"
            raise TilingError(
                f"no overlap is enough: along {AXES[axis]} units of {field.layer!r} at the border "
                f"read {what}"
            )
    return found


def _period(field: TheoreticalField, axis: int, strides: Iterable[int] = ()) -> Period | None:
    return find_period(field.spans(clipped=False)[axis], strides)


def _wraps(field: TheoreticalField, axis: int) -> bool:
    """Whether units at the border read what units elsewhere would not, as in circular padding."""
    inside, endless = field.spans()[axis], field.spans(clipped=False)[axis]
    widest = (endless[:, 1] - endless[:, 0]).max()
    return bool((inside[:, 1] - inside[:, 0] > widest).any())


def _named(field: TheoreticalField) -> str:
    words = ", ".join((*([field.kind] if field.kind else []), *field.reasons))
    return f"{field.layer!r} ({words})" if words else repr(field.layer)
