"""Naming a device on the command line, and the processes that a launcher has started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import torch


def find_device(text: str | None) -> torch.device:
    """Return the device of a name such as ``cpu`` or ``cuda:1``; by default a GPU if there is one.

    Of several processes on a machine (torchrun), each takes the GPU of its own number.

    Raises:
        click.BadParameter: when there is no such device.
    """
    import torch

    if text is None:
        text = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(text)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise click.BadParameter(f"--device {text}: cannot be used: {reason}") from None
    return device


@contextmanager
def processes(device: torch.device) -> Iterator[int]:
    """Join the processes that torchrun has started, if it has, and yield this one's number."""
    from torch import distributed

    if not distributed.is_available() or not distributed.is_torchelastic_launched():
        yield 0
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield distributed.get_rank()
    finally:
        distributed.destroy_process_group()
