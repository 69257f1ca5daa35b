"""How a training is run: where it computes, what it writes and scores. Not what comes out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from parsenet.errors import TrainingError
from parsenet.training.processes import ALONE, Processes
from parsenet.training.scoring import Scoring


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How a training is run; the weights that it ends with do not depend on any of it.

    Attributes:
        processes: which process this is, of how many that train together, and where it computes.
        workers: processes that load images; 0 loads them in between. None: what is usual for
            ``train_into``, and 0 for ``train``, whose data may be unable to travel.
        resume: go on from the folder's last snapshot, or begin if there is none; ``train_into``
            always does.
        snapshot_every: iterations between snapshots; one follows the last in any case. None: what
            is usual, see ``usual_distance``.
        keep: snapshots to keep.
        keep_best: keep that of the highest ``mean_iou`` too, as ``best.safetensors``; the earliest
            of equals.
        scoring: what the model is scored on in between.
        features: where the features of a frozen trunk are kept; None: in the training's folder.
        stop: asked after every iteration; where one process's says yes, a snapshot is written and
            all raise ``Stopped``. None: never; ``train_into`` heeds Ctrl-C and SIGTERM.
        keep_freed_memory: let this process keep what it frees, for good: see the function of that
            name. On CPUs alone.

    Raises:
        TrainingError: if a number is too small, or the best is to be kept of what is not scored.
    """

    processes: Processes = ALONE
    workers: int | None = None
    resume: bool = False
    snapshot_every: int | None = None
    keep: int = 2
    keep_best: bool = False
    scoring: Scoring | None = None
    features: Path | None = None
    stop: Callable[[], bool] | None = None
    keep_freed_memory: bool = False

    def __post_init__(self) -> None:
        for name, least in (("workers", 0), ("snapshot_every", 1), ("keep", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise TrainingError(f"{name} must be at least {least}, is {value}")
        if self.keep_best and self.scoring is None:
            raise TrainingError("the best snapshot cannot be kept of what is not scored")

    def is_stopping(self) -> bool:
        """Say whether a process was asked to stop; all of them must ask this together."""
        wished = self.stop is not None and self.stop()
        return self.processes.sum(float(wished)) > 0


def read_keep(text: str) -> tuple[int, bool]:
    """Return how many of the last snapshots are kept, and whether the best is, of a word.

    Raises:
        TrainingError: if it is neither a number above 0 nor "best", which keeps two and the best.

    Example:
        >>> read_keep("5"), read_keep("best")
        ((5, False), (2, True))
    """
    if text == "best":
        return RunSettings.keep, True
    if not text.isdecimal() or int(text) < 1:
        raise TrainingError(f"keep must be a whole number above 0 or 'best', not {text!r}")
    return int(text), False
