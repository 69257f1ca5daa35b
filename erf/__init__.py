"""Empirical receptive fields: what does this network really look at?

result = erf.probe(model, image, "fc7", patch=8)    disturb patches, measure how much a unit changes
subject = erf.Subject(model, image)                 the same, prepared once and asked often
erf.load_model(name), erf.read_photo(path)          somebody's network, a photo
erf.measure(result), erf.compare(...)               how large the field is, and whether two differ
erf.tiling(...), erf.tiled(...)                     tiles that give what the whole image gives
erf.save(result, path), erf.open(path)              keep a result, read it back
erf.run_study(erf.read_plan(path), folder)          many models, layers, units, photos
erf.extend                                          stimuli, sizes, presets, operators of one's own
"""

from importlib.metadata import version as _version
from typing import Any as _Any

from erf.companions import NAMES as _COMPANIONS
from erf.companions import companion as _companion
from erf.errors import (
    ErfError,
    ExportError,
    LayerError,
    ModelError,
    PhotoError,
    SettingError,
    SourceError,
    StoreError,
    TilingError,
    UnitError,
)
from erf.geometry import Box, PatchGrid, Target
from erf.inputs import IMAGE
from erf.measures import (
    Comparison,
    Field,
    Measurement,
    average,
    calibrate,
    compare,
    interior_average,
    measure,
    preset,
    unit_sizes,
)
from erf.model import Layer, layers
from erf.photo import Photo, read_photo
from erf.questions import gradient_field, occlusion_field, probe, probe_layers, probe_units
from erf.results import LayerResult, UnitResult, save
from erf.settings import Gradient, Noise, Occlusion, OneByOne, Until, until
from erf.sources import Init, InputSpace, LoadedModel, load_model, model_names
from erf.study import GrowthProbe, Study, StudyPlan, read_plan, run_study
from erf.study import open_any as open
from erf.subject import Subject
from erf.theoretical import (
    TheoreticalField,
    UnitTheory,
    projective_box,
    theoretical_field,
    theory,
)
from erf.tiles import (
    EnoughMargin,
    MarginCurves,
    Tiling,
    bare_tiling,
    enough_margin,
    margin_curves,
    tiled,
    tiling,
)

__version__ = _version("erf-probe")


def __getattr__(name: str) -> _Any:
    if name in _COMPANIONS:
        return _companion(name)
    raise AttributeError(f"module 'erf' has no attribute {name!r}")


__all__ = [
    "IMAGE",
    "Box",
    "Comparison",
    "EnoughMargin",
    "ErfError",
    "ExportError",
    "Field",
    "Gradient",
    "GrowthProbe",
    "Init",
    "InputSpace",
    "Layer",
    "LayerError",
    "LayerResult",
    "LoadedModel",
    "MarginCurves",
    "Measurement",
    "ModelError",
    "Noise",
    "Occlusion",
    "OneByOne",
    "PatchGrid",
    "Photo",
    "PhotoError",
    "SettingError",
    "SourceError",
    "StoreError",
    "Study",
    "StudyPlan",
    "Subject",
    "Target",
    "TheoreticalField",
    "Tiling",
    "TilingError",
    "UnitError",
    "UnitResult",
    "UnitTheory",
    "Until",
    "average",
    "bare_tiling",
    "calibrate",
    "compare",
    "enough_margin",
    "gradient_field",
    "interior_average",
    "layers",
    "load_model",
    "margin_curves",
    "measure",
    "model_names",
    "occlusion_field",
    "open",
    "preset",
    "probe",
    "probe_layers",
    "probe_units",
    "projective_box",
    "read_photo",
    "read_plan",
    "run_study",
    "save",
    "theoretical_field",
    "theory",
    "tiled",
    "tiling",
    "unit_sizes",
    "until",
]
