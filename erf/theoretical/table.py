"""The table a paper needs: every layer's theoretical field."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from erf.binding import bound
from erf.borrow import placed_like
from erf.graph import Graph, graph_of
from erf.inputs import Inputs
from erf.scripted import open_to_hooks
from erf.theoretical.analyse import analyse
from erf.theoretical.field import TheoreticalField

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class TheoryTable:
    """Theoretical fields of all layers of a model, in the order in which the layers finish.

    Attributes:
        image_size: (rows, cols) of the image.
        rows: one a layer.
    """

    image_size: tuple[int, int]
    rows: tuple[TheoreticalField, ...]

    def __iter__(self) -> Iterator[TheoreticalField]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, layer: str) -> TheoreticalField:
        """The field of a layer; KeyError when there is none."""
        return {row.layer: row for row in self.rows}[layer]

    def to_csv(self) -> str:
        """Comma-separated values with a header; an empty cell where fields are not alike."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(COLUMNS), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row.record() for row in self.rows)
        return text.getvalue()

    def to_frame(self) -> pandas.DataFrame:
        """A pandas table, a row a layer; needs pandas."""
        import pandas

        return pandas.DataFrame([row.record() for row in self.rows])

    def to_json(self) -> str:
        """A JSON object with the image size and a list of layers."""
        layers = [{**row.record(), "reasons": list(row.reasons)} for row in self.rows]
        return json.dumps({"image_size": list(self.image_size), "layers": layers}, indent=1)


COLUMNS = (
    *("layer", "kind", "units_rows", "units_cols", "size_rows", "size_cols"),
    *("stride_rows", "stride_cols", "padding_rows", "padding_cols", "status", "reasons"),
)
"""Names of the columns of a CSV file."""


def theory(
    model: nn.Module,
    *,
    image_size: tuple[int, int] = (500, 500),
    channels: int = 3,
    inputs: Mapping[str, Any] | Inputs | None = None,
) -> TheoryTable:
    """Theoretical fields of all layers of a model.

    Modules that are not called, or whose output does not depend on the image, have none.

    Args:
        model: any module that takes one image (n, channels, rows, cols); left as found.
        image_size: (rows, cols).
        channels: of the image.
        inputs: what the model takes beside the image, as of `erf.Subject`.

    Raises:
        ExportError: when the model cannot be exported.
        ModelError: when it needs another input, which is named.

    Example:
        >>> from torch import nn
        >>> layers = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2))
        >>> [(row.layer, row.size, row.stride) for row in theory(layers, image_size=(32, 32))]
        [('0', (3, 3), (1, 1)), ('1', (4, 4), (2, 2))]
    """
    model = open_to_hooks(model)
    image = placed_like(model, torch.zeros(channels, *image_size))
    with bound(model, image, Inputs.of(inputs)):
        graph = graph_of(model, (1, *image.shape))
    kinds = {path: type(module).__name__ for path, module in model.named_modules()}
    return theory_of(graph, kinds)


def theory_of(graph: Graph, kinds: Mapping[str, str]) -> TheoryTable:
    """Theoretical fields of all layers of a graph.

    Args:
        graph: of the model.
        kinds: class of each module by its path.
    """
    layers = [name for name in graph.names() if graph.layer(name).layout is not None]
    fields = analyse(graph, layers)
    return TheoryTable(
        graph.image_size,
        tuple(replace(each, kind=kinds.get(each.layer.partition("[")[0], "")) for each in fields),
    )
