"""Batch norm by stored statistics, multiplied into the weights of the convolution before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from erf.engines.delta.rules.convolution import convolve
from erf.engines.delta.rules.normalization import batch_norm, scale_of
from erf.engines.delta.rules.table import Formula, always, position_wise
from erf.engines.delta.step import Step
from erf.graph import Node


def _pass_on(step: Step) -> Tensor:
    """The change as it is: the convolution has scaled it."""
    return step.change(step["input"])


SCALED = Formula(_pass_on, fits=always, windows=position_wise, clean=lambda _: ())


def fold(
    rules: Mapping[Node, Formula], ends: frozenset[Node], constants: Mapping[Node, Tensor]
) -> tuple[dict[Node, Formula], dict[Node, Float[Tensor, " o"]]]:
    """The rules with batch norms left out, and the scales of the convolutions that stand in.

    Args:
        rules: of every node.
        ends: nodes whose own change is wanted.
        constants: the model's parameters and buffers.
    """
    readers = Counter(source for node in rules for source in node.inputs)
    kept: dict[Node, Formula] = dict(rules)
    scales: dict[Node, Tensor] = {}
    for node, formula in rules.items():
        source = node.inputs[0]
        if formula.apply is not batch_norm or source not in rules or source in ends:
            continue
        if rules[source].apply is convolve and readers[source] == 1:
            scales[source] = scale_of(node, constants)
            kept[node] = SCALED
    return kept, scales


def window_weights(
    rules: Mapping[Node, Formula], constants: Mapping[Node, Tensor]
) -> dict[Node, Float[Tensor, "o c rows cols"]]:
    """The weights of the convolutions that may run on windows."""
    return {
        node: constants[node.arguments["weight"]]
        for node, formula in rules.items()
        if formula.apply is convolve
    }
