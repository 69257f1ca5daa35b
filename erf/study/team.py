"""Several workers on one study: those that torchrun started, and an atomic counter among them.

No collective and no process group: a worker that dies or comes late holds up nobody. What all have
to agree on is said once, by the first, and read by the others.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, runtime_checkable

PATIENCE = timedelta(days=7)
"""How long a worker waits for what the first has to say; torchrun ends it when the first dies."""


@runtime_checkable
class Store(Protocol):
    """What is used of `torch.distributed.Store`."""

    def add(self, key: str, amount: int, /) -> int:
        """Add to a counter, which begins at 0, and return it."""
        ...

    def set(self, key: str, value: str, /) -> object:
        """Keep a text."""
        ...

    def get(self, key: str, /) -> bytes:
        """A text, as soon as it is there."""
        ...


class Pocket:
    """The store of a worker that is alone."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._texts: dict[str, bytes] = {}

    def add(self, key: str, amount: int) -> int:
        """Add to a counter."""
        self._counts[key] += amount
        return self._counts[key]

    def set(self, key: str, value: str) -> None:
        """Keep a text."""
        self._texts[key] = value.encode()

    def get(self, key: str) -> bytes:
        """A text that is there."""
        return self._texts[key]


@dataclass(frozen=True)
class Team:
    """The workers of a study, seen from one of them.

    Attributes:
        rank: of this one.
        size: how many there are.
        store: that they share.
    """

    rank: int = 0
    size: int = 1
    store: Store = field(default_factory=Pocket, repr=False)

    @classmethod
    def of_torchrun(cls) -> Team:
        """The team that torchrun started, or one alone."""
        if "TORCHELASTIC_RUN_ID" not in os.environ:
            return cls()
        from torch._C._distributed_c10d import PrefixStore
        from torch.distributed.rendezvous import rendezvous

        store, rank, size = next(rendezvous("env://"))
        store.set_timeout(PATIENCE)
        # The agent's store outlives its workers: those that are started anew begin to count anew.
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        return cls(rank, size, PrefixStore(f"erf study {attempt}", store))

    @staticmethod
    def is_first() -> bool:
        """Whether this process is the first of its team, known without a store."""
        return os.environ.get("RANK", "0") == "0" or "TORCHELASTIC_RUN_ID" not in os.environ

    @property
    def leads(self) -> bool:
        """Whether this is the first."""
        return self.rank == 0

    @property
    def name(self) -> str:
        """For messages."""
        return f"worker {self.rank} of {self.size}"

    def agree(self, key: str, make: Callable[[], str]) -> str:
        """What the first makes, told to all."""
        if self.leads:
            self.store.set(key, make())
        return self.store.get(key).decode()

    def take(self, key: str) -> int:
        """The next number of a counter, from 0 on; nobody else gets it."""
        return self.store.add(key, 1) - 1

    def count(self, key: str, amount: int = 1) -> int:
        """Add to a counter; with an amount of 0, look at it."""
        return self.store.add(key, amount)
