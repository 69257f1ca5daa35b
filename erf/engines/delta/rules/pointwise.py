"""Functions of one variable, applied to every number."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from erf.engines.delta import kernels
from erf.engines.delta.rules.table import everything, formula, position_wise
from erf.engines.delta.step import Step
from erf.graph import Node

Kernel = Callable[[Step, Tensor, Tensor], Tensor]


def _alone(node: Node) -> bool:
    """Whether nothing but the first argument changes."""
    return len(node.reads) == 1


def curve(*names: str) -> Callable[[Kernel], Kernel]:
    """Enter ``(step, d, b) -> change`` for an operator with one changing argument."""

    def enter(kernel: Kernel) -> Kernel:
        @formula(*names, fits=_alone, windows=position_wise, clean=everything)
        def apply(step: Step) -> Tensor:
            source = step.node.reads[0].source
            change = step.spread(step.change(source))
            return step.gather(kernel(step, change, step.operand(source)))

        return kernel

    return enter


def _plain(name: str, kernel: Callable[[Tensor, Tensor], Tensor]) -> None:
    curve(name)(lambda step, d, b: kernel(d, b))


_plain("aten.relu", kernels.change_of_relu)
_plain("aten.abs", kernels.change_of_abs)
_plain("aten.hardsigmoid", kernels.change_of_hardsigmoid)
_plain("aten.hardswish", kernels.change_of_hardswish)
_plain("aten.sigmoid", kernels.change_of_sigmoid)
_plain("aten.tanh", kernels.change_of_tanh)
_plain("aten.silu", kernels.change_of_silu)
_plain("aten.exp", kernels.change_of_exp)
_plain("aten.log", kernels.change_of_log)
_plain("aten.sqrt", kernels.change_of_sqrt)
_plain("aten.rsqrt", kernels.change_of_rsqrt)
_plain("aten.reciprocal", kernels.change_of_reciprocal)


@curve("aten.relu6")
def relu6(step: Step, d: Tensor, b: Tensor) -> Tensor:
    """Clamped to 0 and 6."""
    return kernels.change_of_clamp(d, b, 0.0, 6.0)


@curve("aten.hardtanh")
def hardtanh(step: Step, d: Tensor, b: Tensor) -> Tensor:
    """Clamped to two numbers; relu6 decomposes to it."""
    return kernels.change_of_clamp(d, b, float(step["min_val"]), float(step["max_val"]))


def _numbers(node: Node) -> bool:
    bounds = (node.arguments.get("min"), node.arguments.get("max"))
    return len(node.reads) == 1 and not any(isinstance(bound, Node) for bound in bounds)


@formula(
    *("aten.clamp", "aten.clamp_min", "aten.clamp_max"),
    fits=_numbers,
    windows=position_wise,
    clean=everything,
)
def clamp(step: Step) -> Tensor:
    """Clamped on either side or both."""
    low, high = step.get("min"), step.get("max")
    d, b = step.spread(step.change(step["self"])), step.operand(step["self"])
    low = -math.inf if low is None else float(low)
    return step.gather(
        kernels.change_of_clamp(d, b, low, math.inf if high is None else float(high))
    )


@curve("aten.leaky_relu")
def leaky_relu(step: Step, d: Tensor, b: Tensor) -> Tensor:
    """One slope below zero."""
    return kernels.change_of_leaky_relu(d, b, float(step["negative_slope"]))


@curve("aten.prelu")
def prelu(step: Step, d: Tensor, b: Tensor) -> Tensor:
    """One slope a channel, channels being dimension 1."""
    slope = step.clean.values[step["weight"]]
    after = len(step.node.shape) - 2
    return kernels.change_of_leaky_relu(d, b, slope.view(-1, *[1] * after) if after else slope)


@curve("aten.elu")
def elu(step: Step, d: Tensor, b: Tensor) -> Tensor:
    """Also celu and selu, which decompose to it."""
    factors = (float(step[name]) for name in ("alpha", "scale", "input_scale"))
    return kernels.change_of_elu(d, b, *factors)


@curve("aten.gelu")
def gelu(step: Step, d: Tensor, b: Tensor) -> Tensor:
    """Exact or by the hyperbolic tangent."""
    return kernels.change_of_gelu(d, b, step["approximate"])


@curve("aten.softplus")
def softplus(step: Step, d: Tensor, b: Tensor) -> Tensor:
    """Smooth relu."""
    return kernels.change_of_softplus(d, b, float(step["beta"]))


def _scalar_exponent(node: Node) -> bool:
    return isinstance(node.arguments["exponent"], (int, float))


@formula("aten.pow", fits=_scalar_exponent, windows=position_wise, clean=everything)
def power(step: Step) -> Tensor:
    """A constant power."""
    d, b = step.spread(step.change(step["self"])), step.operand(step["self"])
    return step.gather(kernels.change_of_power(d, b, float(step["exponent"])))


@curve("aten.square")
def square(step: Step, d: Tensor, b: Tensor) -> Tensor:
    """The second power."""
    return kernels.change_of_power(d, b, 2.0)
