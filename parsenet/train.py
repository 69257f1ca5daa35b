"""What a training is made of: samples, steps, and the optimizer that a recipe asks for."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float32, Int64
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from parsenet.multipliers import parameter_groups
from parsenet.recipe import Recipe
from parsenet.solver import CaffeSGD

VOID = 255
Sample = tuple[Float32[Tensor, "3 rows cols"], Int64[Tensor, "rows cols"]]


@dataclass(frozen=True)
class Step:
    """What one iteration (counted from 1) reports: its loss, and the rate it was made with."""

    iteration: int
    loss: float
    learning_rate: float


def make_optimizer(model: nn.Module, recipe: Recipe) -> Optimizer:
    """Return the recipe's solver for the trainable parameters of a model."""
    groups = parameter_groups(model, recipe.multipliers, weight_decay=recipe.weight_decay)
    if recipe.solver == "adamw":
        return AdamW(groups)
    return CaffeSGD(groups, lr=recipe.base_lr, momentum=recipe.momentum)
