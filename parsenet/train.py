"""The training loop: what iteration i does depends on the seed, on i and on the weights alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer
from torch.utils.data import DataLoader, Dataset

from parsenet.errors import TrainingError
from parsenet.multipliers import parameter_groups, set_rate
from parsenet.recipe import Recipe
from parsenet.sampling import Iterations, Share
from parsenet.solver import CaffeSGD

VOID = 255
Sample = tuple[Float32[Tensor, "3 rows cols"], Int64[Tensor, "rows cols"]]


@dataclass(frozen=True)
class Step:
    """What one iteration (counted from 1) reports: its loss, and the rate it was made with."""

    iteration: int
    loss: float
    learning_rate: float


class Trainer:
    """A model, its optimizer, and how many iterations they have behind them.

    Iterating over it trains the model in place, one iteration a step, until the recipe's last. A
    trainer whose model, optimizer and ``iteration`` are those of another one goes on as that would.

    Args:
        model: image (n, 3, rows, cols) in, class scores of every pixel out.
        samples: ``samples[k]`` is the k-th image of the training and its labels, 255 void.
        recipe: everything else that decides what comes out.
        class_weights: of the classes in the loss, on the model's device; None: all alike.
    """

    def __init__(
        self,
        model: nn.Module,
        samples: Dataset[Sample],
        recipe: Recipe,
        *,
        class_weights: Float[Tensor, "classes"] | None = None,
    ) -> None:
        # Channels last: twice as fast on a CPU for the wide, shallow maps of the first layers.
        self.model = model.train().to(memory_format=torch.channels_last)
        self.samples = samples
        self.recipe = recipe
        self.class_weights = class_weights
        self.optimizer = make_optimizer(model, recipe)
        self.iteration = 0

    def __iter__(self) -> Iterator[Step]:
        """Train; raises `TrainingError` when the loss is not finite."""
        share = Share(self.recipe.images)
        batches = DataLoader(
            self.samples,
            batch_sampler=Iterations(share, self.iteration, self.recipe.max_iter),
            collate_fn=list,
            generator=torch.Generator(),  # or it would draw from the caller's
        )
        for batch in batches:
            yield self.step(batch)

    def step(self, batch: Sequence[Sample]) -> Step:
        """Make one update from the images of an iteration, `batch_size` of them at a time."""
        rate, size = self.recipe.rate(self.iteration), self.recipe.batch_size
        parts = [batch[first : first + size] for first in range(0, len(batch), size)]
        shares = self.shares(parts)
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for number, (part, share) in enumerate(zip(parts, shares, strict=True)):
            if share > 0:
                loss = share * self.loss(part, first=self.iteration * len(batch) + number * size)
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.item()
        if not np.isfinite(total):
            raise TrainingError(
                f"loss {total} at iteration {self.iteration + 1}: try a base_lr below "
                f"{self.recipe.base_lr:g}"
            )
        set_rate(self.optimizer, rate)
        self.optimizer.step()
        self.iteration += 1
        return Step(self.iteration, total, rate)

    def loss(self, part: Sequence[Sample], *, first: int) -> Float[Tensor, ""]:
        """Return the loss of images that pass the network at once, the `first`-th sample on.

        Dropout draws from a stream of its own for these samples; the caller's is left alone.
        """
        device = next(self.model.parameters()).device
        images, labels = (torch.stack(tensors).to(device) for tensors in zip(*part, strict=True))
        images = images.contiguous(memory_format=torch.channels_last)
        with (
            torch.random.fork_rng(),
            torch.autocast(device.type, torch.bfloat16, enabled=self.recipe.autocast),
        ):
            stream = np.random.SeedSequence((self.recipe.seed, first))
            torch.manual_seed(int(stream.generate_state(1, np.uint64)[0]))
            score = self.model(images)
        return functional.cross_entropy(
            score.float(),
            labels,
            weight=self.class_weights,
            ignore_index=VOID,
            reduction=self.recipe.loss,
        )

    def shares(self, parts: Sequence[Sequence[Sample]]) -> list[float]:
        """Return what each part's loss counts in the iteration's: see the recipe's ``loss``."""
        if self.recipe.loss == "sum":
            return [1 / sum(map(len, parts))] * len(parts)
        weights = [sum(self.weight(label) for _, label in part) for part in parts]
        return [weight / max(sum(weights), 1e-30) for weight in weights]

    def weight(self, label: Int64[Tensor, "rows cols"]) -> float:
        """Return the weight of an image's pixels together, void ones without any."""
        known = label[label != VOID]
        if self.class_weights is None:
            return float(known.numel())
        return float(self.class_weights.cpu().double()[known].sum())


def make_optimizer(model: nn.Module, recipe: Recipe) -> Optimizer:
    """Return the recipe's solver for the trainable parameters of a model."""
    groups = parameter_groups(model, recipe.multipliers, weight_decay=recipe.weight_decay)
    if recipe.solver == "adamw":
        return AdamW(groups)
    return CaffeSGD(groups, lr=recipe.base_lr, momentum=recipe.momentum)
