"""Theory held to an oracle that knows no rules: gradients of random instances in float64.

python -m benchmarks.theory_oracle --out docs/theory-oracle.md --rows /tmp/rows
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.oracle import Case, Finding, every_case, examine

HEAD = """# Theory against an oracle

Written by `python -m benchmarks.theory_oracle --out docs/theory-oracle.md`.

The oracle knows no rules. A unit reads the pixels that have a gradient in float64, for any of
several random images, with random weights and with smooth stand-ins for operators that mask
gradients or have none (a softplus for a relu, a weighted sum for a maximum, a softmax for a sort).
Every case is exported as it is, and theory's pixels are held to the oracle's unit by unit: all
units of small maps, corners, middle and some drawn by a seed of others.

- *missed*: units of which the oracle finds a pixel that theory does not claim.
- *beyond*: units, of layers called exact, that claim a pixel without a gradient.
- *bounds*: layers whose status is `upper_bound`; *loose*: how many of their units claim more than
  the oracle finds.

"""


def line(findings: Sequence[Finding]) -> dict[str, object]:
    """One case's row: counts over its layers."""
    bounds = [f for f in findings if f.status == "upper_bound"]
    return {
        "case": findings[0].case,
        "layers": len(findings),
        "units": sum(f.units for f in findings),
        "missed": sum(len(f.missed) for f in findings),
        "beyond": sum(len({*f.beyond, *f.loose}) for f in findings if f not in bounds),
        "bounds": len(bounds),
        "loose": sum(len({*f.beyond, *f.loose}) for f in bounds),
        "reasons": sorted({reason for f in bounds for reason in f.reasons}),
    }


def render(rows: Sequence[dict[str, object]]) -> str:
    """The page."""
    total = {key: sum(int(str(row[key])) for row in rows) for key in COUNTS}
    bounded = [row for row in rows if row["bounds"]]
    operators: Counter[str] = Counter()
    for row in bounded:
        operators.update(row["reasons"])  # type: ignore[arg-type]
    text = HEAD + (
        f"{len(rows)} of {len(every_case())} cases were run, "
        f"with {total['layers']} layers and {total['units']} units: "
        f"{total['missed']} missed, {total['beyond']} beyond. {total['bounds']} layers of "
        f"{len(bounded)} cases are bounds.\n\n## Bounds by operator\n\n"
    )
    text += _table(["operator", "cases"], [(name, n) for name, n in operators.most_common()])
    text += "\n## All cases\n\n"
    return text + _table(
        ["case", *COUNTS, "bound by"],
        [
            (row["case"], *(row[key] for key in COUNTS), ", ".join(map(str, row["reasons"])))
            for row in rows
        ],
    )


COUNTS = ("layers", "units", "missed", "beyond", "bounds", "loose")


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines) + "\n"


def look(case: Case) -> list[Finding]:
    """All of a small case; a few units and one image of a model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return examine(case) if case.layers else examine(case, most=5, seeds=(0,))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="Parts of names; all cases if none is given.")
    parser.add_argument("--out", type=Path, help="The page.")
    parser.add_argument("--rows", type=Path, help="Kept case by case; a stopped run goes on.")
    arguments = parser.parse_args()
    rows: Path | None = arguments.rows
    kept = rows.read_text("utf-8").splitlines() if rows and rows.exists() else []
    found = {row["case"]: row for row in map(json.loads, kept)}
    for case in every_case():
        wanted = not arguments.names or any(name in case.name for name in arguments.names)
        if case.name in found or not wanted:
            continue
        findings = look(case)
        found[case.name] = line(findings)
        print(json.dumps(found[case.name]), flush=True)
        for finding in findings:
            if finding.wrong:
                print("WRONG", asdict(finding), flush=True)
        if rows:
            with rows.open("a", encoding="utf-8") as file:
                print(json.dumps(found[case.name]), file=file)
    if arguments.out:
        arguments.out.write_text(render(list(found.values())), encoding="utf-8")


if __name__ == "__main__":
    main()
