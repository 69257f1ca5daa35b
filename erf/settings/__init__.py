"""Settings: everything that decides a probe's numbers, one frozen class a method.

Together with the model, the image and the target they decide every number of a result; a result
keeps them (``result.settings``) and can be asked for again with them.
"""

from erf.settings.changes import DisturbanceChanges, GradientChanges, changed
from erf.settings.disturbance import ENGINES, Disturbance, Noise, Occlusion
from erf.settings.draws import OneByOne, Rule, Until, rule_from_json, until
from erf.settings.form import METHODS, Settings, settings_from_json, settings_of
from erf.settings.given import NamedStimulus, OtherImage
from erf.settings.gradient import REDUCTIONS, Gradient
from erf.settings.method import Method

__all__ = [
    "ENGINES",
    "METHODS",
    "REDUCTIONS",
    "Disturbance",
    "DisturbanceChanges",
    "Gradient",
    "GradientChanges",
    "Method",
    "NamedStimulus",
    "Noise",
    "Occlusion",
    "OneByOne",
    "OtherImage",
    "Rule",
    "Settings",
    "Until",
    "changed",
    "rule_from_json",
    "settings_from_json",
    "settings_of",
    "until",
]
