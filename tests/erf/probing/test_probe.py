"""The probe against a loop that does everything by hand, one disturbed image at a time."""

import copy
import threading

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

import erf
from erf.stimulus import generator

IMAGE = torch.randn(3, 30, 37, generator=torch.Generator().manual_seed(1))


class Net(nn.Module):
    """Convolutions, an in-place ReLU, dropout, batch norm, and outputs that are no maps."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.bn = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.conv2 = nn.Conv2d(6, 4, 3, stride=2)
        self.pair = Pair()
        self.idle = nn.Conv2d(1, 1, 1)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        x = self.conv2(self.drop(self.relu(self.bn(self.conv1(x)))))
        a, _ = self.pair(x)
        return self.head(a.mean((2, 3)))


class Pair(nn.Module):
    def forward(self, x):
        return x, x


def by_hand(model, layer, row, col, *, patch, stride, draws, sigma, seed):
    """Mean L2 change of one unit, by the definition."""
    model = copy.deepcopy(model).eval()
    out = {}
    model.get_submodule(layer).register_forward_hook(lambda m, i, o: out.update(x=o.clone()))
    model(IMAGE[None])
    clean = out["x"][0, :, row, col].detach().clone()
    tops = [*range(0, 30 - patch, stride), 30 - patch]
    lefts = [*range(0, 37 - patch, stride), 37 - patch]
    field = np.zeros((len(tops), len(lefts), draws))
    for i, top in enumerate(tops):
        for j, left in enumerate(lefts):
            for draw in range(draws):
                rng = generator(seed, image=0, patch=i * len(lefts) + j, draw=draw)
                noise = rng.standard_normal((3, patch, patch), dtype=np.float32) * np.float32(sigma)
                image = IMAGE.clone()
                image[:, top : top + patch, left : left + patch] += torch.from_numpy(noise)
                model(image[None])
                field[i, j, draw] = (out["x"][0, :, row, col] - clean).norm().item()
    return field


@pytest.mark.parametrize("layer", ["conv1", "bn", "relu", "conv2"])
def test_a_field_is_what_its_definition_says(layer):
    model = Net()
    settings = {"patch": 9, "stride": 7, "draws": 3, "sigma": 0.3, "seed": 11}
    result = erf.probe(model, IMAGE, layer, unit=(6, 5), engine="dense", **settings)
    samples = by_hand(model, layer, 6, 5, **settings)
    assert result.discrepancy == pytest.approx(samples.mean(-1), abs=2e-6)
    assert result.samples == pytest.approx(samples.transpose(2, 0, 1), abs=2e-6)
    error = samples.std(-1, ddof=1) / 3**0.5
    assert result.standard_error == pytest.approx(error, abs=2e-6)
    assert result.discrepancy.dtype == np.float64
    assert result.boxes.shape == (*result.discrepancy.shape, 4)


def test_the_batch_size_does_not_change_the_result():
    model = Net().double()
    fields = [
        erf.probe(model, IMAGE, "conv2", draws=3, engine="dense", batch_size=size).discrepancy
        for size in (1, 4, 1000)
    ]
    assert fields[0] == pytest.approx(fields[1], rel=1e-9)
    assert fields[0] == pytest.approx(fields[2], rel=1e-9)
    assert fields[0].max() > 0


def test_a_channel_is_narrower_than_the_norm():
    model = Net().double()
    settings = {"unit": (4, 4), "draws": 1, "engine": "dense"}
    whole = erf.probe(model, IMAGE, "conv2", **settings).discrepancy
    parts = [erf.probe(model, IMAGE, "conv2", channel=c, **settings) for c in range(4)]
    squares = sum(part.discrepancy**2 for part in parts)
    assert whole == pytest.approx(squares**0.5)
    clean = copy.deepcopy(model).eval()
    with torch.no_grad():
        response = clean.conv2(clean.relu(clean.bn(clean.conv1(IMAGE[None].double()))))[0]
    assert parts[2].activation == pytest.approx(response[2].numpy(), rel=1e-5)


def test_all_units_at_once_equal_one_at_a_time():
    model = Net().double()
    settings = {"patch": 12, "stride": 6, "draws": 4, "engine": "dense"}
    influence = erf.probe(model, IMAGE, "conv2", unit="all", **settings)
    assert isinstance(influence, erf.LayerResult)
    for unit in ((0, 0), (6, 8), (13, 17)):
        one = erf.probe(model, IMAGE, "conv2", unit=unit, **settings)
        assert influence.discrepancy[:, :, *unit] == pytest.approx(one.discrepancy)
        assert influence.standard_error[:, :, *unit] == pytest.approx(one.standard_error, abs=1e-12)


def test_several_layers_in_one_pass_equal_one_at_a_time():
    model = Net().double()
    both = erf.probe_layers(model, IMAGE, ["conv1", "conv2"], draws=2, engine="dense")
    assert list(both) == ["conv1", "conv2"]
    for layer, result in both.items():
        alone = erf.probe(model, IMAGE, layer, draws=2, engine="dense")
        assert result.target == alone.target
        assert result.discrepancy == pytest.approx(alone.discrepancy)


def test_several_units_in_one_pass_equal_one_at_a_time():
    model = Net().double()
    units = [(0, 0), (6, 8)]
    for unit, result in zip(
        units, erf.probe_units(model, IMAGE, "conv2", units, draws=2), strict=True
    ):
        alone = erf.probe(model, IMAGE, "conv2", unit=unit, draws=2, engine="dense")
        assert result.target.unit == unit
        assert result.samples == pytest.approx(alone.samples, rel=1e-9, abs=1e-12)
    with pytest.raises(erf.SettingError, match="must name at least one unit"):
        erf.probe_units(model, IMAGE, "conv2", [])


def test_several_layers_go_on_until_the_last_is_known():
    """A layer of one channel is noisy, one of many is not; in either order."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 64, 7, padding=3), nn.Conv2d(64, 1, 5, padding=2)).double()
    settings = {"unit": (15, 18), "patch": 4, "stride": 4, "draws": erf.until(0.05)}
    alone = [erf.probe(model, IMAGE, layer, **settings).draws for layer in "01"]
    assert alone[0] < alone[1]
    for order in (["0", "1"], ["1", "0"]):
        both = erf.probe_layers(model, IMAGE, order, **settings)
        assert {result.draws for result in both.values()} == {alone[1]}


def test_a_patch_is_blurred_by_half_of_its_side():
    model = nn.Sequential(nn.Identity())
    result = erf.probe(model, IMAGE, "0", unit=(5, 6), patch=10, stride=10, stimulus="blur")
    image = IMAGE.numpy()
    change = ndimage.gaussian_filter(image, (0, 5.0, 5.0))[:, 5, 6] - image[:, 5, 6]
    assert result.discrepancy[0, 0] == pytest.approx(np.linalg.norm(change), rel=1e-5)


def test_automatic_draws_stop_when_the_size_is_known_and_at_the_limit():
    settings = {"patch": 6, "stride": 3, "draws": "auto", "engine": "dense"}
    loose = erf.probe(Net(), IMAGE, "conv2", **settings | {"draws": erf.until(0.5)})
    tight = erf.probe(Net(), IMAGE, "conv2", **settings | {"draws": erf.until(1e-6, limit=12)})
    assert loose.draws == len(loose.samples) == 4
    assert tight.draws == len(tight.samples) == 12
    fixed = erf.probe(Net(), IMAGE, "conv2", **settings | {"draws": 12})
    assert tight.samples == pytest.approx(fixed.samples, abs=1e-6)
    low, high = erf.measure(loose).interval()
    assert (high - low) / 2 <= 0.5 * erf.measure(loose).area


def test_max_is_the_strongest_clean_response():
    model = Net()
    result = erf.probe(model, IMAGE, "conv2", unit="max", channel=1, draws=1, engine="dense")
    assert result.activation[result.target.unit] == result.activation.max()


def test_the_model_comes_back_as_it_was():
    model = Net().train()
    model.bn.eval()
    model.conv1.weight.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    erf.probe(model, IMAGE, "conv2", draws=1, engine="dense")
    erf.layers(model, (30, 37))
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model.conv1.weight.requires_grad
    assert model.conv2.weight.requires_grad
    assert not any(module._forward_hooks for module in model.modules())


def test_the_model_comes_back_even_after_an_error():
    model = Net().train()
    with pytest.raises(erf.LayerError):
        erf.probe(model, IMAGE, "idle", draws=1)
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())


def test_layers_are_listed_as_they_run_with_their_shapes():
    rows = [(layer.name, layer.channels, layer.size) for layer in erf.layers(Net(), (30, 37))]
    assert rows == [
        ("conv1", 6, (30, 37)),
        ("bn", 6, (30, 37)),
        ("relu", 6, (30, 37)),
        ("drop", 6, (30, 37)),
        ("conv2", 4, (14, 18)),
        ("pair[0]", 4, (14, 18)),
        ("head", 2, (1, 1)),
    ]


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("conv3", r"layer 'conv3' is not one of the model's 8 modules; did you mean conv"),
        ("pair[1]", r"layer 'pair\[1\]': no such member; there are pair\[0\]"),
        ("idle", "layer 'idle' does not run"),
    ],
)
def test_layers_without_a_map_are_refused_in_words(layer, words):
    with pytest.raises(erf.LayerError, match=words):
        erf.probe(Net(), IMAGE, layer)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"patch": 31}, r"patch 31 is larger than the image \(30x37\)"),
        ({"draws": 0}, "draws 0 must be at least 1"),
        ({"draws": "many"}, "draws 'many' is neither a number nor 'auto'"),
        ({"draws": "auto", "unit": "all"}, "judges the size of one unit, not of a whole layer"),
        ({"sigma": 0.0}, "sigma 0.0 must be positive"),
        ({"sigma": float("nan")}, "sigma nan must be positive"),
        ({"sigma": (0.1, 0.2)}, "sigma has 2 values for an image of 3 channels"),
        ({"stimulus": "fog"}, "stimulus 'fog' is none of"),
        ({"engine": "warp"}, "engine 'warp' is none of auto, dense, delta"),
        ({"seed": -1}, "seed -1 must lie in"),
        ({"unit": (14, 0)}, r"unit 14,0 is outside layer 'conv2', which has 14x18 units"),
        ({"channel": 4}, r"channel 4 is outside layer 'conv2', which has 4 channels"),
        ({"batch_size": 0}, "batch_size 0 must be at least 1"),
    ],
)
def test_settings_out_of_range_are_refused_in_words(settings, words):
    with pytest.raises(erf.ErfError, match=words):
        erf.probe(Net(), IMAGE, "conv2", **settings)


def test_one_draw_has_no_standard_error():
    result = erf.probe(Net(), IMAGE, "conv1", draws=1, engine="dense")
    assert np.isnan(result.standard_error).all()
    assert np.isfinite(result.discrepancy).all()


def test_two_probes_of_two_models_do_not_meet():
    models, fields = [Net(), Net()], {}

    def run(key):
        settings = {"draws": 2, "engine": "dense"}
        fields[key] = erf.probe(models[key], IMAGE, "conv2", **settings).discrepancy

    threads = [threading.Thread(target=run, args=(key,)) for key in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fields[0].max() > 0.01
    assert fields[0] == pytest.approx(fields[1], abs=1e-6)
