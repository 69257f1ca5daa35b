"""Which image the k-th training sample is, as a pure function of seed and k."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Int64
from torch.utils.data import Sampler

from parsenet.errors import TrainingError


@lru_cache(maxsize=2)
def _permutation(seed: int, epoch: int, length: int) -> Int64[np.ndarray, " length"]:
    """Shuffle 0 ... length - 1 by sorting raw Philox draws, whose stream NumPy never changes."""
    draws = np.random.Philox(np.random.SeedSequence((seed, epoch))).random_raw(length)
    return np.argsort(draws, kind="stable")


@dataclass(frozen=True)
class SampleOrder:
    """A training's endless row of samples: epoch after epoch, each in a new random order.

    Number of workers and processes, batch size and interruptions cannot change it.

    Attributes:
        length: images of the data set; None for an endless one, whose k-th image is sample k.
        seed: of the shuffles.

    Raises:
        TrainingError: if length is below 1 or seed below 0.
    """

    length: int | None
    seed: int

    def __post_init__(self) -> None:
        if self.length is not None and self.length < 1:
            raise TrainingError(
                f"a data set must have at least 1 image to train on, has {self.length}"
            )
        if self.seed < 0:
            raise TrainingError(f"seed must not be below 0, is {self.seed}")

    def index(self, k: int) -> int:
        """Return the index in the data set of sample 0, 1, ..."""
        if k < 0:
            raise TrainingError(f"sample must not be below 0, is {k}")
        if self.length is None:
            return k
        epoch, place = divmod(k, self.length)
        return int(_permutation(self.seed, epoch, self.length)[place])


@dataclass(frozen=True)
class Share:
    """What one of several processes does of every iteration: a block of its images.

    The images of iteration i are the samples i·images to (i + 1)·images - 1, whatever the number of
    processes.

    Attributes:
        images: images of an iteration, all processes together.
        rank, processes: which process this is, of how many.

    Raises:
        TrainingError: if the images cannot be shared out evenly.
    """

    images: int
    rank: int = 0
    processes: int = 1

    def __post_init__(self) -> None:
        if self.images % self.processes:
            raise TrainingError(
                f"{self.images} images an iteration cannot be shared out evenly among "
                f"{self.processes} processes"
            )

    def samples(self, iteration: int) -> range:
        """Return the samples k of this process in iteration 0, 1, ..."""
        block = self.images // self.processes
        first = iteration * self.images + self.rank * block
        return range(first, first + block)


class Iterations(Sampler[list[int]]):
    """Batch sampler for a ``DataLoader``: a process's samples k, an iteration at a time."""

    def __init__(self, share: Share, start: int, stop: int) -> None:
        self.share = share
        self.iterations = range(start, stop)

    def __len__(self) -> int:
        return len(self.iterations)

    def __iter__(self) -> Iterator[list[int]]:
        return (list(self.share.samples(iteration)) for iteration in self.iterations)
