"""Looking at a model: borrowed and returned as found, its layers watched and read as maps.

Specimen    a model and an image on the bench: checked, exported and run clean once
"""

from erf.model.listing import Layer, layers, list_layers, stages
from erf.model.observe import observe_maps, read_map, require_map
from erf.model.origin import describe, hash_image, hash_weights
from erf.model.preflight import Preflight
from erf.model.specimen import Specimen

__all__ = [
    "Layer",
    "Preflight",
    "Specimen",
    "describe",
    "hash_image",
    "hash_weights",
    "layers",
    "list_layers",
    "observe_maps",
    "read_map",
    "require_map",
    "stages",
]
