"""The tables of the study, and what they say, as Markdown."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from benchmarks.camvid.ceilings import Ceilings
from benchmarks.camvid.fold import Outcome
from benchmarks.camvid.heads import HEADS
from benchmarks.camvid.views import Seen
from parsenet.photo_scores import PairedDifference, PhotoScores, mean_ious, paired_difference

Key = tuple[str, str]
LEVEL = 0.95


class Question(NamedTuple):
    """A comparison: its words, and the two ways that are held against each other."""

    words: str
    first: str
    second: str


QUESTIONS = (
    Question("late fusion - none, L2", "late, L2, own", "none, L2, own"),
    Question("late fusion - none, raw", "late, raw, own", "none, raw, own"),
    Question("early fusion - none, L2", "early, L2, own", "none, L2, own"),
    Question("early fusion - none, raw", "early, raw, own", "none, raw, own"),
    Question("L2 - raw, no context", "none, L2, own", "none, raw, own"),
    Question("L2 - raw, late fusion", "late, L2, own", "late, raw, own"),
    Question("own - another's context, late, L2", "late, L2, own", "late, L2, swapped"),
    Question("own - mean context, late, L2", "late, L2, own", "late, L2, mean"),
    Question("own - another's context, late, raw", "late, raw, own", "late, raw, swapped"),
    Question("told what is there - not, none, L2", "none, L2, presence", "none, L2, own"),
    Question("told the shares - not, none, L2", "none, L2, shares", "none, L2, own"),
)


@dataclass(frozen=True, eq=False)
class Cell:
    """All folds of one framing and layer."""

    seen: Seen
    outcomes: tuple[Outcome, ...]

    @property
    def drives(self) -> dict[str, list[Outcome]]:
        """The seeds of each drive left out."""
        found: dict[str, list[Outcome]] = {}
        for outcome in self.outcomes:
            found.setdefault(self.seen.views[outcome.views[0]].drive, []).append(outcome)
        return found

    def difference(self, question: Question, outcomes: Sequence[Outcome]) -> PairedDifference:
        """Return the difference on a drive, seeds added up, its interval over clips of photos."""
        views = [self.seen.views[place] for place in outcomes[0].views]
        names = tuple(f"{view.name} {view.top},{view.left}" for view in views)
        groups = tuple(view.clip for view in views)
        one, other = (
            PhotoScores(names, sum_of(each.confusions[way] for each in outcomes), groups)
            for way in (question.first, question.second)
        )
        return paired_difference(one, other)

    def spread(self, question: Question) -> float:
        """Return the standard deviation over seeds of a difference, mean of the drives, points."""
        found = [
            np.std([_iou(o, question.first) - _iou(o, question.second) for o in each], ddof=1)
            for each in self.drives.values()
        ]
        return float(100 * np.mean(found))


def sum_of(confusions: Iterable[np.ndarray]) -> np.ndarray:
    """Add up what several seeds counted of the same views."""
    return np.sum(list(confusions), axis=0)


def page(cells: dict[Key, Cell], told: dict[str, Ceilings], args: argparse.Namespace) -> str:
    """Return everything between the page's markers."""
    parts = [_setting(cells, args)]
    parts += ["## What there is to know", _ceilings(told)]
    parts += ["## Scores", "Mean IoU of units, per cent: mean and deviation over seeds."]
    for (framing, layer), cell in cells.items():
        parts += [f"### {framing}, local {layer}", _scores(cell)]
    parts += ["## Differences", _reading(cells)]
    for (framing, layer), cell in cells.items():
        parts += [f"### {framing}, local {layer}", _differences(cell)]
    parts += ["## What it says", _VERDICTS, _verdicts(cells), "## Rates", _SWEEP]
    for (framing, layer), cell in cells.items():
        parts += [f"### {framing}, local {layer}", _sweep(cell)]
    return "\n\n".join(parts)


_VERDICTS = (
    "Points of mean IoU, mean of the drives; in brackets on how many of them the interval over "
    "photos lies above 0 and below; bold where the interval over drives leaves 0 out, which three "
    "drives allow for large and equal differences alone."
)
_SWEEP = (
    "Mean IoU on the clips held out of the two drives trained on, per cent, mean of drives and "
    "seeds; bold: the rate that was best most often."
)


def _setting(cells: dict[Key, Cell], args: argparse.Namespace) -> str:
    counts = {framing: cell.seen for (framing, _), cell in cells.items()}
    said = []
    for framing, seen in counts.items():
        drives = sorted({view.drive for view in seen.views})
        per = ", ".join(
            f"{sum(view.drive == each for view in seen.views)} of {each}" for each in drives
        )
        said.append(f"{len(seen.views)} {framing} ({per})")
    return (
        f"Every {args.every}. photo of `train`; {' and '.join(said)}. {args.seeds} seeds, each "
        f"{args.steps} steps of {args.batch} units by Adam, its rate falling to nothing; "
        f"{len(args.rates)} rates for each head."
    )


def _ceilings(told: dict[str, Ceilings]) -> str:
    def position(each: Ceilings) -> tuple[str, str]:
        if each.position is None or each.by_position is None:
            return "-", "-"
        ious = ", ".join(f"{100 * iou:.1f}" for iou in each.by_position.values())
        return f"{each.position:.2f}", ious

    rows = {
        "classes in a view, of 11": [f"{each.present:.1f}" for each in told.values()],
        "classes that a view and the one it swaps with do not share": [
            f"{each.differing:.0%}" for each in told.values()
        ],
        "bits: a unit's class": [f"{each.entropy:.2f}" for each in told.values()],
        "bits that the set of the view's classes tells": [
            f"{each.presence:.2f}" for each in told.values()
        ],
        "bits that the classes' shares of the view tell": [
            f"{each.shares:.2f}" for each in told.values()
        ],
        "bits that a unit's position tells": [position(each)[0] for each in told.values()],
        "mean IoU by position alone, each drive left out": [
            position(each)[1] for each in told.values()
        ],
    }
    return table(["", *told], [[name, *each] for name, each in rows.items()])


def _iou(outcome: Outcome, way: str) -> float:
    total = outcome.confusions[way].sum(axis=0, keepdims=True).astype(float)
    return float(mean_ious(total)[0])


def _scores(cell: Cell) -> str:
    rows = []
    for way in cell.outcomes[0].confusions:
        ious = {drive: [_iou(o, way) for o in each] for drive, each in cell.drives.items()}
        mean = float(np.mean([np.mean(each) for each in ious.values()]))
        rows.append([way, *(_spread(each) for each in ious.values()), f"{100 * mean:.1f}"])
    return table(["head and context", *(f"{d} left out" for d in cell.drives), "mean"], rows)


def _spread(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{100 * values[0]:.1f}"
    return f"{100 * np.mean(values):.1f} ± {100 * np.std(values, ddof=1):.1f}"


def _reading(cells: dict[Key, Cell]) -> str:
    return (
        "Points of mean IoU, seeds added up, on each drive left out with a 95 % interval by "
        "bootstrap over clips of ten photos, paired; then the mean of the drives with the 95 % "
        "interval of Student's t over drives, and the deviation over seeds (one seed alone is off "
        f"by so much). {len(QUESTIONS) * len(cells)} comparisons: some of as many that are nothing "
        "would seem something."
    )


def _differences(cell: Cell) -> str:
    rows = []
    for question in QUESTIONS:
        each = [cell.difference(question, outcomes) for outcomes in cell.drives.values()]
        mean, low, high = over_drives(np.array([d.difference for d in each]))
        seeds = cell.spread(question) if len(next(iter(cell.drives.values()))) > 1 else np.nan
        rows.append(
            [
                question.words,
                *(
                    f"{100 * d.difference:+.1f} ({100 * d.low:+.1f} to {100 * d.high:+.1f})"
                    for d in each
                ),
                f"{100 * mean:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})",
                "-" if np.isnan(seeds) else f"{seeds:.1f}",
            ]
        )
    heads = [*(f"{drive} left out" for drive in cell.drives), "drives", "seeds"]
    return table(["difference", *heads], rows)


def over_drives(values: Float[np.ndarray, " drives"]) -> tuple[float, float, float]:
    """Return the mean and the ends of Student's interval.

    Example:
        >>> [round(each, 2) for each in over_drives(np.array([1.0, 2.0, 3.0]))]
        [2.0, -0.48, 4.48]
    """
    count = len(values)
    mean = float(values.mean())
    if count < 2:
        return mean, float("nan"), float("nan")
    reach = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * values.std(ddof=1) / count**0.5)
    return mean, mean - reach, mean + reach


def _verdicts(cells: dict[Key, Cell]) -> str:
    """Say of each question what came out, by the numbers alone."""
    rows = []
    for question in QUESTIONS:
        said = []
        for cell in cells.values():
            each = [cell.difference(question, outcomes) for outcomes in cell.drives.values()]
            said.append(verdict(each))
        rows.append([question.words, *said])
    return table(["difference", *(", ".join(key) for key in cells)], rows)


def verdict(each: Sequence[PairedDifference]) -> str:
    """Return the mean of the drives, and on how many of them it can be told from nothing.

    Bold where the interval over drives leaves 0 out.

    Example:
        >>> up = PairedDifference(0.02, 0.01, 0.03, 0.01, 9)
        >>> nothing = PairedDifference(0.0, -0.01, 0.01, 0.9, 9)
        >>> verdict([up, up, nothing])
        '+1.3 (2 up, 0 down)'
        >>> verdict([up, up, up])
        '**+2.0 (3 up, 0 down)**'
    """
    mean, low, high = over_drives(np.array([d.difference for d in each]))
    above, below = sum(d.low > 0 for d in each), sum(d.high < 0 for d in each)
    text = f"{100 * mean:+.1f} ({above} up, {below} down)"
    return f"**{text}**" if low > 0 or high < 0 else text


def _sweep(cell: Cell) -> str:
    rates = cell.outcomes[0].rates
    every = np.stack([outcome.sweep for outcome in cell.outcomes])
    means = 100 * every.mean(axis=0)
    favourite = [np.bincount(row, minlength=len(rates)).argmax() for row in every.argmax(2).T]
    rows = [
        [head.name, *(f"**{v:.1f}**" if k == best else f"{v:.1f}" for k, v in enumerate(line))]
        for head, line, best in zip(HEADS, means, favourite, strict=True)
    ]
    return table(["head", *(f"{rate:g}" for rate in rates)], rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
