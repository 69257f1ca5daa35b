"""Naming a device on the command line."""

from __future__ import annotations

import os
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
