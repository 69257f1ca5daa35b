"""The matrix as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

HEAD = """# Architectures

Each model stands at full depth on a small image, with random weights of which none is zero or one
throughout, so that no branch is silent. The patch is a quarter of the image's side, noise is as
strong as the image, one draw; all units of up to five layers are watched, the deepest and the
model's own output among them. To make it anew, with timm, transformers,
segmentation-models-pytorch, ultralytics and monai installed:

```
python -m benchmarks.transformer_blocks --json blocks.json
python -m benchmarks.architectures --rows rows.json --blocks blocks.json \\
    --table docs/architectures.md
```

What is in `rows.json` is not measured again, so a run goes on where it stopped; `--only TEXT`
measures what has the text in its name.

"""
COLUMNS = """
- *exact*, *whole image*, *bound*: how many layers have that theoretical status. A whole image is
  exact too. *Because of*: the operators that make bounds, with the number of layers.
- *engine*: what `auto` took. *Error*: the largest difference of it from whole images in double
  precision (single where it says so), over the peak of the layer, all patches and units, the worst
  layer.
- Theory says that a unit reads what could change it for some input. Masks of -100, as in Swin's
  shifted windows, are no infinities: their tokens count as read, though no one hears them here.
- *s*: processor time for the export and the theory of all layers, and for the probe by `auto`. The
  machine was shared.

"""
LINE = (
    "| model | image | layers | exact | whole image | bound | because of "
    "| engine | probed | error | s |"
)
BLOCK_LINE = "| model | block | map | others | theory | noise | gradient |"


def page(rows: Sequence[dict[str, Any]], blocks: Sequence[dict[str, Any]] = ()) -> str:
    """The whole page.

    Args:
        rows: of `benchmarks.architecture_row.Row`, as JSON has them.
        blocks: of `benchmarks.transformer_blocks.Block`.
    """
    parts = [HEAD, summary(rows), COLUMNS]
    for library in dict.fromkeys(row["library"] for row in rows):
        own = [row for row in rows if row["library"] == library]
        parts.append(f"## {library}\n\n")
        parts.append(_table(LINE, (_cells(row) for row in own)))
        parts.append("\n")
    parts.append(_inexact(rows))
    if blocks:
        parts.append(_blocks(blocks))
    return "".join(parts)


def summary(rows: Sequence[dict[str, Any]]) -> str:
    """What it comes to, in a few lines.

    Example:
        >>> row = {"library": "a", "engine": "delta", "error": 1e-6, "problem": ""}
        >>> summary([row]).splitlines()[0]
        '1 architectures of 1 libraries (1 a); 1 (100.0 %) probed by delta.'
    """
    libraries = Counter(row["library"] for row in rows)
    names = ", ".join(f"{count} {library}" for library, count in libraries.items())
    delta = [row for row in rows if row["engine"] == "delta"]
    errors = sorted(row["error"] for row in delta if row["error"] is not None)
    problems = [row for row in rows if row["problem"]]
    leaks = sum(row.get("leaks") or 0 for row in rows)
    layers = Counter[str]()
    for row in rows:
        layers.update(row.get("status") or {})
    lines = [
        f"{len(rows)} architectures of {len(libraries)} libraries ({names}); {len(delta)} "
        f"({100 * len(delta) / max(1, len(rows)):.1f} %) probed by delta.",
        f"{sum(layers.values())} layers: {layers['exact']} exact, {layers['whole_image']} that "
        f"read the whole image, {layers['upper_bound']} bounds.",
    ]
    if errors:
        lines.append(
            f"Delta differs from double precision by {errors[len(errors) // 2]:.0e} of the peak in "
            f"the median model, {errors[-1]:.0e} in the worst."
        )
    lines.append(
        f"Pairs of a patch and a unit that dense hears beyond the theoretical field: {leaks}. "
        f"Refused or not measured: {len(problems)}."
    )
    return "\n".join(lines) + "\n"


def _cells(row: dict[str, Any]) -> list[str]:
    if row["problem"]:
        return [row["name"], *[""] * 5, row["problem"].replace("|", "/"), *[""] * 4]
    status, rows_cols = row["status"], row["size"]
    reasons = sorted(row["bounds"].items(), key=lambda item: (-item[1], item[0]))
    error = f"{row['error']:.0e}" if row["error"] is not None else ""
    return [
        row["name"],
        str(rows_cols[0]),
        str(row["layers"]),
        *(str(status.get(each, 0)) for each in ("exact", "whole_image", "upper_bound")),
        ", ".join(f"{name.removeprefix('aten.')} ({count})" for name, count in reasons),
        row["engine"],
        str(len(row["probed"])),
        error if row["reference"] == "float64" else f"{error} (single)",
        f"{row['seconds'][0]:.0f} + {row['seconds'][1]:.1f}",
    ]


def _inexact(rows: Sequence[dict[str, Any]]) -> str:
    """What is not exact, and why; what was not probed by delta, and why."""
    models, layers = Counter[str](), Counter[str]()
    for row in rows:
        layers.update(row.get("bounds") or {})
        models.update((row.get("bounds") or {}).keys())
    lines = ["## What is not exact\n\n", "Operators that make layers bounds, over all models.\n\n"]
    ordered = sorted(layers.items(), key=lambda item: (-item[1], item[0]))
    cells = ([f"`{name}`", str(models[name]), str(count)] for name, count in ordered)
    lines.append(_table("| operator | models | layers |", cells))
    others = [row for row in rows if row["engine"] not in ("delta", "")]
    if others:
        lines.append("\nNot by delta:\n\n")
        lines += [
            f"- {row['library']}:{row['name']}: {'; '.join(row['notes'])}\n" for row in others
        ]
    return "".join([*lines, "\n"])


def _blocks(blocks: Sequence[dict[str, Any]]) -> str:
    agree = sum(block["agrees"] for block in blocks)
    head = (
        "## Blocks of transformers\n\n"
        "One unit in the middle of each block's map, one channel. *Others*: tokens that are no "
        "place of the image and are left out. *Noise*: largest difference of delta's answer to "
        "noise of 1e-4 from what autograd's gradient says to first order, over the largest change. "
        "*Gradient*: of `erf.gradient_field` from autograd, over its largest value. Where "
        "autograd's gradient is not zero is the box that theory says, pixel for pixel. "
        f"{agree} of {len(blocks)} blocks agree in all of this.\n\n"
    )
    cells = (
        [
            block["label"],
            block["layer"],
            "{} x {}".format(*block["grid"]),
            str(block["others"]),
            block["status"].replace("_", " "),
            f"{block['noise']:.0e}",
            f"{block['gradient']:.0e}",
        ]
        for block in blocks
    )
    return head + _table(BLOCK_LINE, cells)


def _table(line: str, rows: Iterable[Sequence[str]]) -> str:
    rule = "|" + " --- |" * (line.count("|") - 1)
    return "\n".join([line, rule, *(f"| {' | '.join(cells)} |" for cells in rows)]) + "\n"
