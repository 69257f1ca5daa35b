"""The solvers of recipes: stochastic gradient descent with Caffe's momentum, and AdamW."""

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from parsenet.errors import TrainingError
from parsenet.training.multipliers import parameter_groups
from parsenet.training.recipe import Recipe

BUFFER = "momentum_buffer"


def make_optimizer(model: nn.Module, recipe: Recipe) -> Optimizer:
    """Return the recipe's solver for the trainable parameters of a model."""
    groups = parameter_groups(model, recipe.multipliers, weight_decay=recipe.weight_decay)
    if recipe.solver == "adamw":
        return AdamW(groups)
    return CaffeSGD(groups, lr=recipe.base_lr, momentum=recipe.momentum)


class CaffeSGD(Optimizer):
    """Gradient descent whose momentum remembers updates instead of gradients.

        v ← μ v + η (g + λ w),   w ← w - v

    The learning rate η of an iteration goes into the buffer with its gradient, as in Caffe's
    ``SGDSolver``. ``torch.optim.SGD`` keeps it outside (v ← μ v + g + λ w, w ← w - η v) and so
    applies the rate of today to the gradients of the past. With a constant rate both are the same;
    after a drop of the rate Caffe's momentum goes on for some 1 / (1 - μ) iterations.

    The gradient g is taken as it is: whoever accumulates it over ``iter_size`` passes divides by
    that, as Caffe does before it adds the decay. Parameter groups may have their own ``lr``,
    ``momentum`` and ``weight_decay``; ``parameter_groups`` makes them from Caffe's multipliers.

    Args:
        params: parameters, or groups of them.
        lr: learning rate η.
        momentum: μ, from 0 up to but not 1.
        weight_decay: λ.

    Raises:
        TrainingError: if a value is below 0, or the momentum 1 or more.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        for group in self.param_groups:
            for name in ("lr", "momentum", "weight_decay"):
                if not group[name] >= 0:
                    raise TrainingError(f"{name} must not be below 0, is {group[name]!r}")
            if group["momentum"] >= 1:
                raise TrainingError(f"momentum must be below 1, is {group['momentum']!r}")

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every parameter that has a gradient; others keep value and momentum."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._update(parameter, parameter.grad, group)
        return loss

    def _update(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if BUFFER not in state:
            state[BUFFER] = torch.zeros_like(parameter)
        decayed = gradient.add(parameter, alpha=group["weight_decay"])
        state[BUFFER].mul_(group["momentum"]).add_(decayed, alpha=group["lr"])
        parameter.sub_(state[BUFFER])
