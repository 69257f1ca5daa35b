"""Batch norm's statistics when several processes share the images of an iteration."""

import warnings

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from parsenet.training.processes import Processes


class StatisticsWarning(UserWarning):
    """Several processes do not learn quite what one would: batch norm, or dropout."""


def note_dropout(model: nn.Module, batch_size: int, images: int, processes: Processes) -> None:
    """Warn where dropout draws otherwise than in one process: see ``Learner``.

    Args:
        model: whose dropout it is.
        batch_size: how many images pass the network at once.
        images: of this process in an iteration.
        processes: which of them the first one warns for.
    """
    drops = any(isinstance(module, _DropoutNd) and module.p > 0 for module in model.modules())
    if processes.count > 1 and processes.first and drops and images % batch_size:
        warnings.warn(
            f"dropout: {processes.count} processes draw otherwise than one would, whose batches of "
            f"{batch_size} do not divide a process's {images} images of an iteration",
            StatisticsWarning,
            stacklevel=3,
        )


def share_statistics(model: nn.Module, processes: Processes) -> nn.Module:
    """Let batch norm normalise by the images of all processes, where PyTorch can.

    On GPUs its layers become ``torch.nn.SyncBatchNorm``, in place, with the same parameters and
    names. There is none for CPUs: each process keeps to its own images then, and the first one
    warns with a ``StatisticsWarning``.

    Returns:
        The model; another object only if it is a single batch norm.
    """
    normed = any(isinstance(module, _BatchNorm) for module in model.modules())
    if processes.count == 1 or not normed:
        return model
    if processes.device.type == "cuda":
        convert = nn.SyncBatchNorm.convert_sync_batchnorm
        shared: nn.Module = convert(model)  # type: ignore[no-untyped-call]
        return shared
    if processes.first:
        warnings.warn(
            f"batch norm: each of {processes.count} processes normalises by its own images alone; "
            f"PyTorch shares statistics on GPUs only, not on a {processes.device.type}",
            StatisticsWarning,
            stacklevel=2,
        )
    return model
