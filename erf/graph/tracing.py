"""Tracing a model with ``torch.export``, for any batch where it allows that."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from erf.binding import binding_of
from erf.borrow import borrowed
from erf.errors import ExportError
from erf.graph.mark import marking
from erf.graph.refusal import example_of, refusal
from erf.graph.rules import has_rule

BATCH = 2
"""Batch of the example: the smallest one that export does not take for a constant."""

LOGS = ("torch._subclasses.fake_tensor", "torch.fx.experimental.symbolic_shapes")
"""Who writes pages about a failure that is told in a line."""


def trace(model: nn.Module, image_shape: Sequence[int]) -> tuple[ExportedProgram, bool]:
    """The exported program, and whether it takes any batch.

    Raises:
        ExportError: when the model cannot be traced, or does not take such an image.
    """
    failure: Exception | None = None
    whole = Bound(model) if is_wrapped(model) else model
    for batch, dynamic in ((BATCH, ({0: Dim.DYNAMIC},)), (1, None)):
        # Looked at for its form alone: its memory is never touched.
        image = example_of(model, ()).new_empty((batch, *image_shape[1:]))
        try:
            with borrowed(model), marking(model), quiet():
                program = torch.export.export(whole, (image,), dynamic_shapes=dynamic, strict=False)
                return with_known_operators(program), dynamic is not None
        except Exception as error:  # torch.export lets through whatever the model raises
            failure = failure or error
    assert failure is not None
    raise ExportError(refusal(model, image_shape, failure)) from failure


def with_known_operators(program: ExportedProgram) -> ExportedProgram:
    """Operators without a rule taken apart, where PyTorch itself makes them of others."""
    program = program.run_decompositions({})
    targets = {fx.target for fx in program.graph.nodes if fx.op == "call_function"}
    strange = [t for t in targets if isinstance(t, torch._ops.OpOverload) and not has_rule(t)]
    if not strange:
        return program
    known = torch.export.default_decompositions()
    wanted = {target: known[target] for target in strange if target in known}
    return program.run_decompositions(wanted) if wanted else program


def is_wrapped(model: nn.Module) -> bool:
    """Whether a model is traced inside another module.

    The signature of one that is bound asks for more than an image, and of a graph module (as ONNX
    becomes) torch.export does not call the hooks.
    """
    return binding_of(model) is not None or isinstance(model, torch.fx.GraphModule)


@contextmanager
def quiet() -> Iterator[None]:
    """Without what torch logs of a failure."""
    levels = {name: logging.getLogger(name).level for name in LOGS}
    for name in LOGS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        with redirect_stderr(io.StringIO()), warnings.catch_warnings():
            # What a forward notes on its module is undone by whoever borrows it.
            warnings.filterwarnings("ignore", message="The tensor attribute")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


class Bound(nn.Module):
    """A model under a signature of one image."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Any:
        """As the model."""
        return self.model(image)
