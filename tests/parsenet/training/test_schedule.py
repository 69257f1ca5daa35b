import pytest

from parsenet.errors import TrainingError
from parsenet.training.schedule import learning_rate


def test_fixed_never_changes():
    rates = {
        learning_rate(i, policy="fixed", base_lr=1e-10, max_iter=300_000) for i in (0, 7, 299_999)
    }
    assert rates == {1e-10}


def test_poly_falls_from_the_base_rate_towards_zero():
    """Half way 0.5^0.9 = 0.5358867 remains."""
    rates = [
        learning_rate(i, policy="poly", base_lr=1e-8, max_iter=20_000, power=0.9)
        for i in (0, 10_000, 19_999)
    ]
    assert rates[0] == 1e-8
    assert rates[1] == pytest.approx(5.358867313e-9, rel=1e-9)
    assert rates[2] == pytest.approx(1e-8 * (1 / 20_000) ** 0.9, rel=1e-9)


def test_step_drops_at_every_multiple():
    rates = [
        learning_rate(i, policy="step", base_lr=0.01, max_iter=100, gamma=0.1, stepsize=30)
        for i in (0, 29, 30, 59, 60)
    ]
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.001, 0.0001])


@pytest.mark.parametrize("iteration", [-1, 10])
def test_an_iteration_outside_the_training_is_refused(iteration):
    with pytest.raises(TrainingError, match=f"iteration {iteration} is not one of 0 to 9"):
        learning_rate(iteration, policy="fixed", base_lr=1, max_iter=10)


def test_an_unknown_policy_is_refused():
    with pytest.raises(TrainingError, match=r"lr_policy must be .*, not 'cosine'"):
        learning_rate(0, policy="cosine", base_lr=1, max_iter=10)
