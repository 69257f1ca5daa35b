"""Empirical receptive fields: what does this network really look at?

result = erf.probe(model, image, "fc7")     disturb patches, measure how much a unit changes
erf.open(path)                              a saved result
"""

from erf.errors import ErfError, ExportError, LayerError, SettingError, StoreError, UnitError
from erf.geometry import Box, PatchGrid, Target
from erf.layers import Layer, layers
from erf.measures import Measurement, measure
from erf.plan import Plan
from erf.probe import probe, probe_layers
from erf.result import ProbeResult, TheoreticalExtent
from erf.store import open_result as open
from erf.store import save

__all__ = [
    "Box",
    "ErfError",
    "ExportError",
    "Layer",
    "LayerError",
    "Measurement",
    "PatchGrid",
    "Plan",
    "ProbeResult",
    "SettingError",
    "StoreError",
    "Target",
    "TheoreticalExtent",
    "UnitError",
    "layers",
    "measure",
    "open",
    "probe",
    "probe_layers",
    "save",
]
