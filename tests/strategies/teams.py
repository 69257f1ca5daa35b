"""Workers of one study in processes of their own, forked where torch is imported already."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch.distributed import TCPStore

from erf.study import StudyPlan, measuring, run_study, running, tasks
from erf.study.team import Team
from strategies.killing import start
from strategies.studies import model, plan


def long_plan(images: tuple[Path, ...]) -> StudyPlan:
    """Ten blocks of patches on a photo of 40 pixels."""
    return plan(images, (model("one"),), units=("center", "grid:2"))


def share_study(images: tuple[Path, ...], folder: Path, number: int) -> list[list[int]]:
    """Run `long_plan` into ``folder / "study"``, every task cut as far as it goes.

    Returns:
        The blocks that each worker measured. Nobody goes on before all have taken some.
    """
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    workers = [
        start(_work, rank, number, store.port, images, folder / "study") for rank in range(number)
    ]
    for each in workers:
        each.join(120)
        assert each.exitcode == 0
    found = [store.get(f"blocks {rank}").decode() for rank in range(number)]
    return [[int(each) for each in text.split()] for text in found]


def _work(rank: int, size: int, port: int, images: tuple[Path, ...], root: Path) -> None:
    store = TCPStore("127.0.0.1", port, is_master=False)
    run_shares, taken = measuring.run_shares, list[int]()

    def told(shares: Iterator[range]) -> Iterator[range]:
        for blocks in shares:
            taken.extend(blocks)
            store.add("begun", 0 if len(taken) > len(blocks) else 1)
            while store.add("begun", 0) < size:
                time.sleep(0.01)
            yield blocks

    def run_told(*given: Any, shares: Iterator[range], **more: Any) -> Any:
        return run_shares(*given, shares=told(shares), **more)

    measuring.run_shares = run_told
    tasks.LEAST = 1
    running.Team.of_torchrun = lambda: Team(rank, size, store)  # type: ignore[method-assign]
    run_study(long_plan(images), root)
    store.set(f"blocks {rank}", " ".join(map(str, taken)))
