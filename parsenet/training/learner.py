"""A model that learns: one update after the other, in one process or in several."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, distributed, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from parsenet.checkpoint import Description
from parsenet.datasets import VOID
from parsenet.errors import TrainingError
from parsenet.input_space import InputSpace
from parsenet.modes import evaluating, learning_modes, set_modes
from parsenet.training.multipliers import set_rate
from parsenet.training.processes import ALONE, Processes
from parsenet.training.recipe import Recipe
from parsenet.training.sampling import Share
from parsenet.training.snapshot import Snapshot
from parsenet.training.solver import make_optimizer
from parsenet.training.statistics import note_dropout, share_statistics
from parsenet.training.supply import Example


@dataclass(frozen=True)
class Update:
    """What one iteration (counted from 1) reports: its loss, and the rate it was made with."""

    iteration: int
    loss: float
    learning_rate: float


class Learner:
    """A model, its optimizer, and how many iterations they have behind them.

    With several processes each makes its share of an iteration's images, and PyTorch's
    ``DistributedDataParallel`` adds the gradients up. All make the same update then, and the same
    as one process would from all images, up to rounding. Two things do not follow this:

    - batch norm on a CPU: a process normalises by its own images; see ``share_statistics``;
    - dropout, unless ``batch_size`` divides a process's share of the images: one draw serves the
      images that pass the network at once.

    Args:
        model: image (n, 3, rows, cols) in, class scores of every pixel out; trained in place, and
            brought to the processes' device. What is in evaluation mode within a model in training
            mode, such as frozen batch norm, stays so.
        recipe: everything else that decides what comes out.
        input_space: how the model takes its images.
        class_weights: of the classes in the loss; None: all alike.
        processes: which one this is, of how many.

    Raises:
        TrainingError: if the images of an iteration cannot be shared out evenly, or the recipe
            weighs classes and there are no weights.
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        *,
        input_space: InputSpace,
        class_weights: Float[Tensor, " classes"] | None = None,
        processes: Processes = ALONE,
    ) -> None:
        if recipe.weigh_classes != (class_weights is not None):
            given = "given" if recipe.weigh_classes is False else "missing"
            raise TrainingError(
                f"weigh_classes is {recipe.weigh_classes}, class weights are {given}"
            )
        self.recipe, self.input_space, self.processes = recipe, input_space, processes
        self.share = Share(recipe.images, processes.rank, processes.count)
        own = len(self.share.samples(0))
        note_dropout(model, recipe.batch_size, own, processes)
        # Channels last: faster on a CPU for narrow networks, no slower at full width.
        model = model.to(processes.device).to(memory_format=torch.channels_last)
        self.model = share_statistics(model, processes)
        self._modes = learning_modes(self.model)
        self.class_weights = None if class_weights is None else class_weights.to(processes.device)
        self.optimizer = make_optimizer(self.model, recipe)
        self.iteration = 0
        self.parallel = _joined(self.model, processes)

    def step(self, batch: Sequence[Example]) -> Update:
        """Make one update from this process's images of the iteration, in their order.

        Raises:
            TrainingError: if the loss is not finite, on all processes alike; or if images that are
                to pass the network at once differ in size.
        """
        set_modes(self._modes)
        rate, size = self.recipe.rate(self.iteration), self.recipe.batch_size
        own = self.share.samples(self.iteration)
        divisor = self.divisor([label for _, label in batch])
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for start in range(0, len(batch), size):
            with self._gradients_apart(start + size < len(batch)):
                loss = self.loss(batch[start : start + size], first=own[start]) / divisor
                # The gradients of the processes are averaged, where they are to be added.
                (loss * self.processes.count).backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        total = self.processes.sum(total)
        if not isfinite(total):
            raise TrainingError(
                f"loss {total} at iteration {self.iteration + 1}: try a base_lr below "
                f"{self.recipe.base_lr:g}"
            )
        set_rate(self.optimizer, rate)
        self.optimizer.step()
        self.iteration += 1
        return Update(self.iteration, total, rate)

    def loss(self, part: Sequence[Example], *, first: int) -> Float[Tensor, ""]:
        """Add up the cross-entropy of images that pass the network at once.

        Dropout draws from a stream of its own, that of their ``first`` sample; the caller's
        stream is left alone.
        """
        device = self.processes.device
        if len({label.shape for _, label in part}) > 1:
            sizes = ", ".join(f"{label.shape[0]}x{label.shape[1]}" for _, label in part)
            raise TrainingError(f"images of {sizes} cannot share a batch: crop, or batch_size=1")
        images, labels = (
            torch.stack(tensors).to(device, non_blocking=True)
            for tensors in zip(*part, strict=True)
        )
        images = self.input_space.batch(images)
        with (
            _stream(self.recipe.seed, first, device),
            torch.autocast(device.type, torch.bfloat16, enabled=self.recipe.autocast),
        ):
            score = self.parallel(images)
        return functional.cross_entropy(
            score.float() if score.dtype.itemsize < 4 else score,
            labels.long(),
            weight=self.class_weights,
            ignore_index=VOID,
            reduction="sum",
        )

    def divisor(self, labels: Sequence[UInt8[Tensor, "rows cols"]]) -> float:
        """Return what the iteration's summed loss is divided by: see the recipe's ``loss``."""
        if self.recipe.loss == "sum":
            return float(self.recipe.images)
        every = torch.cat([label.flatten() for label in labels])
        pixels = torch.bincount(every, minlength=VOID + 1)[:VOID]
        if self.class_weights is None:
            weight = float(pixels.sum())
        else:
            weights = self.class_weights.cpu().double()
            weight = float((pixels[: len(weights)] * weights).sum())
        # Where all is void the loss is 0, whatever it is divided by.
        return self.processes.sum(weight) or 1.0

    def snapshot(
        self,
        settings: Mapping[str, object],
        description: Description | None = None,
        reached: Mapping[str, object] | None = None,
    ) -> Snapshot:
        """Return all that the next iteration depends on.

        Args:
            settings: what the training was asked to do.
            description: of the network; it gets the iteration, and what was ``reached``.
            reached: scores by then, as JSON.
        """
        reached = dict(reached or {})
        if description is not None:
            training = {**description.training, "iteration": self.iteration, **reached}
            description = replace(description, training=training)
        return Snapshot(
            self.iteration,
            self.model.state_dict(),
            self.optimizer.state_dict()["state"],
            settings,
            description,
            reached,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot.

        Raises:
            TrainingError: if it is of another model.
        """
        expected = self.model.state_dict()
        if expected.keys() != snapshot.model.keys():
            name = min(expected.keys() ^ snapshot.model.keys())
            raise TrainingError(
                f"the snapshot is of another model: {name!r} is only in one of them"
            )
        for name, tensor in snapshot.model.items():
            if tensor.shape != expected[name].shape:
                shapes = f"{tuple(tensor.shape)}, not {tuple(expected[name].shape)}"
                raise TrainingError(f"the snapshot is of another model: {name!r} is {shapes}")
        self.model.load_state_dict(dict(snapshot.model))
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        state = {
            number: {name: _laid_out(tensor, parameters[number]) for name, tensor in kept.items()}
            for number, kept in snapshot.optimizer.items()
        }
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        self.iteration = snapshot.iteration

    def agree(self) -> None:
        """Give every process the first one's buffers, such as batch norm's running statistics."""
        if self.processes.count > 1:
            for buffer in self.model.buffers():
                distributed.broadcast(buffer, 0)

    @contextmanager
    def _gradients_apart(self, apart: bool) -> Iterator[None]:
        """Keep gradients to this process; they are added up together with the last ones."""
        parallel = self.parallel
        with (
            parallel.no_sync()
            if apart and isinstance(parallel, DistributedDataParallel)
            else nullcontext()
        ):
            yield


def _joined(model: nn.Module, processes: Processes) -> nn.Module:
    """Wrap a model so that the gradients of several processes are added up."""
    if processes.count == 1:
        return model
    return DistributedDataParallel(
        model, find_unused_parameters=_has_idle_parameters(model, processes.device)
    )


def _has_idle_parameters(model: nn.Module, device: torch.device) -> bool:
    """Say whether a variant has layers that its scores do not depend on; leaves no gradients."""
    with evaluating(model), torch.enable_grad():
        model(torch.zeros(1, 3, 64, 64, device=device)).sum().backward()
    idle = any(p.grad is None for p in model.parameters() if p.requires_grad)
    model.zero_grad(set_to_none=True)
    return idle


@contextmanager
def _stream(seed: int, sample: int, device: torch.device) -> Iterator[None]:
    """Let PyTorch's random numbers be a function of seed and sample for a while."""
    # The generator of the CPU heeds the last 32 bits alone: they must depend on both.
    word = int(np.random.SeedSequence((seed, sample)).generate_state(1, np.uint64)[0])
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        if device.type == "cpu":
            torch.default_generator.manual_seed(word)
        else:
            torch.manual_seed(word)
        yield


def _laid_out(tensor: Tensor, parameter: Tensor) -> Tensor:
    """Lay a tensor out in memory as its parameter is, so that rounding cannot differ."""
    if tensor.shape != parameter.shape:
        return tensor
    return torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)
