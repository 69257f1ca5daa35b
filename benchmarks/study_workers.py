"""Several workers on one study: does a kill cost more than a task, and what do two of them gain?

    python -m benchmarks.study_workers kill --seeds 20
    python -m benchmarks.study_workers speed               # on two idle cores, about 25 minutes
    python -m benchmarks.study_workers speed --small       # only that it runs

``kill``: two workers of torchrun, one of which gets SIGKILL at a moment that the seed draws;
torchrun starts them anew once. ``speed``: wall time of two processes over that of one, of many
tasks of one length, and of one that is eight times as long as the four beside it, for which half of
one's time is the ideal.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from erf.results.group import attributes_of
from erf.study import find_results

NETS = """
from torch import nn
def one():
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1),
    )
def other():
    return nn.Sequential(nn.Conv2d(3, 4, 7, padding=3), nn.ReLU(), nn.Conv2d(4, 8, 3, padding=1))
"""
PLAN = """
images = ["{photos}"]
units = ["center"]
layers = ["2"]
models = {models}
[methods.noise]
patch = {patch}
draws = {draws}
engine = "dense"
"""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Place:
    """A folder with photos and a plan.

    Attributes:
        folder: that holds them.
    """

    folder: Path

    def write(self, sides: list[int], models: list[str], patch: int, draws: int) -> None:
        """A photo of noise of each side, and the plan."""
        (self.folder / "photos").mkdir()
        for index, side in enumerate(sides):
            rng = np.random.default_rng(index)
            levels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(levels).save(self.folder / "photos" / f"photo{index:02d}.png")
        (self.folder / "nets.py").write_text(NETS)
        text = PLAN.format(photos="photos", models=models, patch=patch, draws=draws)
        (self.folder / "plan.toml").write_text(text.replace("'", '"'))

    def start(self, out: str, workers: int, *options: str) -> subprocess.Popen[bytes]:
        """A study under way."""
        own = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={workers}")
        launcher = (*own, *options) if workers > 1 else ()
        command = (sys.executable, *launcher, "-m", "erf", "study", "plan.toml", "--out", out)
        told = subprocess.DEVNULL
        return subprocess.Popen(command, cwd=self.folder, env=ENVIRONMENT, stdout=told, stderr=told)

    def seconds(self, workers: int) -> float:
        """Wall time of a whole study."""
        start = time.perf_counter()
        assert self.start(f"by{workers}", workers).wait() == 0
        return time.perf_counter() - start

    def hashes(self, out: str) -> dict[str, str]:
        """Of every array of every result."""
        root = self.folder / out
        found = find_results(root) if root.is_dir() else []
        return {
            str(each.relative_to(root)): (attributes_of(each) or {})["sha256"] for each in found
        }


def kill(place: Place, seed: int, whole: dict[str, str]) -> tuple[str, bool]:
    """One study in which a worker is killed: a row of the table, and whether all is as it was."""
    rng, out = np.random.default_rng(seed), f"killed{seed}"
    agent = place.start(out, 2, "--max-restarts", "1")
    wanted, late = int(rng.integers(0, len(whole))), float(rng.uniform(0, 0.5))
    workers: list[psutil.Process] = []
    while agent.poll() is None and (len(place.hashes(out)) < wanted or len(workers) < 2):
        workers = psutil.Process(agent.pid).children()
        time.sleep(0.02)
    time.sleep(late)
    before = {path: path.stat().st_mtime_ns for path in results_below(place.folder / out)}
    number = int(rng.integers(0, 2))
    if agent.poll() is None and len(workers) == 2:
        os.kill(workers[number].pid, signal.SIGKILL)
    code = agent.wait()
    again = sum(path.stat().st_mtime_ns != when for path, when in before.items())
    same = place.hashes(out) == whole
    left = (place.folder / out / ".work").exists()
    cells = (seed, number, f"{len(before)} of {len(whole)}", code, again, same, left)
    row = f"| {' | '.join(map(str, cells))} |"
    return row, code == 0 and same and not again and not left


def results_below(root: Path) -> list[Path]:
    """The documents of the results that are in place."""
    return [each / "zarr.json" for each in find_results(root)] if root.is_dir() else []


def kills(seeds: int) -> None:
    """The table of kills."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        place.write([40] * 6, ["nets.py:one", "nets.py:other"], patch=8, draws=4)
        assert place.start("alone", 1).wait() == 0
        whole = place.hashes("alone")
        print("| seed | worker | results before | exit | measured again | same bytes | left over |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        held = 0
        for seed in range(seeds):
            row, good = kill(place, seed, whole)
            print(row, flush=True)
            held += good
        print(f"\n{held} of {seeds}: same bytes, nothing measured again that was in place")


def speed(small: bool) -> None:
    """Two processes over one."""
    short, long = (48, 80) if small else (224, 376)
    cases = {
        "many of one length": ([short] * (4 if small else 32), 2 if small else 4),
        "one 8 times as long as four others": ([long] + [short] * 4, 2 if small else 16),
    }
    print(
        "| tasks | one process, s | two, s | two over one | over the ideal |\n" + "| --- " * 5 + "|"
    )
    for name, (sides, draws) in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            place = Place(Path(folder))
            place.write(sides, ["nets.py:one"], patch=16, draws=draws)
            one, two = place.seconds(1), place.seconds(2)
            assert place.hashes("by1") == place.hashes("by2")
        ratio = two / one
        print(f"| {name} | {one:.1f} | {two:.1f} | {ratio:.2f} | {2 * ratio:.2f} |", flush=True)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["kill", "speed"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    if options.what == "kill":
        kills(options.seeds)
    else:
        speed(options.small)


if __name__ == "__main__":
    main()
