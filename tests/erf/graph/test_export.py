"""Exporting: the model stays as it was, the graph computes what it computes, layers are found."""

import operator
from collections import OrderedDict

import pytest
import torch
import torchvision
from hypothesis import HealthCheck, given, settings
from torch import Tensor, nn

from erf.errors import ExportError, LayerError
from erf.graph import BatchSize, export
from strategies.networks import RandomNetwork, networks


class Branching(nn.Module):
    """Puts out a dictionary; calls a module twice; changes tensors in place; ends in a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.relu = nn.ReLU(inplace=True)
        self.pair = Pair()
        self.unused = nn.Conv2d(1, 1, 1)
        self.fc = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.relu(self.conv(x))
        x = self.pair(x)["map"]
        x += 1
        x = self.relu(x)
        return OrderedDict(out=x, score=self.fc(x.mean((2, 3))))


class Pair(nn.Module):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"vector": x.mean((2, 3)), "map": x * 2}


def outputs(model: nn.Module, image: Tensor) -> list[Tensor]:
    with torch.no_grad():
        found = model(image)
    return list(found.values()) if isinstance(found, dict) else [found]


def test_the_model_stays_as_it_was():
    model = Branching().train()
    model.conv.eval()
    model.conv.weight.requires_grad_(False)
    seen: list[str] = []
    model.relu.register_forward_hook(lambda *_: seen.append("hook"))
    modes = [module.training for module in model.modules()]
    hooks = [len(module._forward_hooks) for module in model.modules()]
    values = {name: value.clone() for name, value in model.state_dict().items()}
    export(model, (1, 3, 9, 9))
    assert modes == [module.training for module in model.modules()]
    assert hooks == [len(module._forward_hooks) for module in model.modules()]
    assert [p.requires_grad for p in model.parameters()] == [False] + [True] * 5
    assert all(torch.equal(value, values[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_running_the_graph_is_running_the_model(batch: int):
    model = Branching().eval()
    graph = export(model, (1, 3, 11, 9))
    image = torch.randn(batch, 3, 11, 9)
    for node, truth in zip(graph.outputs, outputs(model, image), strict=True):
        torch.testing.assert_close(graph.run(image, [node])[node], truth, rtol=0, atol=0)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(networks())
def test_running_the_graph_is_running_random_networks(network: RandomNetwork):
    graph = export(network.model, (1, network.channels, *network.image_size))
    image = network.image().expand(3, -1, -1, -1)
    found = graph.run(image, graph.outputs)
    (truth,) = outputs(network.model, image)
    torch.testing.assert_close(found[graph.outputs[0]], truth, rtol=1e-5, atol=1e-5)


def test_layers_are_what_modules_returned_when_they_returned_it():
    model = Branching().eval()
    graph = export(model, (1, 3, 9, 9))
    image = torch.randn(1, 3, 9, 9)
    conv = graph.layer("conv")
    assert conv.op == "aten.conv2d"
    assert torch.equal(graph.run(image, [conv])[conv], outputs(model.conv, image)[0])
    assert len(graph.layers["relu"]) == 2
    first, last = graph.layer("relu#1"), graph.layer("relu")
    assert first.inputs == [conv]
    assert last is graph.outputs[0]
    assert graph.layer("pair").op == "aten.mul"
    assert graph.layer("") is graph.outputs[0]
    assert graph.layer("fc").shape == (2, 2)


def test_constants_are_the_models_own_tensors():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    graph = export(model, (1, 3, 9, 9))
    found = {tensor.data_ptr() for tensor in graph.constants.values()}
    own = {*model.parameters(), *model.buffers()}
    assert found == {tensor.data_ptr() for tensor in own}


def test_arguments_are_named_and_defaults_filled_in():
    graph = export(nn.Conv2d(3, 4, 3, dilation=2), (1, 3, 9, 9))
    arguments = graph.layer("").arguments
    assert arguments["input"] is graph.image
    assert {key: arguments[key] for key in ("stride", "padding", "dilation", "groups")} == {
        "stride": [1, 1],
        "padding": [0, 0],
        "dilation": [2, 2],
        "groups": 1,
    }


def test_sizes_that_follow_the_batch():
    class Folded(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.view(x.shape[0] * 4, 3, -1)

    (node,) = export(Folded(), (1, 12, 5, 5)).outputs
    leading = node.arguments["size"][0]
    assert isinstance(leading, BatchSize)
    assert (leading.at(1), leading.at(7)) == (4, 28)
    assert node.shape == (8, 3, 25)


def test_a_model_that_branches_on_values_cannot_be_exported():
    class Undecided(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.mean() > 0 else -x

    words = r"Undecided cannot be exported for an image of shape \(1, 3, 8, 8\).*method='nan'"
    with pytest.raises(ExportError, match=words):
        export(Undecided(), (1, 3, 8, 8))


def test_a_model_for_other_images_says_so():
    model = torchvision.models.vit_b_16(weights=None)
    with pytest.raises(ExportError, match="Expected 224 but got 64"):
        export(model, (1, 3, 64, 64))


def test_a_batch_of_one_is_kept_where_the_model_insists():
    class Single(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.reshape(1, 3, 8, 8).relu()

    graph = export(Single(), (1, 3, 8, 8))
    assert not graph.any_batch
    assert graph.layer("").layout is not None
    assert graph.layer("").map_size == (8, 8)


@pytest.mark.parametrize("path", ["unused", "conv.weight", "pears"])
def test_layers_that_are_not_there(path: str):
    graph = export(Branching(), (1, 3, 9, 9))
    with pytest.raises(LayerError, match=f"no layer '{path}' is called in the model; there are"):
        graph.layer(path)


def test_calls_that_are_not_there():
    graph = export(Branching(), (1, 3, 9, 9))
    with pytest.raises(LayerError, match="layer 'relu' is called 2 times, so not 3"):
        graph.layer("relu#3")


def test_several_outputs_of_one_operator_are_nodes_of_their_own():
    class Halves(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            first, second = x.split(2, dim=1)
            return first - second

    graph = export(Halves(), (1, 4, 6, 6))
    (node,) = graph.outputs
    assert [part.call.output for part in node.inputs] == [0, 1]
    image = torch.randn(2, 4, 6, 6)
    expected = operator.sub(*image.split(2, dim=1))
    assert torch.equal(graph.run(image, [node])[node], expected)
