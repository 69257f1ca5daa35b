"""Small random models of other libraries, against the libraries; skipped without them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import erf

IMAGE = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(1))


def probed(loaded: erf.LoadedModel, layer: str) -> erf.UnitResult:
    return erf.probe(loaded.model, IMAGE, layer, patch=16, draws=1)


def test_transformers_of_a_folder_with_and_without_weights(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        image_size=32, patch_size=8,
    )  # fmt: skip
    torch.manual_seed(3)
    truth = transformers.ViTModel(config).eval()
    truth.save_pretrained(tmp_path / "weights")
    config.save_pretrained(tmp_path / "bare")
    trained, bare = (erf.load_model(f"hf:{tmp_path / name}") for name in ("weights", "bare"))
    assert (trained.random, bare.random) == (False, True)
    with torch.no_grad():
        expected = truth(IMAGE[None]).last_hidden_state
        torch.testing.assert_close(trained.model(IMAGE[None]).last_hidden_state, expected)
    result = probed(trained, "layernorm")
    assert result.unit_count == (4, 4)  # without the class token
    torch.testing.assert_close(
        torch.from_numpy(result.activation), expected[0, 1:].norm(dim=-1).reshape(4, 4)
    )


def test_a_model_of_images_and_text_takes_the_image_where_it_goes(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    small |= {"num_attention_heads": 2, "projection_dim": 8}
    config = transformers.CLIPConfig(
        text_config=small | {"vocab_size": 20, "bos_token_id": 0, "eos_token_id": 1},
        vision_config=small | {"image_size": 32, "patch_size": 8},
        projection_dim=8,
    )
    model = transformers.CLIPModel(config).eval()
    words = torch.tensor([[0, 5, 6, 1]])
    result = erf.probe(
        model, IMAGE, "vision_model.encoder", patch=16, draws=1, inputs={"input_ids": words}
    )
    assert result.discrepancy.all()
    assert result.origin["inputs"]["input_ids"]["shape"] == [1, 4]


def test_onnx_is_the_model_it_was_made_of(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnx2torch")
    conv = nn.Conv2d(3, 4, 3, padding=1)
    weight, bias = (each.detach().numpy() for each in (conv.weight, conv.bias))
    tensors = [onnx.numpy_helper.from_array(weight, "w"), onnx.numpy_helper.from_array(bias, "b")]
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w", "b"], ["y"], pads=[1, 1, 1, 1]),
        onnx.helper.make_node("Relu", ["y"], ["z"]),
    ]
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", channels, 32, 32])
        for name, channels in (("x", 3), ("z", 4))
    ]
    graph = onnx.helper.make_graph(nodes, "net", ends[:1], ends[1:], tensors)
    opset = [onnx.helper.make_opsetid("", 13)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset), tmp_path / "net.onnx")
    found = probed(erf.load_model(str(tmp_path / "net.onnx")), "output")
    expected = erf.probe(nn.Sequential(conv, nn.ReLU()), IMAGE, "1", patch=16, draws=1)
    torch.testing.assert_close(*map(torch.from_numpy, (found.discrepancy, expected.discrepancy)))


def test_an_onnx_operator_without_a_converter_is_named(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnx2torch")
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, 8, 8])
        for name in "xy"
    ]
    nodes = [onnx.helper.make_node("Strange", ["x"], ["y"], domain="mine")]
    graph = onnx.helper.make_graph(nodes, "net", ends[:1], ends[1:])
    opsets = [onnx.helper.make_opsetid("", 13), onnx.helper.make_opsetid("mine", 1)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets), tmp_path / "net.onnx")
    with pytest.raises(erf.SourceError, match=r"net\.onnx: cannot be converted: .*Strange"):
        erf.load_model(str(tmp_path / "net.onnx"))


def test_smp_is_the_librarys_own_model() -> None:
    smp = pytest.importorskip("segmentation_models_pytorch")
    loaded = erf.load_model("smp:Unet/resnet18")
    truth = smp.Unet("resnet18", encoder_weights=None).eval()
    assert loaded.random
    assert loaded.model.state_dict().keys() == truth.state_dict().keys()
    assert probed(loaded, "encoder.layer1").discrepancy.any()


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("timm:resnet18", "timm"),
        ("hf:somewhere", "transformers"),
        ("smp:Unet/resnet18", "segmentation_models_pytorch"),
    ],
)
def test_a_library_that_is_not_installed_is_named_in_a_line(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(erf.SourceError, match="pip install"):
        erf.load_model(name)
