"""The fastest this machine convolves: what an engine's rate is measured against."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}
"""``cpu`` counts processor time: for one thread on a machine that others use too."""


def seconds(
    run: Callable[[], object],
    device: torch.device,
    clock: str = "wall",
    repeats: int = 3,
    *,
    warm: bool = True,
) -> float:
    """The shortest of some runs, after one to warm up."""
    if warm:
        run()
    best = float("inf")
    for _ in range(repeats):
        wait(device)
        start = CLOCKS[clock]()
        run()
        wait(device)
        best = min(best, CLOCKS[clock]() - start)
    return best


def wait(device: torch.device) -> None:
    """Let a device finish what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def convolution_rate(device: torch.device, clock: str = "wall") -> float:
    """Floating-point operations a second of a 3x3 convolution, the better of both memory formats,
    on maps as large as a VGG-16's."""
    best = 0.0
    for channels, side in ((256, 125), (512, 62)):
        image = torch.randn(2, channels, side, side, device=device)
        weight = torch.randn(channels, channels, 3, 3, device=device)
        work = 2 * 9 * channels**2 * image[:, 0].numel()
        for layout in (torch.contiguous_format, torch.channels_last):
            x, w = image.contiguous(memory_format=layout), weight.contiguous(memory_format=layout)
            taken = seconds(lambda x=x, w=w: torch.conv2d(x, w, padding=1), device, clock)
            best = max(best, work / taken)
    return best
