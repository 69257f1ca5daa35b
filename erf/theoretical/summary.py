"""What a result keeps of its unit's theoretical field."""

from __future__ import annotations

from erf.geometry import Target
from erf.graph import Graph
from erf.result import LayerTheory, TheoreticalExtent
from erf.theoretical.analyse import analyse


def layer_theory(graph: Graph | None, layer: str) -> LayerTheory | None:
    """The theoretical fields of a layer's units; None without a graph."""
    if graph is None:
        return None
    (field,) = analyse(graph, [layer])
    return LayerTheory(
        boxes=field.boxes(),
        unclipped=field.boxes(clipped=False),
        size=field.size,
        status=field.status,
        reasons=field.reasons,
    )


def theoretical_extent(graph: Graph | None, target: Target) -> TheoreticalExtent | None:
    """The theoretical field of a target's unit; None without a graph or a unit."""
    theory = layer_theory(graph, target.layer)
    if theory is None or target.unit is None:
        return None
    return theory.extent(target.unit)
