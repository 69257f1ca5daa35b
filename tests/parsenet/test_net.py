import pytest
import torch
from torch import Tensor, nn

from parsenet import ModelError, ParseNet

TINY = 1 / 64
MULTI = ("fc7", "conv5_3", "conv4_3", "conv3_3")


def test_released_network_has_the_blobs_of_the_release() -> None:
    with torch.device("meta"):
        state = ParseNet().state_dict()
    heads = {name: (*t.shape,) for name, t in state.items() if not name.startswith("conv")}
    assert heads == {
        "fc6.conv.weight": (1024, 512, 3, 3),
        "fc6.conv.bias": (1024,),
        "fc7.conv.weight": (1024, 1024, 1, 1),
        "fc7.conv.bias": (1024,),
        "fc7_norm.gamma": (1024,),
        "pool6_1x1_norm.gamma": (1024,),
        "fc7_norm_score.weight": (21, 1024, 1, 1),
        "fc7_norm_score.bias": (21,),
        "pool6_1x1_norm_score.weight": (21, 1024, 1, 1),
        "pool6_1x1_norm_score.bias": (21,),
        "upscore.weight": (21, 1, 16, 16),
        "upscore.bias": (21,),
    }


def test_released_network_has_the_geometry_of_the_release() -> None:
    with torch.device("meta"):
        net = ParseNet()
    pools = [(p.kernel_size, p.stride, p.padding) for p in (net.pool3, net.pool4, net.pool5)]
    assert pools == [(2, 2, 0), (3, 1, 1), (3, 1, 1)]
    assert (net.conv5_2.conv.dilation, net.conv5_2.conv.padding) == ((2, 2), (2, 2))
    assert (net.fc6.conv.dilation, net.fc6.conv.padding) == ((12, 12), (12, 12))
    assert (net.upscore.stride, net.upscore.padding, net.upscore.groups) == ((8, 8), (4, 4), 21)
    rates = {n: m.p for n, m in net.named_modules() if isinstance(m, nn.Dropout)}
    assert rates == {"fc6.dropout": 0.5, "fc7.dropout": 0.5, "pool6_1x1_norm_drop": 0.3}


@pytest.mark.parametrize(
    ("size", "fine", "coarse"), [(500, 63, 504), (321, 41, 328), (256, 32, 256)]
)
def test_sizes_along_the_released_network(size: int, fine: int, coarse: int) -> None:
    seen = record(net := ParseNet(classes=3, width=TINY), "fc7", "pool6_1x1", "upscore")
    score = net(torch.zeros(1, 3, size, size))
    assert [seen[name].shape[-1] for name in ("fc7", "pool6_1x1", "upscore")] == [fine, 1, coarse]
    assert score.shape == (1, 3, size, size)


def test_full_network_of_stride_32_has_the_sizes_of_its_release() -> None:
    net = ParseNet(classes=3, width=TINY, stride=32, fc6="full")
    assert (net.fc6.conv.padding, net.upscore.stride) == ((4, 4), (32, 32))
    seen = record(net, "fc7")
    assert net(torch.zeros(1, 3, 500, 375)).shape == (1, 3, 500, 375)
    assert seen["fc7"].shape[-2:] == (18, 14)


def test_context_is_the_mean_of_fc7_after_its_dropout() -> None:
    seen = record(net := ParseNet(width=TINY).train(), "fc7", "fc7.relu", "pool6_1x1")
    net(torch.randn(1, 3, 64, 64))
    assert not torch.equal(seen["fc7"], seen["fc7.relu"])
    torch.testing.assert_close(seen["pool6_1x1"], seen["fc7"].mean((2, 3), keepdim=True))


def test_late_fusion_is_the_sum_of_two_scores() -> None:
    net = ParseNet(classes=3, width=TINY).eval()
    seen = record(net, "fc7_norm_score", "pool6_1x1_norm_score", "fusion")
    net(torch.randn(2, 3, 64, 48))
    assert seen["fusion"].shape == (2, 3, 8, 6)
    torch.testing.assert_close(
        seen["fusion"], seen["fc7_norm_score"] + seen["pool6_1x1_norm_score"].expand(2, 3, 8, 6)
    )


def test_early_fusion_lays_the_context_beside_every_position() -> None:
    net = ParseNet(width=1 / 16, fusion="early").eval()
    seen = record(net, "fc7_norm", "pool6_1x1_norm", "fusion")
    net(torch.randn(1, 3, 64, 48))
    assert torch.equal(seen["fusion"][:, :64], seen["fc7_norm"])
    assert torch.equal(seen["fusion"][:, 64:, 3, 5], seen["pool6_1x1_norm"][:, :, 0, 0])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"normalize": False},
        {"local": MULTI},
        {"local": ("conv4_3",), "context": "conv5_3"},
        {"local": ("fc7", "conv5_3"), "context": None},
        {"local": MULTI, "stride": 32, "fc6": "full"},
        {"local": ("conv3_3", "fc7"), "stride": 16, "batch_norm": True},
    ],
)
def test_early_and_late_fusion_are_one_function(options: dict[str, object]) -> None:
    late = ParseNet(classes=3, width=1 / 32, fusion="late", **options).double().eval()
    early = ParseNet(classes=3, width=1 / 32, fusion="early", **options).double().eval()
    randomise_scales(late)
    early.load_state_dict(early_state(late))
    image = torch.randn(2, 3, 77, 90, dtype=torch.float64)
    with torch.no_grad():
        expected = late(image)
        assert expected.shape == (2, 3, 77, 90)
        torch.testing.assert_close(early(image), expected, rtol=1e-9, atol=1e-9)


def early_state(late: ParseNet) -> dict[str, Tensor]:
    """Move the score layers of late fusion side by side into the one of early fusion."""
    state = late.state_dict()
    names = [step for branch in late.branches for step in branch.steps if step.endswith("_score")]
    weights = [state.pop(f"{name}.weight") for name in names]
    biases = [state.pop(f"{name}.bias") for name in names]
    state["fusion_score.weight"] = torch.cat(weights, dim=1)
    state["fusion_score.bias"] = torch.stack(biases).sum(0)
    return state


def randomise_scales(net: ParseNet) -> None:
    """Give scales and biases values that are not all alike."""
    for name, parameter in net.named_parameters():
        if name.endswith(("gamma", "bias")):
            nn.init.uniform_(parameter, 0.5, 2)


def test_coarser_features_are_laid_over_the_finest_where_they_belong() -> None:
    """A unit of fc7 covers 2x2 units of conv3_3: interpolated, it peaks on these."""
    net = ParseNet(width=TINY, fusion="early", normalize=False, local=("fc7", "conv3_3")).eval()
    seen = record(net, "fc7_up")
    net.fc7.register_forward_hook(lambda _module, _inputs, out: impulse(out, row=3, col=5))
    net(torch.zeros(1, 3, 64, 64))
    field = seen["fc7_up"][0, 0]
    assert field.shape == (16, 16)
    assert (field == field.max()).nonzero().tolist() == [[6, 10], [6, 11], [7, 10], [7, 11]]


def impulse(like: Tensor, *, row: int, col: int) -> Tensor:
    out = torch.zeros_like(like)
    out[..., row, col] = 1
    return out


@pytest.mark.parametrize("normalize", [True, False])
def test_baseline_hears_no_context(normalize: bool) -> None:
    net = ParseNet(width=TINY, fusion="none", normalize=normalize)
    names = {name for name, _ in net.named_children()}
    assert not any(name.startswith("pool6") for name in names)
    assert ("fc7_norm" in names) == normalize
    assert net(torch.zeros(1, 3, 33, 47)).shape == (1, 21, 33, 47)


def test_context_can_come_from_any_layer() -> None:
    net = ParseNet(width=TINY, context="pool3").eval()
    seen = record(net, "pool3", "pool6_1x1")
    net(torch.randn(1, 3, 64, 64))
    torch.testing.assert_close(seen["pool6_1x1"], seen["pool3"].mean((2, 3), keepdim=True))


def test_every_feature_starts_with_the_same_norm() -> None:
    net = ParseNet(width=1 / 8, local=MULTI).eval()
    names = [f"{name}_norm" for name in (*MULTI, "pool6_1x1")]
    seen = record(net, *names)
    net(torch.randn(1, 3, 64, 64))
    for name in names:
        norms = seen[name].norm(dim=1)
        torch.testing.assert_close(norms, torch.full_like(norms, 10.0))


def record(net: nn.Module, *names: str) -> dict[str, Tensor]:
    seen: dict[str, Tensor] = {}
    for name in names:
        net.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, out, name=name: seen.__setitem__(name, out.detach())
        )
    return seen


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fusion": "mid"}, "fusion must be one of .*, not 'mid'"),
        ({"local": ()}, r"local must name some of .*, each once, not \(\)"),
        ({"local": ("fc7", "fc7")}, "each once, not"),
        ({"local": ("pool3",)}, "local must name some of"),
        ({"local": "fc7"}, "local must name some of"),
        ({"context": "conv9"}, "context must be one of .*, not 'conv9'"),
        ({"fusion": "none", "local": ("fc7", "conv5_3")}, "takes one local feature, not 2"),
        ({"fusion": "late", "context": None}, "needs a context or a second local feature"),
        ({"classes": 0}, "classes must be a whole number above 0, not 0"),
        ({"scale": float("inf")}, "scale must be a finite number, not inf"),
    ],
)
def test_networks_that_do_not_exist_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        ParseNet(width=TINY, **options)
