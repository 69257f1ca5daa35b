"""What a user adds in one file: a network, a data set, a recipe."""

import numpy as np
import pytest
import torch
from torch import nn

import parsenet
from parsenet import Checkpoint, CheckpointError, DatasetError, ModelError, TrainingError
from parsenet.datasets import DATASETS, open_dataset, register_dataset
from parsenet.errors import ParseNetError
from parsenet.palette import voc_palette
from parsenet.registry import Registry
from parsenet.training.recipes import RECIPES, named_recipe, register_recipe
from parsenet.variants import VARIANTS, build, register_variant
from strategies.registries import registries  # noqa: F401

pytestmark = pytest.mark.usefixtures("registries")


class Ramp(nn.Module):
    """Scores from one convolution and a ramp that is neither parameter nor saved."""

    def __init__(self, *, classes: int, taps: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, classes, taps, padding=taps // 2)
        self.register_buffer("ramp", torch.arange(classes).float(), persistent=False)

    def forward(self, image):
        return self.conv(image) + self.ramp[:, None, None]


class Greys:
    """Two images of one grey each, labelled by it."""

    title, split, classes, palette, names = "greys", "val", ("dark", "pale"), voc_palette(), ("a",)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return np.full((8, 8, 3), 200 * index, np.uint8), np.full((8, 8), index, np.uint8)


def test_a_registered_network_is_built_saved_and_loaded(tmp_path):
    register_variant("ramp")(Ramp)
    torch.manual_seed(0)
    model = build("ramp", classes=2, taps=3).eval()
    assert isinstance(model, Ramp)
    levels = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    checkpoint = Checkpoint("ramp", {"taps": 3}, ("a", "b"), *levels, model=model)
    parsenet.save_checkpoint(checkpoint, tmp_path / "ramp.safetensors")
    torch.manual_seed(1)
    drawn = torch.rand(2)
    torch.manual_seed(1)
    loaded = parsenet.load_checkpoint(tmp_path / "ramp.safetensors")
    assert torch.equal(torch.rand(2), drawn)
    image = torch.rand(1, 3, 8, 8)
    assert torch.equal(loaded.model(image), model(image))


def test_a_checkpoint_of_a_network_that_is_not_registered_says_so(tmp_path, monkeypatch):
    register_variant("ramp")(Ramp)
    levels = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    checkpoint = Checkpoint("ramp", {}, ("a",), *levels, model=build("ramp", classes=1))
    parsenet.save_checkpoint(checkpoint, tmp_path / "ramp.safetensors")
    monkeypatch.delitem(VARIANTS._things, "ramp")
    with pytest.raises(CheckpointError, match="cannot be built: no variant 'ramp'; there are pars"):
        parsenet.load_checkpoint(tmp_path / "ramp.safetensors")


def test_keywords_of_a_registered_network_are_checked():
    register_variant("ramp")(Ramp)
    with pytest.raises(ModelError, match="ramp has no keyword 'width'; it has classes, taps"):
        build("ramp", classes=2, width=1.0)

    @register_variant("anything")
    def anything(**keywords):
        return Ramp(classes=keywords["classes"])

    assert isinstance(build("anything", classes=2, whatever=1), Ramp)


def test_a_network_without_classes_is_refused():
    with pytest.raises(ModelError, match="variant 'fixed' has no keyword 'classes'"):
        register_variant("fixed")(lambda width: nn.Conv2d(3, 2, 1))
    assert "fixed" not in VARIANTS


def test_a_registered_data_set_is_opened(tmp_path):
    @register_dataset("greys", splits=("val",))
    def open_greys(root, split):
        assert (root, split) == (tmp_path, "val")
        return Greys()

    assert len(open_dataset("greys", tmp_path, "val")) == 2
    with pytest.raises(DatasetError, match="greys: no split 'test'; there are val"):
        open_dataset("greys", tmp_path, "test")
    with pytest.raises(DatasetError, match="greys: needs the root folder of its files"):
        open_dataset("greys", None, "val")
    with pytest.raises(DatasetError, match=r"no data set 'grays'; there are voc2012, .*, greys$"):
        open_dataset("grays", None, "val")


def test_a_data_set_without_files_needs_no_root():
    register_dataset("greys", files=False)(lambda root, split: Greys())
    assert open_dataset("greys", None, "val").title == "greys"


def test_a_recipe_of_the_users_own_is_a_file(tmp_path):
    text = 'base = "scenes"\ndescription = "mine"\nmax_iter = 7\n'
    (tmp_path / "mine.toml").write_text(text)
    expected = named_recipe("scenes").override(description="mine", max_iter=7)
    assert named_recipe(tmp_path / "mine.toml") == expected
    register_recipe("mine", tmp_path / "mine.toml")
    assert named_recipe("mine") == expected
    (tmp_path / "yours.toml").write_text('base = "mine.toml"\nseed = 3\n')
    assert named_recipe(str(tmp_path / "yours.toml")) == expected.override(seed=3)
    register_recipe("theirs", expected.override(max_iter=9))
    assert named_recipe("theirs").max_iter == 9


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max_iter = ", "recipe.toml: is not TOML"),
        ("base = 3", "recipe.toml: base must be the name of a recipe, not 3"),
        ('base = "soup"', "no recipe 'soup'; there are parsenet-release"),
        ("max_iter = 3", "recipe lacks description"),
        (None, "recipe.toml: cannot be read"),
    ],
)
def test_a_recipe_file_that_is_none(tmp_path, text, words):
    if text is not None:
        (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(TrainingError, match=words):
        named_recipe(tmp_path / "recipe.toml")


@pytest.mark.parametrize(
    ("registry", "name"), [(VARIANTS, "parsenet"), (DATASETS, "camvid"), (RECIPES, "scenes")]
)
def test_what_is_ours_stays_ours_and_a_name_is_text(registry, name):
    before = registry[name]
    with pytest.raises(ParseNetError, match=f"'{name}' is this package's own: take another name"):
        registry.register(name, None)
    assert registry[name] is before
    for nameless in ("", None):
        with pytest.raises(ParseNetError, match="needs a name, not"):
            registry.register(nameless, before)


def test_a_name_can_be_registered_again():
    registry = Registry("thing", ParseNetError, {"own": 0})
    registry.register("mine", 1)
    registry.register("mine", 2)
    assert dict(registry) == {"own": 0, "mine": 2}
    assert (len(registry), registry.is_own("mine"), registry.is_own("own")) == (2, False, True)
