"""What a training leaves behind: a checkpoint, and the scores of one that was trained on scenes."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from parsenet.scenes import SceneScores
    from parsenet.training import Experiment, Prepared

# Scenes that a model trained on scenes is scored on; the same for every seed.
SCORED_SCENES = 200
SCORED_SEED = 0


def save_outcome(
    experiment: Experiment, prepared: Prepared, path: Path, command: str, console: Console
) -> None:
    """Score a model of scenes, and write the checkpoint with all that led to it."""
    from cli.training.scene_report import plain_scores, print_scores
    from parsenet.checkpoint import Checkpoint, save_checkpoint

    settings = asdict(experiment)
    trained: dict[str, Any] = {
        "command": command,
        "recipe": settings.pop("recipe"),
        "experiment": settings,
        "software": {name: version(name) for name in ("erf-probe", "torch", "numpy")},
    }
    if experiment.data == "scenes":
        scores = _score(experiment, prepared)
        print_scores(scores, console)
        trained["scores"] = plain_scores(scores)
    space = prepared.input_space
    checkpoint = Checkpoint(
        experiment.variant,
        experiment.options,
        prepared.classes,
        space.mean,
        space.std,
        space.channel_order,
        trained,
        model=prepared.model,
    )
    save_checkpoint(checkpoint, path)


def _score(experiment: Experiment, prepared: Prepared) -> SceneScores:
    from parsenet.scenes import HELD_OUT, SceneSpec, score_scenes

    spec = SceneSpec(seed=SCORED_SEED, size=experiment.size)
    return score_scenes(prepared.model, spec, first=HELD_OUT, scenes=SCORED_SCENES)
