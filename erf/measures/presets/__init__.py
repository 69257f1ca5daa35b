"""Presets: published measures, exactly as their authors compute them, from one saved raw map.

They are for comparing with published tables. Each says what is wrong with it (``defects``); for
anything else use ``erf.measures.measure``. Every module of this folder is imported here: a preset
is one file with one decorated function.
"""

from importlib import import_module as _import
from pkgutil import iter_modules as _modules_of

from erf.measures.presets.report import PRESETS, PresetReport, preset, register

for _module in _modules_of(__path__):
    _import(f"{__name__}.{_module.name}")
PRESETS.seal()

__all__ = ["PRESETS", "PresetReport", "preset", "register"]
