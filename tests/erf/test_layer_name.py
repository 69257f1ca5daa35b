"""Any output by its name: against the tensors that the modules handed out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import erf
from erf.layer_name import LayerName, tensors_in

IMAGE = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("text", "path", "call", "keys"),
    [
        ("a.b", "a.b", None, ()),
        ("a#2", "a", 2, ()),
        ("a[1]", "a", None, ("1",)),
        ("a#3[out][0]", "a", 3, ("out", "0")),
        ("output", "output", None, ()),
        ("", "", None, ()),
    ],
)
def test_names_are_taken_apart(text: str, path: str, call: int | None, keys: tuple[str]) -> None:
    assert LayerName.parse(text) == LayerName(text, path, call, keys)


def test_calls_are_counted_from_1_on() -> None:
    with pytest.raises(erf.LayerError, match="counted from 1"):
        LayerName.parse("a#0")


class Many(nn.Module):
    """A pool with indices, a head on two scales, a dictionary in the end."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.pool = nn.MaxPool2d(2, return_indices=True)
        self.head = nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, image: Tensor) -> dict[str, Any]:
        fine = self.conv(image)
        coarse, _ = self.pool(fine)
        return {"out": self.head(fine) * 2, "aux": (self.head(coarse), coarse.mean((2, 3)))}


def truth(layer: str) -> Tensor:
    """The map of a layer, by hand."""
    model = Many().eval()
    with torch.no_grad():
        fine = model.conv(IMAGE[None])
        coarse = model.pool(fine)[0]
        return {
            "pool[0]": coarse,
            "head": model.head(coarse),
            "head#2": model.head(coarse),
            "head#1": model.head(fine),
            "output[out]": 2 * model.head(fine),
            "output[aux][0]": model.head(coarse),
            "output[aux][1]": coarse.mean((2, 3))[:, :, None, None],
        }[layer][0]


NAMES = (
    "pool[0]", "head", "head#1", "head#2", "output[out]", "output[aux][0]", "output[aux][1]",
)  # fmt: skip


@pytest.mark.parametrize("graph", [True, False])
@pytest.mark.parametrize("layer", NAMES)
def test_any_output_is_observed(layer: str, graph: bool) -> None:
    subject = erf.Subject(Many(), IMAGE, graph=graph)
    assert torch.equal(subject.observe([layer])[layer], truth(layer))


@pytest.mark.parametrize("layer", NAMES)
def test_any_output_is_probed_alike_by_both_engines(layer: str) -> None:
    subject = erf.Subject(Many(), IMAGE)
    delta, dense = (
        subject.probe(layer, erf.Noise(patch=4, draws=2, engine=engine)).discrepancy
        for engine in ("delta", "dense")
    )
    np.testing.assert_allclose(delta, dense, rtol=1e-4, atol=1e-6)
    assert delta.max() > 0


@pytest.mark.parametrize(("layer", "size"), [("head#1", (5, 5)), ("head", (8, 8))])
def test_theory_of_a_call(layer: str, size: tuple[int, int]) -> None:
    assert erf.theoretical_field(Many(), layer, image_size=(16, 16)).size == size
    probed = erf.theoretical_field(Many(), layer, image_size=(16, 16), method="nan")
    assert probed.size == size


def test_the_table_and_the_list_name_every_member() -> None:
    table = erf.theory(Many(), image_size=(16, 16))
    assert [row.layer for row in table] == [
        *("conv", "pool[0]", "head", "output[out]", "output[aux][1]")
    ]
    listed = [layer.name for layer in erf.layers(Many(), (16, 16))]
    assert listed == ["conv", "pool[0]", "head", "output[out]", "output[aux][1]"]


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("pool", r"puts out a tuple of 2 tensors; name one: pool\[0\], pool\[1\]"),
        ("output", r"puts out a dict of 3 tensors; name one: output\[out\], output\[aux\]\[0\]"),
        ("pool[1]", "puts out int64 numbers, not floating ones"),
        ("pool[2]", "no member '2'; there are 0, 1"),
        ("output[o]", "no member 'o'; there are out, aux"),
        ("conv[0]", "no member '0'; there are none: it is a Tensor"),
        ("head#3", "does not run|is called 2 times, so not 3"),
    ],
)
def test_what_is_not_there(layer: str, words: str) -> None:
    with pytest.raises(erf.LayerError, match=words):
        erf.Subject(Many(), IMAGE).observe([layer])


def test_a_module_called_output_is_that_module() -> None:
    model = nn.Sequential()
    model.add_module("output", nn.Conv2d(3, 2, 3))
    model.add_module("after", nn.Conv2d(2, 1, 3))
    assert erf.theoretical_field(model, "output", image_size=(16, 16)).size == (3, 3)
    assert erf.theoretical_field(model, "", image_size=(16, 16)).size == (5, 5)


def test_tensors_are_named_once_each() -> None:
    tensor = torch.ones(1)
    assert [name for name, _ in tensors_in({"a": tensor, "b": tensor, "c": [tensor * 1]})] == [
        "[a]",
        "[c][0]",
    ]
