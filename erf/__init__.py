"""Empirical receptive fields: what does this network really look at?

result = erf.probe(model, image, "fc7")     disturb patches, measure how much a unit changes
erf.open(path)                              a saved result
"""

from erf.errors import ErfError, ExportError, LayerError, SettingError, StoreError, UnitError
from erf.geometry import Box, PatchGrid, Target
from erf.gradient import gradient_field
from erf.layers import Layer, layers
from erf.measures import Measurement, average, calibrate, compare, measure, preset
from erf.plan import Plan
from erf.probe import probe, probe_layers, probe_units
from erf.result import LayerTheory, ProbeResult, TheoreticalExtent
from erf.store import open_result as open
from erf.store import save
from erf.theoretical import TheoreticalField, projective_box, theoretical_field, theory

__all__ = [
    "Box",
    "ErfError",
    "ExportError",
    "Layer",
    "LayerError",
    "LayerTheory",
    "Measurement",
    "PatchGrid",
    "Plan",
    "ProbeResult",
    "SettingError",
    "StoreError",
    "Target",
    "TheoreticalExtent",
    "TheoreticalField",
    "UnitError",
    "average",
    "calibrate",
    "compare",
    "gradient_field",
    "layers",
    "measure",
    "open",
    "preset",
    "probe",
    "probe_layers",
    "probe_units",
    "projective_box",
    "save",
    "theoretical_field",
    "theory",
]
