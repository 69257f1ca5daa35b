"""Caffe's multipliers: which parameters learn faster than the rest, and which do not decay."""

from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from parsenet.convolution import ScoreConv


@dataclass(frozen=True)
class Multipliers:
    """Factors on learning rate and weight decay, by the kind of parameter.

    With the defaults, those of the released ParseNet: weights 1 and 1; biases 2 and 0; weights of
    the score layers 10 and 1, their biases 20 and 0. The γ of L2 normalisation counts as a weight
    and does decay, the layer having no ``param`` block. What is not trainable, as FCN's
    deconvolutions, is left out.

    Attributes:
        bias_lr_mult, bias_decay_mult: of biases, batch norm's shift among them.
        classifier_lr_mult: of score layers (``ScoreConv``), on top of the others.
        layers: factors on the rate of layers, on top of the others: by a pattern of their path as
            ``conv1_*`` or ``backbone.stages.*``, of which the last that fits holds for a layer and
            all within it.
    """

    bias_lr_mult: float = 2.0
    bias_decay_mult: float = 0.0
    classifier_lr_mult: float = 10.0
    layers: tuple[tuple[str, float], ...] = ()

    def of(self, module: nn.Module, name: str, path: str = "") -> tuple[float, float]:
        """Return the factors (learning rate, decay) of a parameter of a module at a path."""
        rate, decay = (self.bias_lr_mult, self.bias_decay_mult) if name == "bias" else (1.0, 1.0)
        if isinstance(module, ScoreConv):
            rate *= self.classifier_lr_mult
        fitting = [
            f for pattern, f in self.layers if fnmatchcase(path, pattern) or _in(path, pattern)
        ]
        rate *= fitting[-1] if fitting else 1.0
        return rate, decay


def _in(path: str, pattern: str) -> bool:
    """Say whether a layer that a pattern fits holds the one at this path."""
    parts = path.split(".")
    return any(fnmatchcase(".".join(parts[:k]), pattern) for k in range(1, len(parts)))


def parameter_groups(
    model: nn.Module, multipliers: Multipliers, *, weight_decay: float
) -> list[dict[str, Any]]:
    """Gather the trainable parameters of a model in groups for an optimizer.

    A group has its own ``weight_decay``, and an ``lr_mult`` that ``set_rate`` heeds.
    """
    gathered: dict[tuple[float, float], list[Tensor]] = defaultdict(list)
    seen: set[int] = set()
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad and id(parameter) not in seen:
                gathered[multipliers.of(module, name, path)].append(parameter)
                seen.add(id(parameter))
    return [
        {"params": parameters, "lr_mult": rate, "weight_decay": weight_decay * decay}
        for (rate, decay), parameters in gathered.items()
    ]


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Give each parameter group its rate for the next update: the rate times its multiplier."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_mult"]
