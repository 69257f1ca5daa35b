"""Putting trained weights into a model, and the report of what went where."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from parsenet.errors import WeightsError
from parsenet.input_space import ChannelOrder, InputSpace
from parsenet.pretrained.spaces import doubt_space, say_space
from parsenet.pretrained.surgery import (
    Outcome,
    Shapes,
    convolutionalise,
    decimate,
    fit_names,
    reverse_channels,
    settle_batch_norm,
    take_diagonals,
)
from parsenet.pretrained.weights import Weights

Operation = Callable[[Mapping[str, Tensor], Shapes], Outcome]


@dataclass(frozen=True)
class Transplant:
    """What became of each tensor.

    Attributes:
        source: where the weights come from.
        matched: names of the model's tensors that were copied as they were.
        reshaped: names of those that were brought into form first, and how.
        fresh: names of the parameters that are still as the model was built, and why.
        unused: names of trained tensors that found no place.
        input_space: what the model now takes in: the weights' own, in the model's channel order.
        taken: what the weights were trained on, in words, and by what that is known.
        doubt: why it may be another; empty if nothing speaks for that.
    """

    source: str
    matched: tuple[str, ...]
    reshaped: Mapping[str, str]
    fresh: Mapping[str, str]
    unused: tuple[str, ...]
    input_space: InputSpace
    taken: str = ""
    doubt: str = ""

    def summary(self) -> str:
        """Return one line with the four counts."""
        return (
            f"{self.source}: {len(self.matched)} tensors matched, {len(self.reshaped)} reshaped, "
            f"{len(self.fresh)} left as built, {len(self.unused)} unused"
        )

    def report(self) -> str:
        """Return the summary, a line each naming the layers of which something was reshaped, left
        as built, or unused, and what the weights take in.
        """
        parts = {
            "reshaped": self.reshaped,
            "left as built": self.fresh,
            "unused": self.unused,
        }
        lines = [f"  {what}: {_layers(names)}" for what, names in parts.items() if names]
        lines += [f"  input: {self.taken}"] if self.taken else []
        lines += [f"  warning: {self.doubt}"] if self.doubt else []
        return "\n".join([self.summary(), *lines])


def _layers(names: Iterable[str]) -> str:
    """Name the layers of parameters, each once, in order."""
    return ", ".join(dict.fromkeys(name.rpartition(".")[0] or name for name in names))


def transplant(
    model: nn.Module, weights: Weights, *, channel_order: ChannelOrder = "rgb"
) -> Transplant:
    """Copy trained weights into a model of this package, in place.

    Args:
        model: any variant; tensors go by their name in its state dict.
        weights: what to copy.
        channel_order: the order in which the model's images will come.

    Raises:
        WeightsError: if not a single tensor fits; the model is then untouched.
    """
    state = model.state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    given = fit_names(weights.tensors, shapes)
    tensors, notes, consumed = _bring_into_form(given, weights.input_space, shapes, channel_order)
    misfits = {name: _misfit(name, tensors, shapes[name]) for name in shapes}
    fitting = [name for name, reason in misfits.items() if not reason]
    if not fitting:
        first = next((name for name in shapes if name in tensors), next(iter(shapes)))
        raise WeightsError(
            f"{weights.source}: none of its {len(weights.tensors)} tensors fits the model: "
            f"{first} is {misfits[first]}"
        )
    with torch.no_grad():
        for name in fitting:
            state[name].copy_(tensors[name])
    by = "stated" if weights.stated else "by the names of its tensors"
    doubt = doubt_space(weights.tensors, weights.input_space)
    return Transplant(
        source=weights.source,
        matched=tuple(name for name in fitting if name not in notes),
        reshaped={name: "; ".join(notes[name]) for name in fitting if name in notes},
        fresh={name: misfits[name] for name, _ in model.named_parameters() if misfits[name]},
        unused=tuple(n for n in given if n not in fitting and n not in consumed),
        input_space=_reordered(weights.input_space, channel_order),
        taken=f"{say_space(weights.input_space)} ({by})",
        doubt=doubt,
    )


def _bring_into_form(
    given: Mapping[str, Tensor], space: InputSpace, shapes: Shapes, channel_order: ChannelOrder
) -> tuple[dict[str, Tensor], dict[str, list[str]], set[str]]:
    """Return the tensors in the model's form, what was done to which, and what was used up."""
    operations: dict[str, Operation] = {
        "made a convolution": convolutionalise,
        "every fourth channel, every third tap": decimate,
        "batch norm folded": settle_batch_norm,
        "own filters of a matrix": take_diagonals,
    }
    if space.channel_order != channel_order:
        operations[f"input channels reversed to {channel_order}"] = reverse_channels
    tensors = dict(given)
    notes: dict[str, list[str]] = defaultdict(list)
    consumed: set[str] = set()
    for note, operate in operations.items():
        outcome = operate(tensors, shapes)
        tensors |= outcome.tensors
        consumed |= outcome.consumed
        for name in outcome.tensors:
            notes[name].append(note)
    return tensors, dict(notes), consumed


def _misfit(name: str, tensors: Mapping[str, Tensor], shape: tuple[int, ...]) -> str:
    """Return why the model's tensor of this name cannot be filled; empty if it can."""
    if name not in tensors:
        return "not among the weights"
    if tuple(tensors[name].shape) != shape:
        return f"{tuple(tensors[name].shape)} among the weights, {shape} in the model"
    if not tensors[name].isfinite().all():
        return "not finite among the weights"
    return ""


def _reordered(space: InputSpace, order: ChannelOrder) -> InputSpace:
    if space.channel_order == order:
        return space
    (first, second, third), (one, two, three) = space.mean, space.std
    return replace(space, mean=(third, second, first), std=(three, two, one), channel_order=order)
