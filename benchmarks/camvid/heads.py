"""Heads of ParseNet on features that are computed, at many rates at once, on the same samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.camvid.views import Seen
from parsenet.convolution import ScoreConv
from parsenet.l2norm import EPSILON

SCALE = 10.0
"""What ParseNet's L2 normalisation starts from."""


class Head(NamedTuple):
    """A way of fusing, with or without normalisation."""

    fusion: str
    normalize: bool

    @property
    def name(self) -> str:
        """In tables and files."""
        return f"{self.fusion}, {'L2' if self.normalize else 'raw'}"


HEADS = tuple(Head(fusion, l2) for l2 in (False, True) for fusion in ("none", "early", "late"))


class Features(NamedTuple):
    """What heads read: a feature of each unit, and the pooled one of its view."""

    local: Float[Tensor, "units channels"]
    context: Float[Tensor, "units pooled"]

    def normalized(self) -> Features:
        """Return both with a norm of 1, as ``L2Norm`` makes them before its scale."""
        return Features(*(x / (x.square().sum(1, keepdim=True) + EPSILON).sqrt() for x in self))


class Trained(nn.Module):
    """One head at one rate: its score layers as ParseNet's, and its scales.

    Early fusion has one score layer over both features, late fusion one each; either way the scores
    are a sum of a local part and one of the context.
    """

    def __init__(self, head: Head, local: int, context: int, classes: int) -> None:
        super().__init__()
        self.head, self.local = head, local
        late, early = head.fusion == "late", head.fusion == "early"
        self.score = ScoreConv(local + (context if early else 0), classes)
        self.context_score = ScoreConv(context, classes) if late else None
        width = local + (0 if head.fusion == "none" else context)
        self.gamma = nn.Parameter(torch.full((width,), SCALE)) if head.normalize else None

    def weights(self) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return local weights ``[channel, class]``, those of the context, and the bias."""
        rows, bias = self.score.weight[:, :, 0, 0].T, self.score.bias
        assert bias is not None
        if self.context_score is not None:
            assert self.context_score.bias is not None
            rows = torch.cat([rows, self.context_score.weight[:, :, 0, 0].T])
            bias = bias + self.context_score.bias
        if self.gamma is not None:
            rows = rows * self.gamma[:, None]
        context = None if self.head.fusion == "none" else rows[self.local :]
        return rows[: self.local], context, bias


def scores_of(
    trained: Sequence[Trained], features: Features
) -> Float[Tensor, "heads units classes"]:
    """Return what several heads of one normalisation make of features, in two products of all."""
    parts = [each.weights() for each in trained]
    classes = parts[0][2].shape[0]
    shape = (len(features.local), -1, classes)
    found = (features.local @ torch.cat([local for local, _, _ in parts], 1)).view(shape)
    with_context = [context for _, context, _ in parts if context is not None]
    if with_context:
        added = (features.context @ torch.cat(with_context, 1)).view(shape)
        places = torch.tensor([k for k, (_, c, _) in enumerate(parts) if c is not None])
        found = found.index_add(1, places, added)
    return found.transpose(0, 1) + torch.stack([bias for *_, bias in parts])[:, None]


@dataclass(frozen=True)
class Schedule:
    """How heads are trained: Adam, its rate falling to nothing in a line."""

    rates: tuple[float, ...]
    steps: int
    batch: int


@dataclass(frozen=True, eq=False)
class Training:
    """All heads at all rates, on units of some views, by one seed."""

    seen: Seen
    layer: str
    units: Int64[np.ndarray, " units"]
    classes: int
    schedule: Schedule
    seed: int
    heads: dict[bool, list[Trained]] = field(default_factory=dict)

    def run(self) -> dict[tuple[Head, float], Trained]:
        """Train them, each from the same start at every rate, all on the same batches."""
        channels, pooled = self.seen.features[self.layer].shape[1], self.seen.pooled.shape[1]
        groups: dict[float, list[nn.Parameter]] = {rate: [] for rate in self.schedule.rates}
        done = {}
        for head in HEADS:
            for rate in self.schedule.rates:
                torch.manual_seed(self.seed)
                made = Trained(head, channels, pooled, self.classes)
                groups[rate] += list(made.parameters())
                self.heads.setdefault(head.normalize, []).append(made)
                done[head, rate] = made
        optimizer = torch.optim.Adam([{"params": p, "lr": rate} for rate, p in groups.items()])
        steps = self.schedule.steps
        falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: 1 - k / steps)
        rng = np.random.default_rng((self.seed, 1))
        for _ in range(steps):
            chosen = self.units[rng.integers(0, len(self.units), self.schedule.batch)]
            self._step(chosen, optimizer)
            falling.step()
        return done

    def _step(self, units: Int64[np.ndarray, " batch"], optimizer: torch.optim.Optimizer) -> None:
        raw = take(self.seen, self.layer, units)
        labels = torch.from_numpy(self.seen.labels[units].astype(np.int64))
        optimizer.zero_grad()
        for normalize, heads in self.heads.items():
            scores = scores_of(heads, raw.normalized() if normalize else raw)
            each = functional.cross_entropy(
                scores.flatten(0, 1), labels.repeat(len(heads)), reduction="sum"
            )
            (each / len(units)).backward()
        optimizer.step()


def take(seen: Seen, layer: str, units: Int64[np.ndarray, " units"]) -> Features:
    """Return the features of some units, each with the pooled one of its own view."""
    local = torch.from_numpy(seen.features[layer][units].astype(np.float32))
    return Features(local, seen.pooled[seen.view_of[units]])
