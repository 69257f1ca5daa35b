"""Learning rates as pure functions of the iteration, in the policies and names of Caffe."""

from typing import Literal

from parsenet.errors import TrainingError

Policy = Literal["fixed", "poly", "step"]


def learning_rate(
    iteration: int,
    *,
    policy: Policy,
    base_lr: float,
    max_iter: int,
    power: float = 0.9,
    gamma: float = 0.1,
    stepsize: int = 1,
) -> float:
    """Return the rate of iteration 0, 1, ..., ``max_iter - 1``.

    Args:
        iteration: how many updates were made before.
        policy: "fixed" is base_lr; "poly" is base_lr · (1 - iteration / max_iter)^power, which
            ends at 0; "step" is base_lr · gamma^floor(iteration / stepsize).
        base_lr, max_iter, power, gamma, stepsize: as in Caffe's ``solver.prototxt``.

    Raises:
        TrainingError: for an iteration outside the training, or another policy.
    """
    if not 0 <= iteration < max_iter:
        raise TrainingError(f"iteration {iteration} is not one of 0 to {max_iter - 1}")
    if policy == "fixed":
        return base_lr
    if policy == "poly":
        return float(base_lr * (1 - iteration / max_iter) ** power)
    if policy == "step":
        return float(base_lr * gamma ** (iteration // stepsize))
    raise TrainingError(f"lr_policy must be 'fixed', 'poly' or 'step', not {policy!r}")
