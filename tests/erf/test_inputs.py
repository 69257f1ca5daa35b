"""What a model takes beside the image, and in which form it takes the image."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import erf
from erf.inputs import Inputs

IMAGE = torch.randn(3, 24, 24, generator=torch.Generator().manual_seed(1))
VECTOR = torch.randn(1, 4, generator=torch.Generator().manual_seed(2))
MASK = np.linspace(0, 1, 24 * 24, dtype=np.float32).reshape(1, 1, 24, 24)
NOISE = erf.Noise(patch=6, draws=2, sigma=0.3)


class Two(nn.Module):
    """An image and a vector; a flag and a number beside."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.linear, self.last = nn.Conv2d(3, 8, 3), nn.Linear(4, 8), nn.Tanh()

    def forward(self, x: Tensor, vector: Tensor, on: bool = True, scale: float = 1.0) -> Tensor:
        y = self.conv(x)
        if on:
            y = y + scale * self.linear(vector)[..., None, None]
        return self.last(y)


class Masked(nn.Module):
    """An image joined with a mask, which two images do not share."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.conv(torch.cat([x, mask], 1))


class Batch(nn.Module):
    """A dictionary, as data loaders make it."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.conv, self.channels = nn.Conv2d(channels, 8, 3), channels

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        x = batch["pixel_values"]
        if self.channels == 4:
            x = torch.cat([x, batch["depth"]], 1)
        return {"out": self.conv(x)}


class Stacked(nn.Module):
    """A list of images, as detectors take it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, images: list[Tensor]) -> Tensor:
        return self.conv(torch.stack(images))


class Looped(nn.Module):
    """A list of images, each by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, images: list[Tensor]) -> list[Tensor]:
        assert isinstance(images, list)
        return [self.conv(image) for image in images]


class Words(nn.Module):
    """The image among other things that may be left out, not the first."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, input_ids: Tensor | None = None, pixel_values: Any = None) -> Tensor:
        return self.conv(pixel_values)


class Alone(nn.Module):
    """The same network as one of an image alone: what the others must come to."""

    def __init__(self, conv: nn.Conv2d, then: Callable[[Tensor], Tensor], mask: bool) -> None:
        super().__init__()
        self.conv, self.then, self.mask = conv, then, mask

    def forward(self, x: Tensor) -> Tensor:
        if self.mask:
            x = torch.cat([x, torch.from_numpy(MASK).expand(len(x), -1, -1, -1)], 1)
        return self.then(self.conv(x))


def same(x: Tensor) -> Tensor:
    return x


CASES: list[tuple[nn.Module, str, dict[str, Any]]] = [
    (Two(), "last", {"vector": VECTOR, "scale": 2.5}),
    (Masked(), "conv", {"mask": MASK}),
    (Batch(), "output[out]", {}),
    (Batch(4), "conv", {"depth": MASK}),
    (Batch(4), "conv", {"batch": {"pixel_values": erf.IMAGE, "depth": MASK}}),
    (Stacked(), "conv", {}),
    (Looped(), "conv", {}),
    (Words(), "conv", {}),
]


def alone(model: nn.Module, inputs: dict[str, Any]) -> nn.Module:
    if isinstance(model, Two):
        add = inputs["scale"] * model.linear(VECTOR)[..., None, None].detach()
        return Alone(model.conv, lambda y: torch.tanh(y + add), mask=False)
    return Alone(model.conv, same, mask=model.conv.in_channels == 4)


@pytest.mark.parametrize(("model", "layer", "inputs"), CASES)
def test_a_model_with_its_inputs_is_that_of_the_image_alone(model, layer, inputs):
    expected = erf.probe(alone(model, inputs), IMAGE, "output", NOISE, unit="all", engine="dense")
    # "auto" holds delta to the dense engine on a few patches, so both run.
    found = erf.probe(model, IMAGE, layer, NOISE, unit="all", inputs=inputs)
    np.testing.assert_allclose(found.discrepancy, expected.discrepancy, atol=1e-5)
    assert not model._forward_pre_hooks


@pytest.mark.parametrize(("model", "layer", "inputs"), CASES)
def test_layers_theory_nan_and_gradient_take_them_too(model, layer, inputs):
    names = [each.name for each in erf.layers(model, (24, 24), inputs=inputs)]
    field = erf.theoretical_field(model, layer, image_size=(24, 24), inputs=inputs)
    table = erf.theory(model, image_size=(24, 24), inputs=inputs)
    by_nan = erf.theoretical_field(
        model, "conv", image_size=(24, 24), method="nan", inputs=inputs, channels=3
    )
    assert "conv" in names
    assert field.size == table["conv"].size == by_nan.size == (3, 3)
    gradient = erf.gradient_field(model, IMAGE, layer, inputs=inputs)
    truth = erf.gradient_field(alone(model, inputs), IMAGE, "output")
    np.testing.assert_allclose(gradient.discrepancy, truth.discrepancy, atol=1e-4)


def test_a_result_records_them_so_that_the_same_can_be_asked_again(tmp_path):
    inputs = {"vector": VECTOR, "scale": 2.5, "on": True}
    result = erf.probe(Two(), IMAGE, "last", NOISE, inputs=inputs)
    known = erf.open(erf.save(result, tmp_path / "r.zarr")).origin["inputs"]
    assert known["scale"] == 2.5
    assert known["on"] is True
    assert known["vector"]["shape"] == [1, 4]
    assert known["vector"]["sha256"] == Inputs.of({"v": VECTOR}).describe()["v"]["sha256"]
    assert Inputs.of(inputs).sha256 != Inputs.of(inputs | {"vector": VECTOR + 1}).sha256


def test_other_inputs_are_another_graph():
    model = Two()
    fields = [
        erf.probe(model, IMAGE, "last", NOISE, engine="delta", inputs={"vector": v}).discrepancy
        for v in (VECTOR, 9 * VECTOR)
    ]
    assert not np.allclose(*fields)


@pytest.mark.parametrize(
    ("model", "inputs", "words"),
    [
        (Two(), {}, r"Two needs 'vector' beside the image: give inputs=\{'vector': \.\.\.\}"),
        (Two(), {"vektor": VECTOR}, "needs 'vector' .* takes no 'vektor'"),
        (Two(), {"vector": VECTOR, "more": 1}, "no input 'more' .* takes x, vector, on, scale"),
        (Two(), {"vector": torch.ones(1, 5)}, r"beside vector of shape 1x5: .* layer 'linear'"),
        (Two(), {"vector": VECTOR / 0}, "'vector' has values that are not finite"),
        (Two(), {"vector": object()}, "'vector' is a object, neither a tensor"),
        (Two(), {"vector": np.array(["a"])}, "'vector' holds <U1 values"),
        (Batch(4), {}, "Batch needs 'depth' beside the image"),
    ],
)
def test_a_refusal_names_the_input_in_one_line(model, inputs, words):
    questions = [
        lambda: erf.probe(model, IMAGE, "conv", NOISE, inputs=inputs),
        lambda: erf.layers(model, (24, 24), inputs=inputs),
        lambda: erf.theory(model, image_size=(24, 24), inputs=inputs),
    ]
    for ask in questions:
        with pytest.raises(erf.ErfError, match=words) as caught:
            ask()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (nn.Sequential(nn.Conv2d(1, 4, 3)), "image of 3x24x24 .*'0', takes 1 channel "),
        (nn.Sequential(nn.Conv1d(3, 4, 3)), r"takes signals \(n, channels, length\)"),
        (nn.Sequential(nn.Conv3d(3, 4, 3)), r"takes videos or volumes \(n, channels, frames"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(9, 2)), "in layer '2'"),
    ],
)
@pytest.mark.parametrize(
    "ask",
    [
        lambda model: erf.layers(model, (24, 24)),
        lambda model: erf.theory(model, image_size=(24, 24)),
        lambda model: erf.theoretical_field(model, "0", image_size=(24, 24), method="nan"),
        lambda model: erf.probe(model, IMAGE, "0", NOISE),
        lambda model: erf.gradient_field(model, IMAGE, "0"),
    ],
)
def test_a_model_that_takes_no_such_image_says_so_in_one_line(model, words, ask):
    with pytest.raises(erf.ErfError, match=words) as caught:
        ask(model)
    assert "\n" not in str(caught.value)


def test_scripted_modules_in_a_process_of_their_own():
    """Beside exports of other tests, torch.jit has been seen to call a module's Python again."""
    tests = Path(__file__).with_name("scripted_modules.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
