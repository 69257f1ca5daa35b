"""What a study's root says of its plan, and how a plan may grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from erf.errors import StoreError
from erf.study.plan import StudyPlan
from erf.study.tasks import StudyPhoto


def describe_plan(plan: StudyPlan, photos: Sequence[StudyPhoto]) -> dict[str, Any]:
    """The plan, JSON-compatible: what results there are to be, and what decides them."""
    return {
        "models": {
            each.title: each.describe() | {"layers": list(plan.layers_of(each))}
            for each in plan.models
        },
        "units": list(plan.units),
        "photos": {each.label: {"name": each.path.name, "sha256": each.sha256} for each in photos},
        "methods": {name: each.describe() for name, each in plan.methods.items()},
        "image_size": None if plan.image_size is None else list(plan.image_size),
        "channel": plan.channel,
        "threads": plan.threads,
    }


def check_growth(root: Path, known: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The known plan and what is asked together: more of everything, and nothing that is other.

    Raises:
        StoreError: when what is there was measured otherwise, naming the first thing that differs.
    """
    for name in ("image_size", "channel", "threads"):
        if known[name] != asked[name]:
            raise _other(root, name, known[name], asked[name])
    for what in ("methods", "models"):
        for name in asked[what].keys() & known[what].keys():
            before, now = ({**each[what][name], "layers": None} for each in (known, asked))
            for key in sorted(before.keys() | now.keys()):
                if before.get(key) != now.get(key):
                    raise _other(root, f"{key} of {name}", before.get(key), now.get(key))
    models = {**known["models"], **asked["models"]}
    for name in known["models"].keys() & asked["models"].keys():
        layers = _together(known["models"][name]["layers"], asked["models"][name]["layers"])
        models[name] = {**models[name], "layers": layers}
    return {
        **asked,
        "models": models,
        "units": _together(known["units"], asked["units"]),
        "photos": {**known["photos"], **asked["photos"]},
        "methods": {**known["methods"], **asked["methods"]},
    }


def _together(known: Sequence[str], asked: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*known, *asked]))


def _other(root: Path, what: str, before: object, now: object) -> StoreError:
    return StoreError(
        f"{root}: holds a study in which {what} was {before}, not {now}: give it another name, or "
        "name a new folder"
    )
