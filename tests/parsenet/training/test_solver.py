import numpy as np
import pytest
import torch
from torch import nn

from parsenet.errors import TrainingError
from parsenet.training.multipliers import Multipliers, parameter_groups, set_rate
from parsenet.training.schedule import learning_rate
from parsenet.training.solver import CaffeSGD
from parsenet.variants import build


def quadratic(weight: torch.Tensor) -> torch.Tensor:
    """Gradient 3w + 1."""
    return (1.5 * weight**2 + weight).sum()


def descend(make, rates) -> torch.Tensor:
    weight = nn.Parameter(torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))
    optimizer = make([weight])
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        quadratic(weight).backward()
        optimizer.step()
    return weight.detach()


def test_equals_torch_while_the_rate_is_constant():
    rates = [0.05] * 12
    ours = descend(lambda p: CaffeSGD(p, lr=1, momentum=0.9, weight_decay=0.01), rates)
    theirs = descend(lambda p: torch.optim.SGD(p, lr=1, momentum=0.9, weight_decay=0.01), rates)
    torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-15)


def test_differs_from_torch_once_the_rate_changes():
    rates = [0.05] * 5 + [0.0]
    ours = descend(lambda p: CaffeSGD(p, lr=1, momentum=0.9), rates)
    theirs = descend(lambda p: torch.optim.SGD(p, lr=1, momentum=0.9), rates)
    before = descend(lambda p: torch.optim.SGD(p, lr=1, momentum=0.9), rates[:5])
    assert torch.equal(theirs, before)
    assert (ours - before).abs().min() > 1e-3


def test_update_by_hand():
    """w = 1, gradient 4, decay 0.5, rate 0.1: v = 0.1 (4 + 0.5) = 0.45, w = 0.55."""
    weight = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = CaffeSGD([weight], lr=0.1, momentum=0.5, weight_decay=0.5)
    weight.grad = torch.tensor([4.0], dtype=torch.float64)
    optimizer.step()
    assert weight.item() == pytest.approx(0.55, abs=1e-15)
    optimizer.param_groups[0]["lr"] = 0.01
    weight.grad = torch.tensor([2.0], dtype=torch.float64)
    optimizer.step()
    assert weight.item() == pytest.approx(0.55 - (0.5 * 0.45 + 0.01 * (2 + 0.275)), abs=1e-15)


def caffe_in_numpy(model: nn.Module, factors, images, iterations: int, iter_size: int):
    """Return the weights after Caffe's updates in float64; only gradients come from the model."""
    weights = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
    history = {name: np.zeros_like(w) for name, w in weights.items()}
    for iteration in range(iterations):
        rate = 1e-4 * (1 - iteration / 10) ** 0.9
        model.load_state_dict({n: torch.from_numpy(w) for n, w in weights.items()}, strict=False)
        summed = {name: np.zeros_like(w) for name, w in weights.items()}
        for part in range(iter_size):
            model.zero_grad()
            model(images[iteration * iter_size + part][None]).square().mean().backward()
            for name, p in model.named_parameters():
                if p.grad is not None:
                    summed[name] += p.grad.numpy()
        for name, (lr_mult, decay_mult) in factors.items():
            gradient = summed[name] / iter_size + 0.01 * decay_mult * weights[name]
            history[name] = 0.9 * history[name] + rate * lr_mult * gradient
            weights[name] = weights[name] - history[name]
    return weights


@pytest.mark.parametrize("variant", ["parsenet", "fcn32s"])
def test_a_network_follows_caffe_with_multipliers_and_a_falling_rate(variant):
    model = build(variant, classes=3, width=1 / 64, dropout=False).double()
    start = {name: t.clone() for name, t in model.state_dict().items()}
    images = torch.randn(8, 3, 32, 32, dtype=torch.float64) * 0.1
    factors = {
        name: (
            (20 if "score" in name else 2, 0)
            if name.endswith("bias")
            else (10 if "score" in name else 1, 1)
        )
        for name, p in model.named_parameters()
        if p.requires_grad
    }
    if variant == "parsenet":  # the upscore's name has "score" in it, its multipliers are 1 and 2
        factors |= {"upscore.weight": (1, 1), "upscore.bias": (2, 0)}
    expected = caffe_in_numpy(model, factors, images, 4, 2)

    model.load_state_dict(start)
    optimizer = CaffeSGD(parameter_groups(model, Multipliers(), weight_decay=0.01), lr=0)
    for iteration in range(4):
        set_rate(optimizer, learning_rate(iteration, policy="poly", base_lr=1e-4, max_iter=10))
        optimizer.zero_grad()
        for image in images[2 * iteration : 2 * iteration + 2]:
            (model(image[None]).square().mean() / 2).backward()
        optimizer.step()
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(parameter.detach(), expected[name], rtol=1e-11, atol=1e-13)
        if name not in factors or "score" in name:
            assert torch.equal(parameter, start[name]) == (name not in factors), name


def test_multipliers_of_the_released_network():
    model = build("parsenet", classes=3, width=1 / 64)
    groups = parameter_groups(model, Multipliers(), weight_decay=0.0005)
    names = {id(p): name for name, p in model.named_parameters()}
    found = {
        names[id(p)]: (group["lr_mult"], group["weight_decay"])
        for group in groups
        for p in group["params"]
    }
    assert found.keys() == set(names.values())
    assert found["conv1_1.conv.weight"] == (1, 0.0005)
    assert found["conv1_1.conv.bias"] == (2, 0)
    assert found["fc7_norm.gamma"] == (1, 0.0005)
    assert found["pool6_1x1_norm_score.weight"] == (10, 0.0005)
    assert found["pool6_1x1_norm_score.bias"] == (20, 0)
    assert found["upscore.weight"] == (1, 0.0005)
    assert found["upscore.bias"] == (2, 0)


@pytest.mark.parametrize("variant", ["fcn32s", "fcn16s", "fcn8s"])
def test_fixed_deconvolutions_are_in_no_group(variant):
    model = build(variant, classes=3, width=1 / 64)
    groups = parameter_groups(model, Multipliers(), weight_decay=0)
    trained = {id(p) for group in groups for p in group["params"]}
    left = [name for name, p in model.named_parameters() if id(p) not in trained]
    assert left
    assert all(name.startswith("upscore") for name in left)


def test_a_parameter_without_gradient_stays():
    weights = [nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))]
    optimizer = CaffeSGD(weights, lr=0.1, weight_decay=0.1)
    weights[0].grad = torch.ones(1)
    optimizer.step()
    assert weights[1].item() == 1
    assert weights[0].item() < 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"lr": -1.0}, "lr must not be below 0, is -1.0"),
        ({"lr": 1.0, "momentum": 1.0}, "momentum must be below 1, is 1.0"),
        ({"lr": 1.0, "weight_decay": float("nan")}, "weight_decay must not be below 0, is nan"),
    ],
)
def test_errors(values, words):
    with pytest.raises(TrainingError, match=words):
        CaffeSGD([nn.Parameter(torch.ones(1))], **values)
