"""The training loop: what iteration i does depends on the seed, on i and on the weights alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from parsenet.errors import TrainingError


@dataclass(frozen=True)
class Training:
    """How long, how fast and from which seed to train.

    The optimiser is AdamW; its rate falls from `learning_rate` to 0 as (1 - i / iterations)**power
    ("poly" in Caffe and in ParseNet, with power 0.9).
    """

    iterations: int = 1000
    batch_size: int = 8
    learning_rate: float = 3e-3
    power: float = 0.9
    weight_decay: float = 1e-4
    seed: int = 0

    def rate(self, iteration: int) -> float:
        """Return the learning rate of iteration 0, 1, ..."""
        return self.learning_rate * (1 - iteration / self.iterations) ** self.power


@dataclass(frozen=True)
class Step:
    """What one iteration (counted from 1) reports: its loss, and the rate it was made with."""

    iteration: int
    loss: float
    learning_rate: float


def train(
    model: nn.Module,
    samples: Dataset[tuple[Tensor, Tensor]],
    training: Training,
    *,
    class_weights: Float[Tensor, "classes"] | None = None,
    void: int = 255,
) -> Iterator[Step]:
    """Train `model` in place, one iteration a step of the iterator.

    Iteration i takes samples i·batch_size and on. The loss is the cross-entropy averaged over the
    pixels that are not `void`, weighted by class. Raises `TrainingError` when it is not finite.
    """
    total = training.iterations * training.batch_size
    batches = DataLoader(
        samples,
        batch_size=training.batch_size,
        sampler=range(total),
        generator=torch.Generator(),  # or it would draw from the caller's
    )
    # Channels last: twice as fast on a CPU for the wide, shallow maps of the first layers.
    model = model.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=training.weight_decay)
    for iteration, (image, label) in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = training.rate(iteration)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(training.seed + (iteration << 32))
            score = model(image.contiguous(memory_format=torch.channels_last))
        loss = functional.cross_entropy(score, label, weight=class_weights, ignore_index=void)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"loss {loss.item()} at iteration {iteration + 1}: try a learning rate below "
                f"{training.learning_rate:g}"
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        yield Step(iteration + 1, loss.item(), training.rate(iteration))
