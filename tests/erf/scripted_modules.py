"""Scripted modules: probed whole, closed within. Run by test_inputs, in a process of its own."""

import numpy as np
import pytest
import torch
from torch import nn

import erf

IMAGE = torch.randn(3, 24, 24, generator=torch.Generator().manual_seed(1))
NOISE = erf.Noise(patch=6, draws=2, sigma=0.3)


@pytest.mark.parametrize("make", [torch.jit.script, lambda m: torch.jit.trace(m, IMAGE[None])])
def test_a_scripted_module_is_probed_dense_and_says_so(make):
    plain = nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU()).eval()
    model = make(plain)
    result = erf.probe(model, IMAGE, "output", NOISE)
    expected = erf.probe(plain, IMAGE, "1", NOISE, engine="dense")
    np.testing.assert_allclose(result.discrepancy, expected.discrepancy, atol=1e-5)
    assert result.engine.name == "dense"
    assert any("scripted" in note for note in result.engine.notes)
    assert [each.name for each in erf.layers(model, (24, 24))] == ["output"]
    with pytest.raises(erf.LayerError, match=r"layer '0'.* scripted"):
        erf.probe(model, IMAGE, "0", NOISE)
    with pytest.raises(erf.ExportError, match="scripted"):
        erf.theory(model, image_size=(24, 24))


def test_a_scripted_part_is_closed_and_the_rest_is_not():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), torch.jit.script(nn.Sequential(nn.ReLU())))
    assert [each.name for each in erf.layers(model, (24, 24))] == ["0", "output"]
    assert erf.probe(model, IMAGE, "0", NOISE).discrepancy.any()
    with pytest.raises(erf.LayerError, match="layer '1' is scripted"):
        erf.probe(model, IMAGE, "1", NOISE)
