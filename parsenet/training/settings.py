"""How a training is run: where it computes, what it writes and scores. Not what comes out."""

from dataclasses import dataclass

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
        scoring: what the model is scored on in between.
        keep_freed_memory: let this process keep what it frees, for good: see the function of that
            name. On CPUs alone.

    Raises:
        TrainingError: if a number is too small.
    """

    processes: Processes = ALONE
    workers: int | None = None
    resume: bool = False
    snapshot_every: int | None = None
    keep: int = 2
    scoring: Scoring | None = None
    keep_freed_memory: bool = False

    def __post_init__(self) -> None:
        for name, least in (("workers", 0), ("snapshot_every", 1), ("keep", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise TrainingError(f"{name} must be at least {least}, is {value}")
