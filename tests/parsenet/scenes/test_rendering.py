"""A scene depends on its seed and index alone, and its classes on a cue that its records place."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsenet.errors import SceneError
from parsenet.scenes import CLASSES, CUES, OBJECT_CLASSES, SHAPES, SceneSpec, object_class, render

SMALL = SceneSpec(seed=3, size=160)


def centroid(covered):
    """Centre of the covered pixels, whose own centres lie at halves."""
    return np.argwhere(covered).mean(axis=0) + 0.5


def inside(box):
    top, left, bottom, right = box
    return slice(top, bottom), slice(left, right)


def test_seed_and_index_decide_every_byte_in_any_order():
    forwards = [render(SMALL, index) for index in range(6)]
    backwards = [render(SMALL, index) for index in reversed(range(6))]
    for first, second in zip(forwards, reversed(backwards), strict=True):
        assert first.image.tobytes() == second.image.tobytes()
        assert first.label.tobytes() == second.label.tobytes()
        assert first.objects == second.objects
        assert first.cue == second.cue


def test_other_seeds_and_indices_give_other_scenes():
    keys = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2**40), (2**64 - 1, 0)]
    scenes = {render(replace(SMALL, seed=seed), index).image.tobytes() for seed, index in keys}
    assert len(scenes) == len(keys)


@pytest.mark.parametrize("index", range(12))
def test_the_cue_decides_the_classes_and_changes_nothing_but_itself(index):
    day, night = (render(replace(SMALL, cue=cue), index) for cue in CUES)
    beyond = np.ones(day.label.shape, bool)
    beyond[inside(day.cue_extent)] = False
    assert np.array_equal(day.image[beyond], night.image[beyond])
    assert not np.array_equal(day.image, night.image)
    assert [thing.label + 1 for thing in day.objects] == [thing.label for thing in night.objects]
    assert np.array_equal(night.label, np.where(day.label == 0, 0, day.label + 1))
    changed = (day.image != night.image).any(axis=2)
    assert not changed[np.isin(day.label, OBJECT_CLASSES)].any()


@pytest.mark.parametrize("cue", CUES)
def test_the_cue_is_labelled_where_its_disc_is(cue):
    scene = render(SceneSpec(seed=3, cue=cue), 5)
    covered = scene.label == scene.cue.label
    assert covered.sum() == pytest.approx(np.pi * scene.cue.radius**2, rel=0.02)
    assert np.allclose(centroid(covered), scene.cue.center, atol=0.2)


def test_without_a_forced_cue_each_scene_draws_one_of_two_with_even_odds():
    scenes = [render(replace(SMALL, size=64), index) for index in range(300)]
    nights = sum(scene.cue.label - 1 for scene in scenes)
    assert 110 < nights < 190  # beyond 4.6 standard deviations of a fair coin
    for index, scene in enumerate(scenes[:20]):
        forced = render(replace(SMALL, size=64, cue=CUES[scene.cue.label - 1]), index)
        assert np.array_equal(scene.image, forced.image)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1),
    index=st.integers(0, 2**63),
    size=st.sampled_from([64, 97, 160, 256]),
)
def test_records_agree_with_the_pixels(seed, index, size):
    spec = SceneSpec(seed=seed, size=size)
    scene = render(spec, index)
    assert scene.image.shape == (size, size, 3)
    assert 1 <= len(scene.objects) <= spec.objects[1]
    cue_center = centroid(scene.label == scene.cue.label)
    assert np.allclose(cue_center, scene.cue.center, atol=0.6)
    drawn = np.zeros_like(scene.label)
    for thing in [scene.cue, *scene.objects]:
        covered = scene.label[inside(thing.box)] == thing.label
        assert covered[[0, -1]].any(axis=1).all()
        assert covered[:, [0, -1]].any(axis=0).all()
        drawn[inside(thing.box)] = scene.label[inside(thing.box)]
    assert np.array_equal(drawn, scene.label)


def test_distances_are_those_between_centroids():
    spec = replace(SMALL, size=256, objects=(1, 1))
    for index in range(40):
        scene = render(spec, index)
        (thing,) = scene.objects
        cue, center = centroid(scene.label == scene.cue.label), centroid(scene.label == thing.label)
        assert np.hypot(*(cue - center)) == pytest.approx(thing.cue_distance, abs=1.5)
        assert scene.cue.cue_distance == 0


def test_distances_keep_to_the_range_asked_for_and_fill_it():
    spec = SceneSpec(size=256, distance=(120, 180))
    distances = [thing.cue_distance for index in range(60) for thing in render(spec, index).objects]
    assert 120 <= min(distances) < 125
    assert 175 < max(distances) <= 180
    counts, _ = np.histogram(distances, bins=4, range=(120, 180))
    assert counts.min() > 0.15 * len(distances)


def test_nothing_overlaps():
    for index in range(40):
        scene = render(SceneSpec(objects=(6, 6)), index)
        things = [scene.cue, *scene.objects]
        for i, one in enumerate(things):
            for other in things[:i]:
                apart = np.hypot(*np.subtract(one.center, other.center))
                assert apart >= one.radius + other.radius


def test_every_class_occurs():
    labels = {int(label) for index in range(30) for label in np.unique(render(SMALL, index).label)}
    assert labels == set(range(len(CLASSES)))


def test_classes_are_shapes_under_cues():
    pairs = {object_class(shape, cue) for shape in range(len(SHAPES)) for cue in range(len(CUES))}
    assert pairs == set(OBJECT_CLASSES)
    assert CLASSES[object_class(SHAPES.index("star"), CUES.index("moon"))] == "night star"
    assert CLASSES[object_class(SHAPES.index("leaf"), CUES.index("sun"))] == "day leaf"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": -1}, "seed -1 is outside 0 to 2**64 - 1"),
        ({"size": 63}, "size 63 is no side of a scene, 64 to 4096 pixels"),
        ({"distance": (9, 3)}, "distance 9 to 3 is not a range of pixels"),
        ({"objects": (0, 3)}, "objects 0 to 3 is not a range of at least one object"),
        ({"object_radius": (0.1, 0.3)}, "object_radius 0.1 to 0.3 is outside 0 to 0.25"),
        ({"cue_radius": 0.0}, "cue_radius 0 is outside 0 to 0.25"),
        ({"cue": "lamp"}, "cue 'lamp' is none of sun, moon"),
    ],
)
def test_a_spec_refuses_what_no_scene_can_be(change, words):
    with pytest.raises(SceneError) as caught:
        replace(SMALL, **change)
    assert str(caught.value) == words


def test_a_distance_that_the_image_is_too_small_for_is_refused():
    with pytest.raises(SceneError, match="distance 300 to inf finds no room in scenes of 160 pix"):
        render(replace(SMALL, distance=(300, float("inf"))), 0)
