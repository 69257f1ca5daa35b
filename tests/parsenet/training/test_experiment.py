"""A resolved training: written and read back, and prepared from it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from parsenet import Checkpoint, build, save_checkpoint
from parsenet.datasets import open_dataset
from parsenet.errors import ModelError, TrainingError
from parsenet.input_space import IMAGENET
from parsenet.scenes import CLASSES, INPUT_SPACE, render
from parsenet.training.experiment import Experiment, prepare
from parsenet.training.recipes import named_recipe
from strategies.datasets import write_camvid

NARROW = {"width": 0.0625, "batch_norm": True, "fusion": "late", "local": ("fc7", "conv5_3")}
SCENES = Experiment(options=NARROW, recipe=named_recipe("scenes").override(seed=3), size=64)


@pytest.fixture
def camvid(tmp_path):
    write_camvid(tmp_path, {"train": ["a_1", "a_2", "a_3"], "val": ["b_4"]})
    return replace(SCENES, data="camvid", root=str(tmp_path))


def test_toml_brings_everything_back():
    released = named_recipe("parsenet-release").override(crop=(321, 321), description='a\nb "c" π')
    photos = Experiment(
        variant="fcn32s", options={"width": 0.5}, data="voc2012", root="C:\\data", split="trainaug",
        size=256, init="vgg.pth", recipe=released,
    )  # fmt: skip
    for experiment in (photos, SCENES):
        again = Experiment.from_toml(experiment.to_toml())
        assert again.to_toml() == experiment.to_toml()
        assert again.recipe == experiment.recipe
        assert again.root == experiment.root
    assert Experiment.from_toml(photos.to_toml()) == photos


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b", "configuration is not TOML: "),
        ("variant = 'parsenet'", "configuration lacks recipe"),
        ("speed = 3", "a configuration has no 'speed'; it has variant, options, data"),
        ("size = 'big'", "size must be of type int, not 'big'"),
        ("data = 3", "data must be of type str, not 3"),
        ("recipe = 3", "recipe must be of type dict, not 3"),
        ("[recipe]\nmax_iter = 3", "recipe lacks description, base_lr"),
    ],
)
def test_a_configuration_that_is_none_is_refused(text, words):
    with pytest.raises(TrainingError) as caught:
        Experiment.from_toml(text)
    assert str(caught.value).startswith(words)


def test_scenes_are_prepared_the_same_every_time():
    torch.manual_seed(1)
    one = prepare(SCENES)
    torch.manual_seed(2)
    state = torch.random.get_rng_state()
    two = prepare(Experiment.from_toml(SCENES.to_toml()))
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, tensor in one.model.state_dict().items():
        assert torch.equal(tensor, two.model.state_dict()[name]), name
    assert one.classes == CLASSES
    assert one.input_space == INPUT_SPACE
    assert one.class_weights.shape == (len(CLASSES),)
    assert one.report == ""
    assert np.array_equal(one.data[5][0], render(SCENES.spec, 5).image)
    assert SCENES.spec.seed == 3


def test_another_seed_begins_elsewhere():
    other = replace(SCENES, recipe=named_recipe("scenes").override(seed=4))
    weights = [next(prepare(one).model.parameters()) for one in (SCENES, other)]
    assert not torch.equal(*weights)


def test_photos_are_prepared(camvid):
    prepared = prepare(camvid)
    dataset = open_dataset("camvid", camvid.root, "train")
    assert prepared.classes == dataset.classes
    assert prepared.input_space == IMAGENET
    pixels = np.zeros(256)
    for k in range(3):
        assert np.array_equal(prepared.data[k][0], dataset[k][0])
        pixels += np.bincount(dataset[k][1].ravel(), minlength=256)
    # A weight is one over the root of the class's pixels, up to a factor.
    ratio = prepared.class_weights.numpy() * np.sqrt(np.maximum(pixels[:11], 1))
    assert np.allclose(ratio, ratio[0])
    plain = replace(camvid, recipe=camvid.recipe.override(weigh_classes=False))
    assert prepare(plain).class_weights is None


def test_initial_weights_are_filled_in_and_bring_their_input_space(camvid, tmp_path):
    torch.manual_seed(9)
    trained = build("parsenet", classes=4, width=0.0625, batch_norm=True, fusion="none")
    path = tmp_path / "other.safetensors"
    options = {"width": 0.0625, "batch_norm": True, "fusion": "none"}
    means = (10.0, 20.0, 30.0)
    save_checkpoint(
        Checkpoint("parsenet", options, tuple("abcd"), means, (50.0,) * 3, model=trained), path
    )
    begun = prepare(replace(camvid, init=str(path)))
    assert torch.equal(begun.model.conv1_1.conv.weight, trained.conv1_1.conv.weight)
    assert begun.input_space.mean == means
    assert begun.report.startswith(f"{path}: ")
    # The score layer is of four classes and stays as built.
    assert begun.model.fc7_norm_score.weight.shape[0] == 11


def test_classifiers_begin_at_zero_where_the_recipe_says_so():
    zero = replace(SCENES, recipe=SCENES.recipe.override(classifier_init="zero"))
    assert not prepare(zero).model.fc7_norm_score.weight.any()
    assert prepare(SCENES).model.fc7_norm_score.weight.any()


def test_an_option_that_the_variant_does_not_have_is_refused():
    with pytest.raises(ModelError, match="fcn32s has no keyword 'fusion'"):
        prepare(replace(SCENES, variant="fcn32s", options={"fusion": "late"}))
