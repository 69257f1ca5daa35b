"""A probe that grows: the bits of one that does not, places to stop; whom a patch reaches."""

from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn

import erf
from erf.probing import Asked, Growth, foresee, reach
from erf.settings import settings_from_json

IMAGE = torch.randn(3, 31, 37, generator=torch.Generator().manual_seed(3))


def net(channels: int = 6) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, channels, 3, stride=2, padding=1)
    ).eval()


@pytest.mark.parametrize("engine", ["delta", "dense"])
def test_each_look_is_a_probe_of_its_own_to_the_bit(engine):
    subject = erf.Subject(net(), IMAGE)
    settings = erf.Noise(patch=6, stride=3, draws=3, engine=engine)
    for taken, result in enumerate(subject.grow("2", settings, unit=(7, 8)), start=1):
        again = erf.probe(net(), IMAGE, "2", result.settings, unit=(7, 8))
        assert result.draws == len(result.samples) == taken
        assert result.settings.draws == erf.OneByOne(taken)
        for name in ("samples", "discrepancy", "standard_error"):
            found, expected = getattr(result, name), getattr(again, name)
            assert np.array_equal(found, expected, equal_nan=True)
    few = erf.probe(net(), IMAGE, "2", settings, unit=(7, 8), draws=erf.OneByOne(2))
    assert np.array_equal(few.samples, result.samples[:2])
    assert taken == 3


def test_taken_one_by_one_or_together_the_draws_are_the_same_up_to_rounding():
    model = net().double()
    together = erf.probe(model, IMAGE, "2", patch=6, draws=4)
    apart = erf.probe(model, IMAGE, "2", patch=6, draws=erf.OneByOne(4))
    assert apart.samples == pytest.approx(together.samples, rel=1e-9, abs=1e-12)


def test_a_whole_layer_grows_too():
    subject = erf.Subject(net().double(), IMAGE)
    (*_, last) = subject.grow("2", erf.Noise(patch=8, draws=3), unit="all")
    whole = subject.probe("2", erf.Noise(patch=8, draws=3), unit="all")
    assert last.discrepancy == pytest.approx(whole.discrepancy, rel=1e-9, abs=1e-12)


def test_a_draw_left_in_the_middle_leaves_nothing_and_the_model_as_it_was():
    model = net().train()
    subject = erf.Subject(model, IMAGE)
    settings = erf.Noise(patch=6, engine="delta", batch_size=2)
    growth = Growth(subject, Asked("2"), settings)
    steps = growth.draw()
    next(steps)
    assert model.training  # held only while something is computed
    assert not model[0]._forward_hooks
    steps.close()
    assert growth.taken == 0
    with pytest.raises(erf.SettingError, match="a probe without a draw has no result"):
        growth.result()
    assert len(list(growth.draw())) > 1
    expected = subject.probe("2", erf.Noise(patch=6, engine="delta", batch_size=2, draws=1))
    assert np.array_equal(growth.result().samples, expected.samples)


def test_draws_one_by_one_are_kept_with_a_result(tmp_path):
    result = erf.probe(net(), IMAGE, "2", patch=8, draws=erf.OneByOne(2))
    place = erf.save(result, tmp_path / "result.zarr")
    assert erf.open(place).settings == result.settings
    assert settings_from_json(result.settings.to_json()) == result.settings
    with pytest.raises(erf.SettingError, match="draws one by one 0 must be a whole number above 0"):
        erf.OneByOne(0)
    with pytest.raises(erf.SettingError, match="say how many at the most"):
        next(erf.Subject(net(), IMAGE).grow("2", erf.Noise(draws="auto")))


def test_an_interrupted_probe_one_by_one_goes_on(tmp_path):
    settings = erf.Noise(patch=8, draws=erf.OneByOne(2))
    subject = erf.Subject(net(), IMAGE)
    first = subject.probe("2", settings, journal=tmp_path / "journal")
    again = subject.probe("2", settings, journal=tmp_path / "journal")
    assert np.array_equal(first.samples, again.samples)


@pytest.mark.parametrize("channel", [None, 2])
def test_a_patch_reaches_what_its_row_of_the_influence_says(channel):
    subject = erf.Subject(net().double(), IMAGE)
    settings = erf.Noise(patch=8, draws=3)
    whole = subject.probe("2", settings, unit="all", channel=channel)
    (*_, last) = reach(subject, Asked("2", "all", channel), settings, (1, 2))
    assert last == pytest.approx(whole.discrepancy[1, 2], rel=1e-9, abs=1e-12)
    first = next(reach(subject, Asked("2", "all", channel), settings, (1, 2)))
    assert (first != last).any()
    with pytest.raises(erf.UnitError, match="patch 4,0 is outside the grid, which has 4x5 patches"):
        next(reach(subject, Asked("2"), settings, (4, 0)))


def test_a_linear_network_is_foreseen_exactly():
    """Noise in a patch moves a linear unit by the root of its squared weights there, on average."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(3, 2, 15, padding=7)).double()
    subject = erf.Subject(model, IMAGE)
    settings = erf.Noise(patch=6, stride=4)
    field = foresee(subject, Asked("0", (15, 18), 1), settings)
    weights = np.zeros((31, 37))
    weights[8:23, 11:26] = model[0].weight[1].square().sum(dim=0).detach().numpy()
    boxes = subject.probe("0", erf.Noise(patch=6, stride=4, draws=1)).boxes
    truth = np.sqrt([[weights[t:b, left:r].sum() for t, left, b, r in row] for row in boxes])
    assert field == pytest.approx(truth / truth.max(), abs=1e-9)


def test_what_cuts_its_gradient_is_not_foreseen():
    class Cut(nn.Module):
        def forward(self, x):
            return torch.nn.functional.avg_pool2d(x.detach(), 3)

    with pytest.raises(erf.ModelError, match="the model cuts it"):
        foresee(erf.Subject(Cut(), IMAGE), Asked("output"), erf.Noise(patch=6))


def test_nothing_runs_before_it_is_asked_for():
    growing = erf.Subject(net(), IMAGE).grow("2", erf.Noise(patch=6, draws=1000))
    assert [each.draws for each in islice(growing, 2)] == [1, 2]
