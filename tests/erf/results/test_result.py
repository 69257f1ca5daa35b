from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import erf
import erf.extend
from erf.stimulus import STIMULI
from strategies.results import gaussian_result

IMAGE = torch.randn(3, 24, 30, generator=torch.Generator().manual_seed(1))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 4, 3, stride=2))


def test_a_result_prints_in_a_few_lines_and_measures_nothing(monkeypatch):
    import erf.measures.measuring as measuring

    def refuse(*_):
        raise AssertionError("printing a result is no reason to fit a Gaussian")

    monkeypatch.setattr(measuring, "gaussian_fit", refuse)
    result = gaussian_result()
    text = repr(result)
    assert text.startswith("UnitResult\n")
    assert len(text.splitlines()) <= 10
    assert str(result.target) in text
    assert f"peak {result.discrepancy.max():.3g}" in text
    assert "array(" not in text


def test_a_notebook_shows_a_table_in_which_names_stay_text():
    name = "<img src=x onerror=alert(1)>"
    shown = replace(gaussian_result(), origin={"model": {"name": name}})._repr_html_()
    assert name not in shown
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown


def test_a_unit_of_a_layer_is_the_result_of_that_unit():
    layer = erf.probe(network(), IMAGE, "2", unit="all", patch=8, stride=5, draws=3)
    assert isinstance(layer, erf.LayerResult)
    assert len(layer.units()) == layer.discrepancy[0, 0].size
    for unit in ((0, 0), (4, 7), (9, 12)):
        cut = layer.unit(unit)
        alone = erf.probe(network(), IMAGE, "2", unit=unit, patch=8, stride=5, draws=3)
        assert isinstance(cut, erf.UnitResult)
        np.testing.assert_allclose(cut.discrepancy, alone.discrepancy, rtol=1e-5)
        np.testing.assert_allclose(cut.standard_error, alone.standard_error, rtol=1e-3, atol=1e-9)
        for name in ("target", "theory", "settings", "draws", "engine", "joint"):
            if name != "engine":
                assert getattr(cut, name) == getattr(alone, name), name
        assert cut.engine.name == alone.engine.name
    with pytest.raises(erf.UnitError, match=r"unit 10,0 is outside layer '2', which has 10x13"):
        layer.unit((10, 0))


@pytest.mark.parametrize(
    "settings",
    [
        erf.Noise(patch=8, draws=3, sigma=(0.1, 0.2, 0.3), seed=7, engine="delta"),
        erf.Noise(patch=6, stride=5, draws=erf.until(0.1, limit=8), stimulus="uniform"),
        erf.Noise(patch=8, stimulus="other", other=IMAGE.flip(-1).numpy(), engine="dense"),
        erf.Occlusion(patch=5, image_index=3),
        erf.Gradient(projections=3, seed=5),
        erf.Gradient(reduce="rectified"),
    ],
    ids=lambda settings: type(settings).__name__,
)
def test_asked_again_with_its_own_settings_a_result_has_the_same_bits(settings, tmp_path):
    subject = erf.Subject(network(), IMAGE)
    result = subject.probe("2", settings, unit="max", channel=1)
    kept = erf.open(erf.save(result, tmp_path / "run.zarr"))
    again = erf.Subject(network(), torch.from_numpy(kept.image)).probe(
        kept.target.layer, kept.settings, unit=kept.target.unit, channel=kept.target.channel
    )
    assert kept.settings == result.settings == settings
    assert np.array_equal(again.discrepancy, result.discrepancy)
    assert np.array_equal(again.samples, result.samples)
    assert result.discrepancy.max() > 0


def test_the_other_image_is_in_the_settings():
    one, two = (erf.Noise(stimulus="other", other=factor * IMAGE, patch=8) for factor in (1.0, 2.0))
    assert one != two
    assert one == erf.Noise(stimulus="other", other=IMAGE.numpy().copy(), patch=8)
    assert one.to_json() != two.to_json()


def test_intervals_hang_on_a_typed_field():
    """The same samples, once as draws of each patch, once as whole maps."""
    result = gaussian_result(draws=8)
    own, joint = (erf.measure(replace(result, joint=each)).interval() for each in (False, True))
    assert own != joint
    words = {"method": "gradient", "engine": {"name": "gradient"}}
    assert erf.measure(replace(result, origin=words)).interval() == own


def test_a_function_of_the_users_is_a_stimulus_known_by_its_source(tmp_path):
    def stripes(canvas, box, rng):
        change = np.zeros_like(canvas.pixels(box))
        change[:, ::2] = rng.normal()
        return change

    result = erf.probe(network(), IMAGE, "2", patch=8, stimulus=stripes, draws=2)
    kept = erf.open(erf.save(result, tmp_path / "run.zarr"))
    assert kept.settings == result.settings
    assert kept.settings.stimulus.name == "stripes"
    assert len(kept.settings.stimulus.source_sha256) == 64
    with pytest.raises(erf.SettingError, match="stimulus 'stripes' was a function of the user's"):
        erf.Subject(network(), IMAGE).probe("2", kept.settings)
    given = replace(kept.settings, stimulus=stripes)
    again = erf.Subject(network(), IMAGE).probe("2", given)
    assert np.array_equal(again.samples, result.samples)

    def other(canvas, box, rng):
        return np.zeros((1, 2, 3))

    with pytest.raises(erf.SettingError, match=r"stimulus 'other' returned shape \(1, 2, 3\)"):
        erf.probe(network(), IMAGE, "2", patch=8, stimulus=other)


def test_a_registered_stimulus_is_known_by_its_source_too(tmp_path):
    """Registered anew with another meaning, the old result's is not taken for it."""

    def stripes(canvas, box, rng):
        return canvas.pixels(box) * 0 + 1

    try:
        erf.extend.stimulus("mine")(stripes)
        result = erf.probe(network(), IMAGE, "2", patch=8, stimulus="mine", draws=1)
        kept = erf.open(erf.save(result, tmp_path / "run.zarr"))
        again = erf.Subject(network(), IMAGE).probe("2", kept.settings)
        assert np.array_equal(again.samples, result.samples)
        erf.extend.stimulus("mine")(lambda canvas, box, rng: canvas.pixels(box) * 0 + 2)
        with pytest.raises(erf.SettingError, match="stimulus 'mine' was a function of the user's"):
            erf.Subject(network(), IMAGE).probe("2", kept.settings)
    finally:
        STIMULI.remove("mine")
    with pytest.raises(erf.SettingError, match="stimulus 'gaussian' is this package's own"):
        erf.extend.stimulus("gaussian")(stripes)


def test_several_results_are_measured_as_they_come():
    results = [gaussian_result(seed=seed, name=f"net {seed}") for seed in (0, 1)]
    alone = [erf.measure(result).area for result in results]
    assert [found.area for found in erf.measure(results)] == alone
    named = erf.measure(dict(zip("ab", results, strict=True)), criterion="peak")
    assert list(named) == ["a", "b"]
    assert named["b"].area == erf.measure(results[1], criterion="peak").area
