"""Presets: published measures, exactly as their authors compute them, from one saved raw map.

They are for comparing with published tables. Each says what is wrong with it (``defects``); for
anything else use ``erf.measures.measure``.
"""

from erf.measures.presets.luo import luo
from erf.measures.presets.openerf import openerf
from erf.measures.presets.replknet import replknet
from erf.measures.presets.report import PRESETS, PresetReport, preset
from erf.measures.presets.slak import slak
from erf.measures.presets.vmamba import vmamba
from erf.measures.presets.zhou import zhou

__all__ = [
    "PRESETS",
    "PresetReport",
    "luo",
    "openerf",
    "preset",
    "replknet",
    "slak",
    "vmamba",
    "zhou",
]
