"""Probes that can be stopped half-way, in the tests' process or in one that is killed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

import erf
from erf.stimulus import STIMULI, Canvas, Pixels, gaussian, stimulus

IMAGE = torch.randn(3, 60, 40, generator=torch.Generator().manual_seed(1))
SETTINGS = {"patch": 8, "stride": 4, "draws": 3, "stimulus": "gated", "engine": "delta"}


def network() -> nn.Module:
    """A small network with everything a change can meet."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 8, 5, padding=2),
    )


class Gate:
    """Gaussian noise under the name ``gated`` that notes which rows of patches it is asked for.

    Args:
        top: from this row on it acts first.
        calls: or after so many calls.
        action: what it does then.
    """

    def __init__(
        self, top: int | None = None, *, calls: int | None = None, action: Any = None
    ) -> None:
        self.top, self.calls, self.action = top, calls, action
        self.asked, self.count = set[int](), 0

    def __enter__(self) -> Gate:
        stimulus("gated")(self._disturb)
        return self

    def __exit__(self, *_: object) -> None:
        STIMULI.remove("gated")

    def _disturb(self, canvas: Canvas, box: erf.Box, rng: Any) -> Pixels:
        late = self.calls is not None and self.count >= self.calls
        if late or (self.top is not None and box.top >= self.top):
            self.action()
        self.asked.add(box.top)
        self.count += 1
        return gaussian(canvas, box, rng)


def probe(journal: Path | None, unit: Any, **more: Any) -> erf.UnitResult | erf.LayerResult:
    """The probe that is interrupted."""
    settings = SETTINGS | {"journal": journal, "unit": unit} | more
    return erf.probe(network(), IMAGE, "4", **settings)


def probe_apart(journal: Path, out: Path, unit: Any, stop_at: int | None) -> None:
    """Probe and save; wait for ever at the patches from row ``stop_at`` on."""
    with Gate(stop_at, action=lambda: time.sleep(600)):
        erf.save(probe(journal, unit), out)
