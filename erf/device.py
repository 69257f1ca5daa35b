"""Naming a device."""

from __future__ import annotations

import os

import torch

from erf.errors import SettingError


def find_device(text: str | None) -> torch.device:
    """Return the device of a name such as ``cpu`` or ``cuda:1``; by default a GPU if there is one.

    Of several processes on a machine (torchrun), each takes the GPU of its own number.

    Raises:
        SettingError: when there is no such device.

    Example:
        >>> find_device("cpu")
        device(type='cpu')
    """
    if text is None:
        text = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(text)
        torch.zeros(1, device=device).item()  # there are devices that hold no numbers
    except (RuntimeError, AssertionError, ValueError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise SettingError(f"device {text}: cannot be used: {reason}") from None
    return device
