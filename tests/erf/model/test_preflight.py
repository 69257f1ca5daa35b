"""What is no pure, finite function of one image is found before it is measured."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import erf

IMAGE = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(1))


class Chain(nn.Module):
    """Two convolutions with something between them."""

    def __init__(self, between):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.middle = Middle(between)

    def forward(self, x):
        return self.b(self.middle(torch.relu(self.a(x))))


class Middle(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        return self.function(self, x)


def counting(module, x):
    module.calls += 1
    return x * module.calls


RANDOM = {
    "dropout": lambda m, x: F.dropout(x, 0.5, training=True),
    "dropout2d": lambda m, x: F.dropout2d(x, 0.5, training=True),
    "alpha dropout": lambda m, x: F.alpha_dropout(x, 0.5, training=True),
    "noise": lambda m, x: x + torch.randn_like(x),
    "uniform noise": lambda m, x: x * torch.rand_like(x),
    "fractional pooling": lambda m, x: F.fractional_max_pool2d(x, 2, output_ratio=(0.7, 0.7)),
    "stochastic depth": lambda m, x: torchvision.ops.stochastic_depth(x, 0.5, "row"),
    "rrelu": lambda m, x: F.rrelu(x - 1, training=True),
    "drop block": lambda m, x: torchvision.ops.drop_block2d(x, 0.5, 3),
    "bernoulli": lambda m, x: x * torch.bernoulli(torch.full_like(x, 0.5)),
    "shuffled": lambda m, x: x[:, torch.randperm(8)],
}
COUPLED = {
    "batch norm": lambda m, x: F.batch_norm(x, None, None, training=True),
    "batch mean": lambda m, x: x - x.mean(0, keepdim=True),
    "batch softmax": lambda m, x: x.softmax(0),
    "batch norm over all": lambda m, x: x / x.norm(),
    "batch maximum": lambda m, x: x / x.amax(),
    "rolled batch": lambda m, x: x + x.roll(1, 0),
    "standardised": lambda m, x: (x - x.mean()) / x.std(),
    "one image only": lambda m, x: x.reshape(1, 8, 32, 32),
}


@pytest.mark.parametrize("kind", RANDOM)
def test_a_random_model_is_refused_by_its_first_random_layer(kind):
    with pytest.raises(erf.ModelError, match=r"the model is random: layer 'middle' gives other"):
        erf.probe(Chain(RANDOM[kind]), IMAGE, "b", patch=8)
    with pytest.raises(erf.ModelError, match="layer 'middle'"):
        erf.gradient_field(Chain(RANDOM[kind]), IMAGE, "b")


@pytest.mark.parametrize("kind", ["dropout", "noise", "uniform noise", "bernoulli"])
def test_a_random_model_can_be_taken_with_the_same_numbers_in_every_pass(kind):
    """With one mask for all passes the field of two 3x3 convolutions is 5x5: one patch."""
    model = Chain(RANDOM[kind])
    subject = erf.Subject(model, IMAGE, random="fixed")
    for engine in ("auto", "dense"):
        state = torch.get_rng_state()
        result = subject.probe("b", erf.Noise(patch=8, draws=2, engine=engine), unit=(20, 20))
        assert torch.equal(torch.get_rng_state(), state)
        heard = result.discrepancy > 1e-4 * result.discrepancy.max()
        assert np.argwhere(heard).tolist() == [[2, 2]]
        assert "the model is random (first at layer 'middle')" in " ".join(result.engine.notes)


@pytest.mark.parametrize("kind", COUPLED)
def test_coupled_images_run_alone_and_the_result_says_so(kind):
    """Whatever batch size is asked for, the numbers are those of one image a pass, by hand."""
    model = Chain(COUPLED[kind])
    results = [
        erf.probe(model, IMAGE, "b", patch=16, draws=1, sigma=0.5, engine=engine, batch_size=size)
        for engine, size in (("auto", None), ("dense", 4), ("dense", 1))
    ]
    first = results[0]
    with torch.no_grad():
        clean = model(IMAGE[None])
        noise = torch.from_numpy(
            np.random.Generator(np.random.Philox(key=0, counter=[0, 0, 0, 0])).standard_normal(
                (3, 16, 16), dtype=np.float32
            )
        )
        disturbed = IMAGE.clone()
        disturbed[:, :16, :16] += 0.5 * noise
        expected = float((model(disturbed[None]) - clean)[0, :, 16, 16].norm())
    assert first.discrepancy[0, 0] == pytest.approx(expected, rel=1e-4, abs=1e-6)
    for result in results:
        np.testing.assert_allclose(result.discrepancy, first.discrepancy, rtol=1e-4, atol=1e-6)
        notes = " ".join(result.engine.notes)
        assert "one image a pass" in notes
        alone = "does not take two images" if kind == "one image only" else "influence each other"
        assert alone in notes


def test_buffers_that_a_pass_changes_are_restored():
    model = Chain(counting)
    result = erf.probe(model, IMAGE, "b", patch=8, draws=2, unit=(20, 20), engine="dense")
    assert float(model.middle.calls) == 0
    heard = result.discrepancy > 1e-4 * result.discrepancy.max()
    assert np.argwhere(heard).tolist() == [[2, 2]]
    assert "a pass changes buffers (middle.calls)" in " ".join(result.engine.notes)


def spoil(model, what):
    with torch.no_grad():
        if what == "parameter":
            model.b.weight[0, 0, 0, 0] = float("nan")
        else:
            model.middle.calls.fill_(float("inf"))


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("parameter", r"parameter 'b.weight' has 1 of 576 values that are not finite"),
        ("buffer", r"buffer 'middle.calls' has 1 of 1 values that are not finite"),
    ],
)
def test_weights_that_are_not_finite_are_named(what, words):
    model = Chain(lambda m, x: x)
    spoil(model, what)
    with pytest.raises(erf.ModelError, match=words):
        erf.probe(model, IMAGE, "a", patch=8)


def test_images_and_outputs_that_are_not_finite_are_named():
    image = IMAGE.clone()
    image[0, 3, 3] = float("nan")
    with pytest.raises(erf.ModelError, match=r"image has 1 of 3072 values that are not finite"):
        erf.probe(Chain(lambda m, x: x), image, "b", patch=8)
    with pytest.raises(erf.ModelError, match=r"layer 'middle' is the first that puts out values"):
        erf.probe(Chain(lambda m, x: x.log()), IMAGE, "b", patch=8)


@pytest.mark.parametrize(
    "how",
    [lambda m, x: x.detach(), lambda m, x: x.sign(), lambda m, x: (x > 0.1).float()],
    ids=["detach", "sign", "threshold"],
)
def test_a_gradient_that_is_cut_is_no_deaf_unit(how):
    with pytest.raises(erf.ModelError, match=r"gradient of b@16,16 is zero everywhere, though the"):
        erf.gradient_field(Chain(how), IMAGE, "b")


def test_a_layer_that_is_dead_is_said_to_be():
    model = Chain(lambda m, x: x * 0)
    result = erf.probe(model, IMAGE, "b", patch=8, draws=1)
    assert "layer 'middle'" not in " ".join(result.engine.notes)
    dead = erf.probe(model, IMAGE, "middle", patch=8, draws=1)
    assert "clean output of layer 'middle' is one and the same number" in " ".join(
        dead.engine.notes
    )


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "squeezenet1_1", "vit_b_32"])
def test_a_pure_model_is_called_pure_in_three_passes(name):
    torch.manual_seed(0)
    size = {"image_size": 64} if name.startswith("vit") else {}
    model = torchvision.models.get_model(name, weights=None, **size).eval()
    passes = []  # to the end: how the model takes an image is found before its first layer
    model.register_forward_hook(lambda *_: passes.append(1))
    found = erf.Subject(model, torch.randn(3, 64, 64)).preflight()
    assert (found.random, found.coupled, found.stateful) == (None, None, ())
    assert len(passes) == 3


def test_an_output_of_more_values_than_float32_counts_is_looked_at():
    model = nn.Sequential(nn.Conv2d(1, 64, 1), nn.AdaptiveAvgPool2d(1))
    image = torch.rand(1, 512, 513)  # 64 * 512 * 513 - 1 is odd and above 2**24
    result = erf.probe(model, image, "1", patch=256, stride=256, draws=1, engine="dense")
    assert result.discrepancy.min() > 0
