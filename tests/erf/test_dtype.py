"""Models in other floating types: what runs, what is recorded, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import erf

IMAGE = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3)).eval()


def test_double_precision_agrees_and_leaves_the_model_as_it_was(model):
    one = erf.probe(model, IMAGE, "2", patch=4, draws=2)
    two = erf.probe(model, IMAGE, "2", patch=4, draws=2, dtype="float64")
    np.testing.assert_allclose(one.discrepancy, two.discrepancy, rtol=1e-4)
    assert (one.origin["dtype"], two.origin["dtype"]) == ("float32", "float64")
    assert two.engine.name == "delta"
    assert model[0].weight.dtype == torch.float32


@pytest.mark.parametrize("dtype", ["bfloat16", torch.float16])
def test_half_precision_is_run_as_it_is_and_says_what_is_lost(model, dtype):
    found = erf.probe(model, IMAGE, "2", patch=4, draws=2, sigma=1.0, dtype=dtype)
    expected = erf.probe(model, IMAGE, "2", patch=4, draws=2, sigma=1.0)
    np.testing.assert_allclose(
        found.discrepancy, expected.discrepancy, atol=0.05 * expected.discrepancy.max()
    )
    assert found.origin["dtype"] == str(dtype).removeprefix("torch.")
    assert found.engine.name == "dense"
    assert any("of the activation are lost" in note for note in found.engine.notes)
    with pytest.raises(erf.SettingError, match="'delta' computes in float32 or float64"):
        erf.probe(model, IMAGE, "2", patch=4, engine="delta", dtype=dtype)


def test_a_type_that_is_none(model):
    with pytest.raises(erf.SettingError, match="dtype 'int8' is none of float32, float64"):
        erf.probe(model, IMAGE, "2", dtype="int8")


def test_a_loaded_model_is_placed_and_typed():
    loaded = erf.load_model("squeezenet1_1", device="cpu", dtype="bfloat16")
    assert {p.dtype for p in loaded.model.parameters()} == {torch.bfloat16}
    with pytest.raises(erf.SettingError, match="device nowhere: cannot be used"):
        erf.load_model("squeezenet1_1", device="nowhere")
