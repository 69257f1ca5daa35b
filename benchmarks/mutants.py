"""Do the tests notice? Mutants of what a person reads, drawn by a seed, and how many are killed.

    python -m benchmarks.mutants --count 160 --seed 0 --json FILE

Cosmic Ray makes the mutants: one operator, comparison, number or condition changed in a copy of the
repository. Those in annotations are left out: they are not run. A mutant is killed when a test that
runs its line fails; one that no test has noticed after some processor time survives. Which tests
run which lines is found first, by one run of all under Coverage. Tests run in forks of a process
that has imported the libraries, not ours: an import of PyTorch takes longer than most of them.
"""

from __future__ import annotations

import argparse
import ast
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from cosmic_ray.ast import Visitor, get_ast
from cosmic_ray.mutating import MutationVisitor
from cosmic_ray.plugins import get_operator
from coverage import CoverageData

ROOT = Path(__file__).resolve().parent.parent
SWAPS = (
    *("BinaryOperator_Add_Sub", "BinaryOperator_Sub_Add", "BinaryOperator_Mul_Div"),
    *("BinaryOperator_Div_Mul", "BinaryOperator_FloorDiv_Mul", "BinaryOperator_Pow_Mul"),
    *("BinaryOperator_Mod_Mul", "BinaryOperator_BitAnd_BitOr"),
    *("ComparisonOperator_Eq_NotEq", "ComparisonOperator_NotEq_Eq", "ComparisonOperator_Lt_LtE"),
    *("ComparisonOperator_LtE_Lt", "ComparisonOperator_Gt_GtE", "ComparisonOperator_GtE_Gt"),
    *("ComparisonOperator_Lt_Gt", "ComparisonOperator_Gt_Lt", "ComparisonOperator_Is_IsNot"),
    *("ComparisonOperator_IsNot_Is", "UnaryOperator_Delete_USub", "UnaryOperator_Delete_Not"),
)
OPERATORS = (
    *(f"core/Replace{swap}" for swap in SWAPS),
    *("core/AddNot", "core/ReplaceTrueWithFalse", "core/ReplaceFalseWithTrue"),
    *("core/ReplaceAndWithOr", "core/ReplaceOrWithAnd", "core/NumberReplacer"),
)
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        *("torch", "torch.export", "torchvision", "scipy.stats", "xarray", "zarr", "pandas"),
        *("matplotlib.figure", "hypothesis", "rich.progress", "click.testing", "PIL.Image"),
    ]
)
PRINTED = ["tests/figures"]
TESTS = {
    "erf/measures": [
        "tests/erf/measures",
        "tests/cli/test_measure.py",
        "tests/cli/test_compare.py",
    ],
    "erf/results": ["tests/erf/results", "tests/cli/test_old_results.py"],
    "erf/theoretical/text.py": ["tests/cli/test_theory.py"],
    "figures/report/table.py": PRINTED,
    "figures/report/thresholds.py": PRINTED,
    "figures/caption.py": PRINTED,
    "figures/summary.py": PRINTED,
    "figures/words.py": PRINTED,
    "cli/compare.py": ["tests/cli/test_compare.py"],
    "cli/measure.py": ["tests/cli/test_measure.py"],
    "cli/theory.py": ["tests/cli/test_theory.py"],
    "cli/evaluate.py": ["tests/cli/test_evaluate.py"],
    "cli/probing": ["tests/cli/probing", "tests/cli/test_probe.py"],
    "parsenet/report.py": ["tests/cli/test_evaluate.py"],
}
"""What is mutated, and the tests that are to notice."""
COVERED = ".coverage-of-mutants"


@dataclass(frozen=True)
class Mutant:
    """One change, and whether a test noticed."""

    file: str
    line: int
    operator: str
    occurrence: int
    before: str
    after: str
    killed: bool | None = None


def main() -> None:
    """Draw, run, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=90, help="processor seconds a mutant may take")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, help="goes on where it stopped")
    parser.add_argument("--covered", type=Path, help="which tests run which lines, kept")
    options = parser.parse_args()
    chosen = random.Random(options.seed).sample(sorted(_all(), key=repr), options.count)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.workers) as pool:
        copies: Queue[Path] = Queue()
        for number in range(options.workers):
            copy = Path(folder, str(number), ROOT.name)
            shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv"))
            copies.put(copy)
        covering = Covering(options.covered or Path(folder, COVERED))
        found = _known(options.json)
        left = chosen[len(found) :]
        for mutant in pool.map(lambda each: _tested(each, copies, covering, options.limit), left):
            found.append(mutant)
            word = "killed" if mutant.killed else "SURVIVED"
            print(f"{len(found)} {word} {_words(mutant)}", flush=True)
            if options.json:
                options.json.write_text(json.dumps([asdict(each) for each in found], indent=1))
    print(f"{sum(bool(each.killed) for each in found)} of {len(found)} killed")


def _known(path: Path | None) -> list[Mutant]:
    """What an interrupted run of the same seed has found."""
    if path is None or not path.exists():
        return []
    return [Mutant(**each) for each in json.loads(path.read_text())]


def _tested(mutant: Mutant, copies: Queue[Path], covering: Covering, limit: int) -> Mutant:
    copy = copies.get()
    try:
        return replace(mutant, killed=_is_killed(mutant, copy, covering.tests(mutant), limit))
    finally:
        copies.put(copy)


class Covering:
    """Which tests run a line.

    Args:
        path: where Coverage keeps it; made when there is none.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            _cover(path)
        self._data = CoverageData(str(path))
        self._data.read()

    def tests(self, mutant: Mutant) -> list[str]:
        """Those that bear the name of its file first; none where no test runs it."""
        lines = self._data.contexts_by_lineno(str(ROOT / mutant.file))
        found = {test for test in lines.get(mutant.line, []) if test}
        if not found:  # run on import, or the line of a longer statement
            found = {test for tests in lines.values() for test in tests if test}
        wanted = Path(mutant.file).stem
        tests = {test.split("|")[0] for test in found}
        return sorted(tests, key=lambda test: (wanted not in Path(test.split("::")[0]).stem, test))


def _cover(path: Path) -> None:
    tests = sorted({test for tests in TESTS.values() for test in tests})
    sources = [f"--cov={folder}" for folder in ("erf", "parsenet", "figures", "cli")]
    report = [*sources, "--cov-context=test", "--cov-report="]
    left_out = ["--ignore-glob=*browser*", "-p", "no:cacheprovider"]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *left_out, *report, *tests],
        cwd=ROOT,
        env=os.environ | {"COVERAGE_FILE": str(path), "MPLBACKEND": "agg", "ERF_SHAPES": "none"},
        check=True,
    )


def _all() -> Iterator[Mutant]:
    for folder in TESTS:
        place = ROOT / folder
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            skipped = _annotations(source)
            for name in OPERATORS:
                places = _Places(get_operator(name)())
                places.walk(get_ast(source))
                for occurrence, start in enumerate(places.found):
                    if start not in skipped:
                        yield _described(path, source, name, occurrence, start[0])


class _Places(Visitor):
    """Where an operator can change something, in the order in which Cosmic Ray counts."""

    def __init__(self, operator: Any) -> None:
        self.operator, self.found = operator, list[tuple[int, int]]()

    def visit(self, node: Any) -> Any:
        """Note the places of a node."""
        self.found += [start for start, _end in self.operator.mutation_positions(node)]
        return node


def _annotations(source: str) -> set[tuple[int, int]]:
    """(line, column) of everything that only annotates."""
    found: set[tuple[int, int]] = set()
    for node in ast.walk(ast.parse(source)):
        for name in ("annotation", "returns"):
            for part in ast.walk(getattr(node, name, None) or ast.Module([], [])):
                if isinstance(part, ast.expr):
                    columns = range(part.col_offset, (part.end_col_offset or 0) + 1)
                    lines = range(part.lineno, (part.end_lineno or 0) + 1)
                    found |= {(line, column) for line in lines for column in columns}
    return found


def _described(path: Path, source: str, name: str, occurrence: int, line: int) -> Mutant:
    mutated = _mutated(source, name, occurrence)
    pairs = zip(source.splitlines(), mutated.splitlines(), strict=False)
    before, after = next(((a, b) for a, b in pairs if a != b), ("", ""))
    file = str(path.relative_to(ROOT))
    return Mutant(file, line, name.removeprefix("core/"), occurrence, before.strip(), after.strip())


def _mutated(source: str, name: str, occurrence: int) -> str:
    found = MutationVisitor.mutate_code(source, get_operator(name)(), occurrence)
    assert found is not None
    return str(found)


def _is_killed(mutant: Mutant, copy: Path, chosen: list[str], limit: int) -> bool:
    if not chosen:
        return False
    path = copy / mutant.file
    source = path.read_text(encoding="utf-8")
    path.write_text(_mutated(source, f"core/{mutant.operator}", mutant.occurrence))
    try:
        tests = FORKS.Process(target=_test, args=(copy, chosen, limit))
        tests.start()
        tests.join()
        return tests.exitcode not in (0, -signal.SIGXCPU)
    finally:
        path.write_text(source)


def _test(copy: Path, tests: list[str], limit: int) -> None:
    """Run tests of a copy, in a process of their own; it ends with pytest's exit code."""
    os.chdir(copy)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, 2 * limit))
    sys.path.insert(0, str(copy))
    os.environ |= {"PYTHONPATH": str(copy), "MPLBACKEND": "agg", "ERF_SHAPES": "none"}
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    sys.exit(pytest.main(["-xq", "-p", "no:cacheprovider", *tests]))


def _words(mutant: Mutant) -> str:
    return f"{mutant.file}:{mutant.line} {mutant.operator}: {mutant.before}  ->  {mutant.after}"


if __name__ == "__main__":
    main()
