"""A subject is prepared once, however often it is asked."""

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

import erf
import erf.engines.delta.engine
import erf.graph.cache
import erf.model.specimen

IMAGE = torch.randn(3, 128, 128, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def count(monkeypatch):
    """How often the model is exported, a layer analysed, a grid planned."""
    calls = {"export": 0, "analyse": 0, "make_plan": 0}

    def counted(module, name):
        function = getattr(module, name)

        def wrapper(*args, **kwargs):
            calls[name] += 1
            return function(*args, **kwargs)

        monkeypatch.setattr(module, name, wrapper)

    counted(erf.graph.cache, "export")
    counted(erf.model.specimen, "analyse")
    counted(erf.engines.delta.engine, "make_plan")
    return calls


def resnet() -> nn.Module:
    torch.manual_seed(0)
    return torchvision.models.resnet18(weights=None).eval()


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 4, 3, padding=1))


def test_a_grid_of_units_is_one_export_one_analysis_one_plan(count):
    results = erf.probe_units(resnet(), IMAGE, "layer2", "grid:4", draws=1, patch=32)
    assert len(results) == 16
    assert count == {"export": 1, "analyse": 1, "make_plan": 1}


def test_a_journal_makes_no_further_plans(count, tmp_path):
    settings = {"draws": 2, "patch": 8, "stride": 4, "engine": "delta"}
    erf.probe(small(), IMAGE, "2", journal=tmp_path / "journal", **settings)
    assert count["make_plan"] == 1


def test_a_hundred_photos_of_one_size_are_one_export(count):
    model = small()
    photos = torch.randn(100, 3, 24, 24, generator=torch.Generator().manual_seed(2))
    subject = erf.Subject(model, photos[0])
    for photo in photos:
        subject.on(photo).probe("2", erf.Noise(patch=12, draws=1))
    assert count["export"] == 1
    for photo in photos[:3]:
        erf.probe(model, photo, "2", patch=12, draws=1)
    assert count["export"] == 1
    subject.on(torch.randn(3, 24, 30)).theory("2")
    assert count["export"] == 2


def test_all_short_forms_share_the_export(count):
    model = small()
    erf.probe(model, IMAGE, "2", patch=32, draws=1)
    erf.theoretical_field(model, "2", image_size=(128, 128))
    erf.theory(model, image_size=(128, 128))
    erf.layers(model, (128, 128))
    erf.gradient_field(model, IMAGE, "2")
    assert count["export"] == 1


def test_a_model_that_changed_is_exported_anew(count):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.twice = nn.Conv2d(3, 4, 3, padding=1), False

        def forward(self, x):
            x = self.conv(x)
            return x if not self.twice else nn.functional.avg_pool2d(x, 5, 1, 2)

    model = Net()
    sizes = [erf.theoretical_field(model, "", image_size=(32, 32)).size]
    model.twice = True
    sizes.append(erf.theoretical_field(model, "", image_size=(32, 32)).size)
    model.conv.kernel_size, model.conv.weight = (1, 1), nn.Parameter(torch.randn(4, 3, 1, 1))
    model.conv.padding = (0, 0)
    sizes.append(erf.theoretical_field(model, "", image_size=(32, 32)).size)
    assert sizes == [(3, 3), (7, 7), (5, 5)]
    model.double()
    erf.theoretical_field(model, "", image_size=(32, 32))
    assert count["export"] == 4


def test_new_weights_are_seen_by_a_subject_that_was_made_before():
    model = small()
    subject = erf.Subject(model, IMAGE[:, :32, :32])
    settings = erf.Noise(patch=8, draws=1, engine="delta")
    before = subject.probe("2", settings)
    with torch.no_grad():
        model[2].weight.mul_(2)
    after = subject.probe("2", settings)
    np.testing.assert_allclose(after.discrepancy, 2 * before.discrepancy, rtol=1e-5)
    one, two = (each.origin["model"]["weights_sha256"] for each in (before, after))
    assert one != two


def test_the_callers_image_stays_the_callers():
    class Normalising(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)

        def forward(self, x):
            x.sub_(0.5).div_(0.25)
            return self.conv(x)

    torch.manual_seed(0)
    model, image = Normalising(), torch.rand(3, 32, 32)
    kept = image.clone()
    fields = [
        erf.probe(model, image, "conv", patch=8, draws=1, engine=engine, batch_size=batch)
        for engine in ("dense", "delta", "auto")
        for batch in (1, 5)
    ]
    assert torch.equal(image, kept)
    for field in fields[1:]:
        np.testing.assert_allclose(field.discrepancy, fields[0].discrepancy, rtol=1e-4, atol=1e-6)
    # The field scales with the division, whatever was subtracted: a check by hand.
    plain = erf.probe(nn.Sequential(model.conv), image, "0", patch=8, draws=1, engine="delta")
    np.testing.assert_allclose(fields[2].discrepancy, 4 * plain.discrepancy, rtol=1e-4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda m, x: erf.probe(m, x, "2", strid=8),
            "noise has no setting 'strid'; there are patch.* did you mean stride",
        ),
        (lambda m, x: erf.probe_layers(m, x, ["0"], strid=8), "noise has no setting 'strid'"),
        (lambda m, x: erf.gradient_field(m, x, "2", patch=8), "gradient has no setting 'patch'"),
        (lambda m, x: erf.probe(m, x[None], "2"), r"\(1, 3, 32, 32\) must be .* not a batch"),
        (lambda m, x: erf.probe_layers(m, x, []), r"layers \[\] must name at least one layer"),
        (lambda m, x: erf.probe_layers(m, x, ["0", "0"]), "each once"),
        (lambda m, x: erf.Subject(m, x).probe("2", {"patch": 8}), "are none of erf.Noise"),
        (
            lambda m, x: erf.Subject(m, x, photo=erf.Photo(np.zeros((3, 3, 3), np.uint8), "x")),
            "photo of shape",
        ),
        (lambda m, x: erf.Subject(m, x, graph=False).theory("2"), "made without a graph"),
        (lambda m, x: erf.probe(m, x, "2", patch=2.5), "patch 2.5 must be a whole number"),
    ],
)
def test_what_is_wrong_is_said_in_words(call, words):
    with pytest.raises(erf.ErfError, match=words):
        call(small(), IMAGE[:, :32, :32])


def test_the_stride_follows_the_patch():
    model, image = small(), IMAGE[:, :48, :48]
    assert erf.probe(model, image, "2", patch=8, draws=1).settings.stride == 8
    assert erf.probe(model, image, "2", patch=24, draws=1).settings.stride == 24
    assert erf.probe(model, image, "2", patch=24, stride=6, draws=1).settings.stride == 6
    assert erf.probe(model, image, "2", erf.Noise(patch=8, draws=1), patch=24).settings.stride == 24


def test_an_image_may_be_an_array():
    model = small()
    one, two = (erf.probe(model, image, "2", draws=1) for image in (IMAGE, IMAGE.numpy()))
    assert np.array_equal(one.discrepancy, two.discrepancy)
