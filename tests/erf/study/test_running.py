"""A study in one process: what it measures, what it leaves alone, what it refuses."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray

import erf
from erf.study import StudyMethod, StudyModel, find_results, run_study
from erf.study.status import status
from erf.study.tasks import StudyPhoto
from erf.study.tree import WORK, publish, write_root
from strategies.studies import SPACE, hashes, model, net, photos, plan


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return photos(tmp_path_factory.mktemp("images"), 2)


@pytest.fixture(scope="module")
def done(images: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("studies") / "study"
    outcome = run_study(plan(images, units=("center", "grid:2")), root)
    assert (outcome.done, outcome.failed) == (4, ())
    return root


def test_every_number_is_that_of_the_dense_engine_alone(done: Path, images: tuple[Path, ...]):
    study = erf.open(done)
    assert isinstance(study, erf.Study)
    image = SPACE.tensor(erf.read_photo(images[1]).levels)
    index = StudyPhoto.of(images[1], None).index
    settings = erf.Noise(
        patch=4, draws=2, sigma=SPACE.sigma(25.0), image_index=index, engine="dense"
    )
    for name, seed in (("one", 0), ("other", 1)):
        subject = erf.Subject(net(seed), image, graph=False)
        for layer in ("0", "2"):
            expected = {each.unit: each for each in subject.probe_units(layer, "grid:2", settings)}
            entries = study.select(model=name, layer=layer, unit="grid:2", image="photo1.png")
            assert {each.position for each in entries} == expected.keys()
            for entry in entries:
                samples = expected[entry.position].samples
                np.testing.assert_allclose(entry.open().samples, samples, rtol=1e-3, atol=1e-5)


def test_axes_are_what_was_asked(done: Path):
    study = erf.Study.open(done)
    assert study.axis("model") == ["one", "other"]
    assert study.axis("layer") == ["0", "2"]
    assert study.axis("image") == ["photo0.png", "photo1.png"]
    one = study.select(model="one", layer="2")
    assert sorted(each.position for each in one.select(unit="grid:2", image="photo0.png")) == [
        (6, 6), (6, 18), (18, 6), (18, 18),
    ]  # fmt: skip
    with pytest.raises(erf.SettingError, match="no layer 'conv'; there are 0, 2"):
        study.select(layer="conv")


def test_interior_units_are_spread_over_those_whose_field_is_whole(
    images: tuple[Path, ...], tmp_path: Path
) -> None:
    asked = plan(images[:1], (model("one"),), layers=("2",), units=("interior",))
    run_study(asked, tmp_path / "study")
    found = erf.Study.open(tmp_path / "study")
    # Kernels 5 and 3 read 3 pixels to each side: of 24, units 3 to 20 are inside.
    assert sorted(each.position for each in found) == [
        (row, col) for row in (6, 12, 18) for col in (6, 12, 18)
    ]
    theory = found.entries[0].open().theory
    assert theory.box == theory.unclipped


def test_xarray_opens_the_tree_without_a_word(done: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = xarray.open_datatree(done, engine="zarr", consolidated=False)
    label = StudyPhoto.of(find_photo(done), None).label
    field = tree[f"one/noise/{label}/2/center"].discrepancy
    assert field.dims == ("patch_row", "patch_col")
    assert len([node for node in tree.leaves if "discrepancy" in node]) == len(find_results(done))


def find_photo(root: Path) -> Path:
    result = erf.Study.open(root).entries[0].open()
    path = root.parent / result.image_name
    from PIL import Image

    Image.fromarray(result.picture).save(path)
    return path


def test_more_of_everything_measures_only_what_is_new(
    images: tuple[Path, ...], tmp_path: Path
) -> None:
    root = tmp_path / "study"
    run_study(plan(images[:1], (model("one"),), layers=("0",)), root)
    kept = {path: path.stat().st_mtime_ns for path in find_results(root)}
    larger = plan(images, units=("center", "0,0"))
    assert status(root).missing == 0
    assert run_study(larger, root).done == 4
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert status(root).missing == 0
    assert run_study(larger, root).done == 0
    run_study(larger, tmp_path / "at once")
    one, other = hashes(root), hashes(tmp_path / "at once")
    assert one.keys() == other.keys()
    assert not (root / WORK).exists()


def test_a_kill_between_two_moves_loses_nothing(tmp_path: Path) -> None:
    root, place = tmp_path / "study", "m/noise/photo"
    write_root_at(root)
    with publish(root, place) as folder:
        (folder / "a" / "center").mkdir(parents=True)
    with publish(root, place) as folder:
        (folder / "b" / "center").mkdir(parents=True)
        (folder / "a" / "0,0").mkdir(parents=True)
    inside = root / place
    assert {str(p.relative_to(inside)) for p in inside.glob("*/*")} == {
        "a/center", "a/0,0", "b/center",
    }  # fmt: skip
    assert list((root / WORK).iterdir()) == []


def write_root_at(root: Path) -> None:
    root.mkdir()
    write_root(root, {"models": {}})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"methods": {"noise": StudyMethod(erf.Noise(patch=8, draws=2))}}, "patch of noise was 4"),
        ({"methods": {"noise": StudyMethod(erf.Noise(patch=4, draws=2), 5.0)}}, "sigma of noise"),
        ({"image_size": (16, 16)}, r"image_size was None, not \[16, 16\]"),
        ({"channel": 1}, "channel was None, not 1"),
        ({"models": (model("one", 7),), "units": ("1,1",)}, "was measured with other weights"),
    ],
)
def test_what_was_measured_otherwise_is_refused(
    done: Path, images: tuple[Path, ...], change: dict, words: str
) -> None:
    before = hashes(done)
    with pytest.raises(erf.StoreError, match=words):
        run_study(replace(plan(images), **change), done)
    assert hashes(done) == before


def test_a_place_that_holds_something_else_is_refused(
    images: tuple[Path, ...], tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(erf.StoreError, match="something other than a study"):
        run_study(plan(images), tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_bad_photo_ends_it_unless_skipped(images: tuple[Path, ...], tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no photo")
    asked = plan((*images[:1], bad), (model("one"),))
    with pytest.raises(erf.PhotoError, match=r"bad\.png: is no image that can be read"):
        run_study(asked, tmp_path / "a")
    outcome = run_study(asked, tmp_path / "b", skip_bad=True)
    assert [each["kind"] for each in outcome.failed] == ["skipped"]
    lines = status(tmp_path / "b").lines()
    assert "2 of 4 done, 2 missing, 1 tasks skipped" in lines
    assert any("bad.png" in line for line in lines)


def test_a_task_that_fails_does_not_hold_up_the_others(
    images: tuple[Path, ...], tmp_path: Path
) -> None:
    models = (model("one"), model("other", 1, layers=("nowhere",)))
    outcome = run_study(plan(images[:1], models), tmp_path / "study")
    (failed,) = outcome.failed
    assert failed["kind"] == "failed"
    assert "layer 'nowhere'" in failed["reason"]
    assert status(tmp_path / "study").done == {"one": 2, "other": 0}
    with pytest.raises(erf.ErfError, match=r"nothing was measured: .*'nowhere'"):
        run_study(plan(images[:1], models[1:]), tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_photos_of_the_same_bytes_are_one(images: tuple[Path, ...], tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(images[0].read_bytes())
    run_study(plan((images[0], copy), (model("one"),)), tmp_path / "study")
    assert erf.Study.open(tmp_path / "study").axis("image") == ["photo0.png"]


def test_gradients_are_asked_too(images: tuple[Path, ...], tmp_path: Path) -> None:
    methods = {"gradient": StudyMethod(erf.Gradient(projections=2))}
    run_study(replace(plan(images[:1], (model("one"),)), methods=methods), tmp_path / "study")
    result = erf.Study.open(tmp_path / "study").entries[1].open()
    image = SPACE.tensor(erf.read_photo(images[0]).levels)
    expected = erf.gradient_field(net(), image, "2", erf.Gradient(projections=2))
    np.testing.assert_array_equal(result.samples, expected.samples)


def test_a_thousand_results_are_opened_by_their_attributes_alone(
    done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("erf.study.axes.open_result", None)
    study = erf.Study.open(done)
    assert len(study.to_frame()) == len(study) == len(find_results(done))


def test_a_name_for_two_models_or_none_at_all_is_refused(images: tuple[Path, ...]) -> None:
    with pytest.raises(erf.SettingError, match="model 'one' is named twice"):
        plan(images, (model("one"), model("one", 1)))
    with pytest.raises(erf.SettingError, match="name a layer of one"):
        plan(images, (model("one"),), layers=())
    with pytest.raises(erf.SettingError, match="at least one image"):
        plan(())
    with pytest.raises(erf.UnitError, match="unit 'middle' is none of"):
        plan(images, units=("middle",))


PLAN = """
images = ["photos"]
image_size = 24
layers = ["layer1"]
units = ["center", "grid:3"]
models = ["resnet18", {model = "resnet34", name = "mine", layers = ["layer2"], random = "fixed"}]
[methods.weak]
method = "noise"
patch = 4
draws = {tolerance = 0.1, limit = 8}
sigma = 5
"""


def test_a_plan_is_read(tmp_path: Path) -> None:
    paths = photos(tmp_path / "photos", 2)
    (tmp_path / "plan.toml").write_text(PLAN)
    found = erf.read_plan(tmp_path / "plan.toml")
    assert found.images == paths
    assert found.image_size == (24, 24)
    assert [each.title for each in found.models] == ["resnet18", "mine"]
    assert [found.layers_of(each) for each in found.models] == [("layer1",), ("layer2",)]
    assert found.methods == {
        "weak": StudyMethod(erf.Noise(patch=4, draws=erf.until(0.1, limit=8)), 5.0)
    }


def test_a_plan_names_weights_of_other_layouts(tmp_path: Path) -> None:
    photos(tmp_path / "photos", 1)
    (tmp_path / "fcn.caffemodel").touch()
    said = '{model = "fcn32s", init = "fcn.caffemodel", init_input = "unit"}'
    before = PLAN[PLAN.index("models") : PLAN.index("[methods")]
    (tmp_path / "plan.toml").write_text(PLAN.replace(before, f"models = [{said}]\n"))
    (model,) = erf.read_plan(tmp_path / "plan.toml").models
    assert model.weights == erf.Init(str(tmp_path / "fcn.caffemodel"), "unit")
    assert model.describe()["weights"] == {"file": model.weights.file, "space": "unit"}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("layers =", "layer =", "no key 'layer'; .* did you mean layers"),
        ('"photos"', '"nowhere"', "nowhere: no such file or folder"),
        ("= 24", '= "large"', "image_size 'large' must be a side"),
        ('"fixed"', '"maybe"', "random 'maybe' is neither refuse nor fixed"),
        ("patch = 4", "patch = 0", "patch 0 must be at least 1"),
        ('"noise"', '"guess"', "method 'guess' is none of noise"),
        ("sigma = 5", "sigma = -5", "sigma -5.0 must be positive"),
        ("[methods.weak]", "[methods.weak", "is no plan that can be read"),
    ],
)
def test_a_plan_with_a_mistake_is_refused_by_name(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    photos(tmp_path / "photos", 1)
    (tmp_path / "plan.toml").write_text(PLAN.replace(before, after, 1))
    with pytest.raises(erf.ErfError, match=words):
        erf.read_plan(tmp_path / "plan.toml")


def test_the_root_is_one_group_that_says_what_was_asked(done: Path) -> None:
    found = json.loads((done / "zarr.json").read_text())["attributes"]
    assert found["format"] == "erf-probe study"
    assert found["plan"]["models"]["one"]["layers"] == ["0", "2"]


def test_models_may_be_objects_or_names() -> None:
    assert StudyModel("timm:resnet18").title == "timm:resnet18"
    assert StudyModel("mine.py:build").title == "build"
    assert StudyModel("resnet18", name="mine").title == "mine"
