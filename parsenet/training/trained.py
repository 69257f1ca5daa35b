"""What a training leaves behind: a checkpoint, and the scores of one that was trained on scenes."""

from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from parsenet.checkpoint import Checkpoint, Description, save_checkpoint
from parsenet.class_colors import KEY, palette_to_keep
from parsenet.datasets import LabelledImages
from parsenet.scenes import HELD_OUT, SceneScores, SceneSpec, score_scenes
from parsenet.training.experiment import Experiment, Prepared
from parsenet.training.scoring import SCORED_SEED

# Scenes that a model trained on scenes is scored on; the same for every seed.
SCORED_SCENES = 200


@dataclass(frozen=True, eq=False)
class Trained:
    """A training that has ended.

    Attributes:
        experiment: what was trained.
        path: the checkpoint's file.
        checkpoint: what the file holds, its model in evaluation mode where it was trained.
        scores: of a model of scenes, on scenes that no training sees; None for photos, and for all
            processes but the first.
    """

    experiment: Experiment
    path: Path
    checkpoint: Checkpoint
    scores: SceneScores | None


def save_trained(
    experiment: Experiment, prepared: Prepared, folder: Path, *, command: str = ""
) -> Trained:
    """Score a model of scenes, and write the checkpoint with all that led to it."""
    scores = _score(experiment, prepared) if experiment.data == "scenes" else None
    trained = describe_trained(experiment, prepared, folder, command=command, scores=scores)
    save_checkpoint(trained.checkpoint, trained.path)
    return trained


def describe_trained(
    experiment: Experiment,
    prepared: Prepared,
    folder: Path,
    *,
    command: str = "",
    scores: SceneScores | None = None,
) -> Trained:
    """Put the checkpoint of a trained model together; nothing is written."""
    description = describe(experiment, prepared, command=command)
    if scores is not None:
        scored = {**description.training, "scores": scores.as_plain()}
        description = replace(description, training=scored)
    checkpoint = Checkpoint(**vars(description), model=prepared.model.eval())
    return Trained(experiment, folder / f"{experiment.name}.safetensors", checkpoint, scores)


def describe(experiment: Experiment, prepared: Prepared, *, command: str = "") -> Description:
    """Return all that a checkpoint says of a model in training, but for how far it is."""
    settings = asdict(experiment)
    training: dict[str, Any] = {"command": command} if command else {}
    training |= {
        "recipe": settings.pop("recipe"),
        "experiment": settings,
        "software": {name: version(name) for name in ("erf-probe", "torch", "numpy")},
    }
    data = prepared.data
    if isinstance(data, LabelledImages) and (colors := palette_to_keep(data)):
        training[KEY] = colors
    space = prepared.input_space
    return Description(
        experiment.variant,
        experiment.options,
        prepared.classes,
        space.mean,
        space.std,
        space.channel_order,
        training,
    )


def _score(experiment: Experiment, prepared: Prepared) -> SceneScores:
    spec = SceneSpec(seed=SCORED_SEED, size=experiment.size)
    return score_scenes(prepared.model, spec, first=HELD_OUT, scenes=SCORED_SCENES)
