"""Recurrent layers: each step of a sequence reads the steps before it, or all of them."""

from __future__ import annotations

import numpy as np

from erf.graph.layout import Axis, channel, has_position
from erf.graph.node import Call, Effect, Read
from erf.graph.rules.pairs import join, lines_of, read_pairs
from erf.graph.rules.table import rule, unknown


@rule("aten.lstm", "aten.gru", "aten.rnn_tanh", "aten.rnn_relu")
def recur(call: Call) -> Effect:
    """The sequence of hidden states; one direction reads what came before, two read everything."""
    source = call["input"]
    if call.output != 0 or source.layout is None or call.sources != [source]:
        return unknown(call)
    before = source.layout.settled()
    dim = 1 if call["batch_first"] else 0
    if len(before.dims) != 3 or before.lost or has_position(before.dims[2]):
        return unknown(call)
    if any(digit.axis is Axis.BATCH for digit in before.dims[dim]):
        return unknown(call)
    after = before.replace(2, channel(call.shape[2]))
    if not has_position(before.dims[dim]):
        return Effect(after, (Read(source),))
    steps = call.shape[dim]
    every = np.ones((steps, steps), dtype=bool)
    lines = lines_of(after, dim)
    allowed = every if call["bidirectional"] else np.tril(every)
    pairs = join(lines, lines, allowed, after, before)
    return Effect(after, (read_pairs(source, pairs, after, before),))
