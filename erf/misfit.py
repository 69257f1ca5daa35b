"""Why a model does not take an image, in one line: what it raised, where, and what it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import nn

from erf.binding import binding_of
from erf.errors import ErfError, ModelError

DIMENSIONS: dict[type[nn.Module], str] = {
    nn.Conv1d: "signals (n, channels, length)",
    nn.Conv3d: "videos or volumes (n, channels, frames, rows, cols)",
}
"""What a first convolution that is none of images takes."""


@contextmanager
def explained(model: nn.Module, shape: Sequence[int]) -> Iterator[None]:
    """Whatever the model raises within, for images of this shape, becomes a `ModelError`.

    Errors of ours and a lack of memory pass as they are.
    """
    try:
        yield
    except (ErfError, MemoryError):
        raise
    except Exception as error:  # a model may raise anything
        if "out of memory" in str(error) or "can't allocate memory" in str(error):
            raise
        raise ModelError(misfit(model, shape, error)) from error


def misfit(model: nn.Module, shape: Sequence[int], error: Exception) -> str:
    """What is said of a model that raised an error for an image of this shape."""
    where = _culprit(model, error)
    place = "" if not where else f" (in layer {where!r})"
    shown = "x".join(map(str, shape[1:]))
    binding = binding_of(model)
    beside = "" if binding is None else binding.inputs.summary
    return (
        f"{type(model).__name__} does not take an image of {shown} (channels x rows x cols)"
        f"{beside}{_hint(model, shape, where)}: {first_line(error)}{place}"
    )


def first_line(error: Exception) -> str:
    """An error's kind and the first line of what it says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"[:200].rstrip(".")


def _hint(model: nn.Module, shape: Sequence[int], where: str) -> str:
    """What the first convolution takes, where it is that which failed, and takes something else."""
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    found = ((path, each) for path, each in model.named_modules() if isinstance(each, kinds))
    path, first = next(found, ("", None))
    if first is None or path != where:
        return ""
    if (taken := DIMENSIONS.get(type(first))) is not None:
        return f"; its first convolution, {path!r}, takes {taken}"
    if first.in_channels != shape[1]:
        some = f"{first.in_channels} channel{'s' if first.in_channels > 1 else ''}"
        say = f" (--mean and --std of {first.in_channels} numbers say so)"
        return f"; its first convolution, {path!r}, takes {some}{say}"
    return ""


def _culprit(model: nn.Module, error: Exception) -> str:
    """The innermost module that was running when an error was raised; empty for the model."""
    names = {id(module): path for path, module in model.named_modules()}
    found, trace = "", error.__traceback__
    while trace is not None:
        found = names.get(id(trace.tb_frame.f_locals.get("self")), found)
        trace = trace.tb_next
    return found
