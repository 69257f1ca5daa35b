"""A model as a graph of operators, each with one spatial rule.

`export` traces a model; every node of the `Graph` knows which of its dimensions are rows and
columns, and, by the one table of rules, what an output position reads of each input.
"""

from erf.graph.cache import graph_of, structure_of, try_graph_of
from erf.graph.exporting import export, try_export
from erf.graph.graph import Graph
from erf.graph.layout import Axis, Digit, Layout
from erf.graph.maps import as_map, is_plain, map_layout
from erf.graph.node import BatchSize, Call, Certainty, Node, Read

__all__ = [
    "Axis",
    "BatchSize",
    "Call",
    "Certainty",
    "Digit",
    "Graph",
    "Layout",
    "Node",
    "Read",
    "as_map",
    "export",
    "graph_of",
    "is_plain",
    "map_layout",
    "structure_of",
    "try_export",
    "try_graph_of",
]
