"""Fourier transforms: along what they transform, every output may read every input."""

from __future__ import annotations

from erf.geometry.axis import IDENTITY, Whole
from erf.graph.layout import SPATIAL, Axis, Digit, channel
from erf.graph.node import Call, Certainty, Effect, Read
from erf.graph.rules.table import rule, unknown

NAMES = tuple(
    f"aten.fft_{way}{kind}fft{dims}"
    for way in ("", "i")
    for kind in ("", "r", "h")
    for dims in ("", "2", "n")
)
"""Of transforms of one, two or any number of dimensions."""


@rule(*NAMES, "aten._fft_r2c", "aten._fft_c2r", "aten._fft_c2c")
def transform(call: Call) -> Effect:
    """Axes that are not transformed are read as they are; the others as a bound.

    What a transform and its inverse do together is not known: alone each reads everything, but with
    the same factor between them at every frequency they cancel.
    """
    source = call.sources[0]
    assert source.layout is not None
    after, rank = source.layout.settled(), len(call.shape)
    gone = {d % rank for d in _dims(call, rank)}
    along = {}
    for d in gone:
        axis = next((axis for axis in SPATIAL if after.dim_of(axis) == d), None)
        if axis is None and any(g.axis is not Axis.CHANNEL for g in after.dims[d]):
            return unknown(call)
        if axis is not None:
            along[axis] = Whole(source.shape[d])
        after = after.replace(d, (Digit(axis, call.shape[d]),) if axis else channel(call.shape[d]))
    rows, cols = (along.get(axis, IDENTITY) for axis in SPATIAL)
    certainty = Certainty.BOUND if along else Certainty.EXACT
    return Effect(after, (Read(source, rows, cols, certainty),), call.op if along else None)


def _dims(call: Call, rank: int) -> list[int]:
    """The dimensions that are transformed."""
    given = call.get("dim")
    if isinstance(given, int):
        return [given]
    if given is None:
        sizes = call.get("s")
        return list(range(rank))[-len(sizes) :] if sizes else list(range(rank))
    return list(given)
