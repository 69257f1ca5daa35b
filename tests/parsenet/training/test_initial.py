import torch

from parsenet.training.initial import start_classifiers
from parsenet.variants import build


def scores(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {n: t for n, t in model.named_parameters() if n.startswith("score") and "up" not in n}


def test_zero():
    model = build("fcn16s", classes=3, width=1 / 64)
    before = {name: p.clone() for name, p in model.named_parameters()}
    start_classifiers(model, "zero")
    assert scores(model).keys() == {
        "score_fr.weight",
        "score_fr.bias",
        "score_pool4.weight",
        "score_pool4.bias",
    }
    assert all((p == 0).all() for p in scores(model).values())
    assert all(torch.equal(p, before[n]) for n, p in model.named_parameters() if "score_" not in n)


def test_xavier_is_uniform_with_variance_one_over_inputs():
    model = build("fcn32s", classes=200, width=1 / 8)
    start_classifiers(model, "zero")
    start_classifiers(model, "xavier")
    weight = model.score_fr.weight
    inputs = weight.shape[1]
    assert weight.abs().max() <= (3 / inputs) ** 0.5
    assert abs(weight.var().item() * inputs - 1) < 0.02
    assert (model.score_fr.bias == 0).all()


def test_trained_score_layers_are_left_alone():
    model = build("fcn16s", classes=3, width=1 / 64)
    before = model.score_fr.weight.clone()
    start_classifiers(model, "zero", loaded=["score_fr.weight", "score_fr.bias", "conv1_1.weight"])
    assert torch.equal(model.score_fr.weight, before)
    assert (model.score_pool4.weight == 0).all()
