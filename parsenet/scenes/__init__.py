"""Generated scenes in which an object's class hangs on a cue far away from it.

Every scene holds one cue, a sun or a moon, and a few objects: leaves, stars and rings. An object's
class is its shape *and* the cue (``day leaf``, ``night leaf``, ...), while its own pixels and its
surroundings are the same under both. So a network can name the shape from what is near, but the
class only if it listens as far as the cue, whose distance is known for every object.
"""

from parsenet.scenes.hearing import BANDS, Band, SceneScores, cue_accuracy, score_scenes
from parsenet.scenes.rendering import render
from parsenet.scenes.samples import HELD_OUT, INPUT_SPACE, Scenes, class_weights, root_weights
from parsenet.scenes.spec import (
    CLASSES,
    CUES,
    OBJECT_CLASSES,
    SHAPES,
    Extent,
    Scene,
    SceneSpec,
    Thing,
    object_class,
)

__all__ = [
    "BANDS",
    "CLASSES",
    "CUES",
    "HELD_OUT",
    "INPUT_SPACE",
    "OBJECT_CLASSES",
    "SHAPES",
    "Band",
    "Extent",
    "Scene",
    "SceneScores",
    "SceneSpec",
    "Scenes",
    "Thing",
    "class_weights",
    "cue_accuracy",
    "object_class",
    "render",
    "root_weights",
    "score_scenes",
]
