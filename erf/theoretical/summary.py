"""What a result keeps of its unit's theoretical field."""

from __future__ import annotations

from erf.geometry import Target
from erf.graph import Graph
from erf.result import TheoreticalExtent
from erf.theoretical.analyse import analyse


def theoretical_extent(graph: Graph | None, target: Target) -> TheoreticalExtent | None:
    """The theoretical field of a target's unit; None without a graph or a unit."""
    if graph is None or target.unit is None:
        return None
    (field,) = analyse(graph, [target.layer])
    return TheoreticalExtent(
        box=field.box(target.unit),
        size=field.size,
        unclipped=field.box(target.unit, clipped=False),
        status=field.status,
        reasons=field.reasons,
    )
