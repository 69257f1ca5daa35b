"""How a change passes through one operator: pure functions on tensors.

Each takes the change ``d`` of an operator's input and, where the operator is not linear, the clean
input ``b`` under it, and returns ``f(b + d) - f(b)`` by a formula that never subtracts two nearly
equal numbers. A change of 1e-12 of the activation keeps all its digits, in float32 too, and where
``d`` is zero the result is exactly zero. Clean tensors broadcast against changes.
"""

from erf.engines.delta.kernels.arithmetic import (
    change_of_division,
    change_of_maximum,
    change_of_power,
    change_of_product,
    change_of_reciprocal,
    change_of_rsqrt,
    change_of_sqrt,
)
from erf.engines.delta.kernels.normalization import (
    change_of_layer_norm,
    change_of_softmax,
    change_of_vector_norm,
)
from erf.engines.delta.kernels.piecewise import (
    change_of_abs,
    change_of_clamp,
    change_of_hardsigmoid,
    change_of_hardswish,
    change_of_leaky_relu,
    change_of_relu,
)
from erf.engines.delta.kernels.pooling import change_of_max, change_of_max_pool
from erf.engines.delta.kernels.smooth import (
    change_of_elu,
    change_of_exp,
    change_of_gelu,
    change_of_log,
    change_of_sigmoid,
    change_of_silu,
    change_of_softplus,
    change_of_tanh,
)

__all__ = [
    "change_of_abs",
    "change_of_clamp",
    "change_of_division",
    "change_of_elu",
    "change_of_exp",
    "change_of_gelu",
    "change_of_hardsigmoid",
    "change_of_hardswish",
    "change_of_layer_norm",
    "change_of_leaky_relu",
    "change_of_log",
    "change_of_max",
    "change_of_max_pool",
    "change_of_maximum",
    "change_of_power",
    "change_of_product",
    "change_of_reciprocal",
    "change_of_relu",
    "change_of_rsqrt",
    "change_of_sigmoid",
    "change_of_silu",
    "change_of_softmax",
    "change_of_softplus",
    "change_of_sqrt",
    "change_of_tanh",
    "change_of_vector_norm",
]
