"""The processes that train one model together, in PyTorch's own process group."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import distributed


@dataclass(frozen=True)
class Processes:
    """This process among those that train together.

    Attributes:
        rank, count: which one it is, of how many.
        device: where it computes.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files and speaks."""
        return self.rank == 0

    def sum(self, value: float) -> float:
        """Add a number up over all processes; each of them must call this."""
        if self.count == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return float(total)

    def told(self, text: str) -> str:
        """Return the first process's text in all of them; each must call this."""
        words = [text]
        if self.count > 1:
            distributed.broadcast_object_list(words)
        return words[0]


ALONE = Processes()


@contextmanager
def joined(device: str = "cpu") -> Iterator[Processes]:
    """Join the group that ``torchrun`` has started this process in; without it, be alone.

    Processes on "cuda" take a GPU each and talk through NCCL, others through gloo. The group ends
    with the ``with``.
    """
    if "WORLD_SIZE" not in os.environ:
        yield Processes(device=torch.device(device))
        return
    place = torch.device(device)
    if place.type == "cuda":
        place = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(place)
    distributed.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size(), place)
    finally:
        distributed.destroy_process_group()
