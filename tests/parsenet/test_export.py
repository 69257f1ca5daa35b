"""Every variant becomes an ATen graph with a free batch size: what theory and engines work on."""

import pytest
import torch

from parsenet import build

MULTI = ("fc7", "conv5_3", "conv4_3", "conv3_3")
CASES = [
    ("fcn32s", {}),
    ("fcn16s", {"batch_norm": True}),
    ("fcn8s", {}),
    ("parsenet", {}),
    ("parsenet", {"fusion": "none", "batch_norm": True}),
    ("parsenet", {"fusion": "early", "local": MULTI}),
    ("parsenet", {"normalize": False, "context": "conv4_3", "stride": 16}),
    ("parsenet", {"stride": 32, "fc6": "full", "local": ("fc7", "conv5_3")}),
]


@pytest.mark.parametrize(("variant", "options"), CASES)
def test_exported_graph_computes_the_model(variant: str, options: dict[str, object]) -> None:
    model = build(variant, classes=3, width=1 / 64, **options).eval()
    image = torch.randn(2, 3, 61, 84)
    batch = torch.export.Dim("batch")
    program = torch.export.export(model, (image,), dynamic_shapes=({0: batch},))
    graph = program.run_decompositions({}).module()
    other = torch.randn(3, 3, 61, 84)
    with torch.no_grad():
        torch.testing.assert_close(graph(other), model(other), rtol=1e-4, atol=1e-5)


def test_layers_of_the_graph_keep_their_names() -> None:
    model = build("parsenet", width=1 / 64, fusion="early", local=("fc7", "conv4_3")).eval()
    program = torch.export.export(model, (torch.zeros(1, 3, 64, 64),))
    paths = {
        path
        for node in program.graph.nodes
        for path, _ in node.meta.get("nn_module_stack", {}).values()
    }
    assert {"conv1_1", "fc7", "fc7.conv", "fc7_norm", "conv4_3_norm", "pool6_1x1"} <= paths
    assert {"pool6_1x1_norm_up", "fusion", "fusion_score", "upscore", "score"} <= paths
