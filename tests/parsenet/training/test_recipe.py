import re
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import parsenet.training.recipes
from parsenet.errors import TrainingError
from parsenet.training.recipe import ALLOWED, Recipe, parse_setting
from parsenet.training.recipes import RECIPES, named_recipe

MINIMAL = {
    "description": "none",
    "max_iter": 10,
    "base_lr": 0.1,
    "lr_policy": "fixed",
    "weight_decay": 0,
}


def values(name: str, *keys: str) -> tuple[object, ...]:
    return tuple(getattr(named_recipe(name), key) for key in keys)


def test_every_file_is_on_the_list():
    folder = Path(parsenet.training.recipes.__file__).parent
    assert sorted(path.stem for path in folder.glob("*.toml")) == sorted(
        filter(RECIPES.is_own, RECIPES)
    )


def test_every_value_of_a_recipe_has_a_rule():
    assert [field.name for field in fields(Recipe)] == list(ALLOWED)


@pytest.mark.parametrize("name", list(filter(RECIPES.is_own, RECIPES)))
def test_shipped_recipes_survive_a_round_trip(name):
    shipped = named_recipe(name)
    assert Recipe.from_toml(shipped.to_toml()) == shipped
    assert shipped.rate(0) == shipped.base_lr


def test_the_release():
    """The published solver, and the multipliers of its layers."""
    release = named_recipe("parsenet-release")
    assert (release.base_lr, release.lr_policy, release.power) == (1e-8, "poly", 0.9)
    assert (release.momentum, release.weight_decay) == (0.9, 0.0005)
    assert (release.batch_size, release.iter_size, release.max_iter) == (1, 8, 20000)
    assert (release.bias_lr_mult, release.bias_decay_mult) == (2, 0)
    assert release.classifier_lr_mult == 10
    assert (release.classifier_init, release.loss, release.solver) == ("xavier", "sum", "sgd")
    assert (release.crop, release.scales, release.mirror) == ((), (1, 1), False)
    assert release.images == 8


@pytest.mark.parametrize(("name", "rate"), [("fcn32s", 1e-10), ("fcn16s", 1e-12), ("fcn8s", 1e-14)])
def test_the_fcn_reference(name, rate):
    assert values(name, "base_lr", "lr_policy", "momentum") == (rate, "fixed", 0.99)
    assert values(name, "batch_size", "iter_size", "weight_decay") == (1, 1, 0.0005)
    assert values(name, "max_iter", "classifier_init", "classifier_lr_mult") == (100_000, "zero", 1)


def test_the_baselines_change_one_thing_at_a_time():
    names = ["fcn32s", "baseline-a", "baseline-b", "baseline-c", "baseline-d"]
    changes = []
    for before, after in pairwise(names):
        changes.append(
            {
                field.name
                for field in fields(Recipe)
                if field.name != "description"
                and getattr(named_recipe(before), field.name)
                != getattr(named_recipe(after), field.name)
            }
        )
    assert changes == [
        {"max_iter"},
        {"max_iter"},
        {"classifier_init", "base_lr", "momentum"},
        {"max_iter", "lr_policy"},
    ]


@pytest.mark.parametrize("name", [name for name in RECIPES if name.startswith("baseline")])
def test_what_is_not_verified_says_so(name):
    assert "not verified" in named_recipe(name).description.lower()


def test_overriding():
    changed = named_recipe("fcn32s").override(base_lr=1, crop=[321, 321])
    assert changed.base_lr == 1.0
    assert isinstance(changed.base_lr, float)
    assert changed.crop == (321, 321)
    assert changed.override(base_lr=1e-10, crop=()) == named_recipe("fcn32s")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"learning_rate": 1}, "a recipe has no 'learning_rate'; it has description, max_iter,"),
        ({"max_iter": 0}, "max_iter must be a whole number of at least 1, not 0"),
        ({"max_iter": True}, "max_iter must be a whole number of at least 1, not True"),
        ({"seed": 2**63}, "seed must be a whole number of at least 0, not 9223372036854775808"),
        ({"base_lr": float("nan")}, "base_lr must be a number above 0, not nan"),
        ({"base_lr": 10**400}, "base_lr must be a number above 0, not 10000"),
        ({"momentum": 1}, "momentum must be a number from 0 up to but not 1, not 1.0"),
        ({"lr_policy": "cosine"}, "lr_policy must be one of fixed, poly, step, not 'cosine'"),
        ({"crop": (0, 4)}, "crop must be two whole numbers above 0, rows and cols, or none, not"),
        ({"crop": 321}, "or none, not 321"),
        ({"scales": (2, 0.5)}, "scales must be two numbers above 0, the smaller first, not"),
        ({"mirror": 1}, "mirror must be true or false, not 1"),
        ({"description": 3}, "description must be text, not 3"),
    ],
)
def test_wrong_settings_are_told_in_one_line(settings, words):
    with pytest.raises(TrainingError, match=re.escape(words)) as caught:
        named_recipe("scenes").override(**settings)
    assert "\n" not in str(caught.value)


def test_wrong_recipes():
    with pytest.raises(TrainingError, match="no recipe 'fcn64s'; there are parsenet-release, fcn"):
        named_recipe("fcn64s")
    with pytest.raises(TrainingError, match=r"recipe is not TOML: .*line 1"):
        Recipe.from_toml("max_iter 5")
    with pytest.raises(TrainingError, match="recipe lacks description, base_lr"):
        Recipe.from_toml('max_iter = 5\nlr_policy = "fixed"')


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("base_lr=1e-9", ("base_lr", 1e-9)),
        ("crop=[321, 321]", ("crop", [321, 321])),
        ("loss = mean", ("loss", "mean")),
        ("loss='mean'", ("loss", "mean")),
        ("mirror=true", ("mirror", True)),
    ],
)
def test_settings_as_typed(text, setting):
    assert parse_setting(text) == setting
    named_recipe("scenes").override(**dict([parse_setting(text)]))


def test_a_setting_needs_a_value():
    with pytest.raises(TrainingError, match="a setting is written name=value, not 'mirror'"):
        parse_setting("mirror")


@given(
    rate=st.floats(1e-300, 1e300),
    iterations=st.integers(1, 2**62),
    crop=st.one_of(st.just(()), st.tuples(st.integers(1, 9999), st.integers(1, 9999))),
    text=st.text(st.characters(exclude_categories=["Cs"])),
    switch=st.booleans(),
)
def test_any_recipe_survives_a_round_trip(rate, iterations, crop, text, switch):
    made = Recipe.from_table(
        MINIMAL
        | {
            "base_lr": rate,
            "max_iter": iterations,
            "crop": crop,
            "description": text,
            "mirror": switch,
        }
    )
    assert Recipe.from_toml(made.to_toml()) == made
