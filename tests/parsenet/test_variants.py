import pytest

from parsenet import VARIANTS, ModelError, ParseNet, build

OWN = [name for name in VARIANTS if VARIANTS.is_own(name) and name != "backbone"]


@pytest.mark.parametrize("name", OWN)
def test_each_variant_builds_narrow_and_with_batch_norm(name: str) -> None:
    model = build(name, classes=2, width=1 / 64, batch_norm=True, dropout=False)
    assert type(model) is VARIANTS[name].factory
    assert model.training


def test_keywords_reach_the_model() -> None:
    model = build("parsenet", classes=4, width=1 / 64, fusion="early", local=["fc7", "conv5_3"])
    assert isinstance(model, ParseNet)
    assert (model.early, model.local, model.upscore.out_channels) == (True, ("fc7", "conv5_3"), 4)


def test_an_unknown_variant_is_named_beside_the_known_ones() -> None:
    with pytest.raises(ModelError, match="no variant 'unet'; there are parsenet, fcn32s, fcn16s"):
        build("unet")


def test_an_unknown_keyword_is_named_beside_the_known_ones() -> None:
    with pytest.raises(ModelError, match="fcn8s has no keyword 'fusion'; it has classes, width"):
        build("fcn8s", fusion="late")
