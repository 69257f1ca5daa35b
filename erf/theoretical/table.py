"""The table a paper needs: every layer's theoretical field."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from erf.theoretical.analyse import analyse
from erf.theoretical.cache import graph_of
from erf.theoretical.field import TheoreticalField

Pair = tuple[int | None, int | None]


@dataclass(frozen=True)
class TheoryRow:
    """One layer of a `TheoryTable`; pairs are (rows, cols).

    Attributes:
        layer: module path.
        kind: class of the module.
        units: of the layer; (1, 1) for an output without positions.
        size: of the field, pixels.
        stride: of fields, pixels; None where they are not alike.
        padding: pixels of the first unit's field before the image.
        status: ``exact``, ``upper_bound`` or ``whole_image``.
        reasons: operators responsible for another status than ``exact``.
    """

    layer: str
    kind: str
    units: tuple[int, int]
    size: tuple[int, int]
    stride: Pair
    padding: Pair
    status: str
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, field: TheoreticalField, kind: str) -> TheoryRow:
        """What the table says of a field."""
        return cls(
            field.layer,
            kind,
            field.units,
            field.size,
            field.stride,
            field.padding,
            field.status,
            field.reasons,
        )

    def record(self) -> dict[str, str | int | None]:
        """Flat, one value a column."""
        pairs = {
            f"{name}_{axis}": value
            for name in ("units", "size", "stride", "padding")
            for axis, value in zip(("rows", "cols"), getattr(self, name), strict=True)
        }
        head = {"layer": self.layer, "kind": self.kind}
        return {**head, **pairs, "status": self.status, "reasons": "; ".join(self.reasons)}


@dataclass(frozen=True)
class TheoryTable:
    """Theoretical fields of all layers of a model, in the order in which the layers finish.

    Attributes:
        image_size: (rows, cols) of the image.
        rows: one a layer.
    """

    image_size: tuple[int, int]
    rows: tuple[TheoryRow, ...]

    def __iter__(self) -> Iterator[TheoryRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, layer: str) -> TheoryRow:
        """The row of a layer; KeyError when there is none."""
        return {row.layer: row for row in self.rows}[layer]

    def to_csv(self) -> str:
        """Comma-separated values with a header; an empty cell where fields are not alike."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(COLUMNS), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row.record() for row in self.rows)
        return text.getvalue()

    def to_json(self) -> str:
        """A JSON object with the image size and a list of layers."""
        layers = [{**row.record(), "reasons": list(row.reasons)} for row in self.rows]
        return json.dumps({"image_size": list(self.image_size), "layers": layers}, indent=1)


COLUMNS = tuple(TheoryRow("", "", (0, 0), (0, 0), (0, 0), (0, 0), "", ()).record())
"""Names of the columns of a CSV file."""


def theory(
    model: nn.Module, *, image_size: tuple[int, int] = (500, 500), channels: int = 3
) -> TheoryTable:
    """Theoretical fields of all layers of a model.

    Modules that are not called, or whose output does not depend on the image, have none.

    Args:
        model: any module that takes one image (n, channels, rows, cols); left as found.
        image_size: (rows, cols).
        channels: of the image.

    Raises:
        ExportError: when the model cannot be exported.
    """
    graph = graph_of(model, image_size, channels)
    layers = [path for path in graph.layers if path and graph.layer(path).layout is not None]
    kinds = {path: type(module).__name__ for path, module in model.named_modules()}
    fields = analyse(graph, layers)
    return TheoryTable(image_size, tuple(TheoryRow.of(f, kinds[f.layer]) for f in fields))
