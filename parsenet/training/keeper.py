"""Which snapshots of a training are written when, and the best of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parsenet.checkpoint import Description
from parsenet.training.learner import Learner
from parsenet.training.settings import RunSettings
from parsenet.training.snapshot import best_reached, save_best, save_snapshot
from parsenet.training.usual import usual_distance

SCORE = "mean_iou"


@dataclass
class Keeper:
    """Writes the snapshots of one training into its folder.

    Attributes:
        learner: what is snapped.
        folder: where.
        settings: of the training, see ``Snapshot``.
        description: of the network, None where that is not known.
        run: how often, how many, and whether the best is kept.
    """

    learner: Learner
    folder: Path
    settings: Mapping[str, Any]
    description: Description | None
    run: RunSettings
    _best: float | None = field(default=None, init=False)

    def is_due(self) -> bool:
        """Say whether a snapshot follows this iteration."""
        every = self.run.snapshot_every or usual_distance(self.learner.recipe.max_iter)
        iteration = self.learner.iteration
        return iteration == self.learner.recipe.max_iter or iteration % every == 0

    def save(self) -> None:
        """Write a snapshot, and delete the oldest beyond those that are kept."""
        snapshot = self.learner.snapshot(self.settings, self.description)
        save_snapshot(snapshot, self.folder, keep=self.run.keep)

    def compare(self, scores: Mapping[str, float]) -> None:
        """Write the snapshot as the best one if its score is above that of all before.

        A score on other images is not compared: what there is of it gives way.
        """
        if not self.run.keep_best or SCORE not in scores or self.run.scoring is None:
            return
        reached = {"reached": dict(scores), "scored_on": self.run.scoring.words}
        if self._best is None:
            before = best_reached(self.folder)
            same = before.get("scored_on") == reached["scored_on"]
            self._best = before["reached"][SCORE] if same else -1.0
        if scores[SCORE] > self._best:
            self._best = scores[SCORE]
            save_best(self.learner.snapshot(self.settings, self.description, reached), self.folder)
