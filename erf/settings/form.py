"""All methods by name, and settings read back from JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from erf.errors import SettingError
from erf.settings.disturbance import Disturbance, Noise, Occlusion
from erf.settings.draws import rule_from_json
from erf.settings.given import NamedStimulus
from erf.settings.gradient import Gradient

Settings = Disturbance | Gradient
METHODS: dict[str, type[Noise | Occlusion | Gradient]] = {
    each.method: each for each in (Noise, Occlusion, Gradient)
}


def settings_of(method: str, values: Mapping[str, Any], asked: Collection[str] = ()) -> Settings:
    """The settings of a method out of values of which it may not have all.

    Args:
        method: its name.
        values: by the names of fields; what the method does not have is left out.
        asked: the names of those that a person gave.

    Raises:
        SettingError: when a person gave one that the method does not have, or one is out of range.

    Example:
        >>> settings_of("gradient", {"projections": 4, "patch": 8}).projections
        4
    """
    kind = METHODS[method]
    known = {each.name for each in fields(kind)}
    for name in asked:
        if name not in known:
            raise SettingError(f"--{name.replace('_', '-')} has no meaning with --method {method}")
    return kind(**{name: value for name, value in values.items() if name in known})


def settings_from_json(values: Mapping[str, Any]) -> Settings:
    """The settings that `Method.to_json` wrote; the pixels of an ``other`` image are kept apart.

    Raises:
        SettingError: for an unknown method or a field that is out of range.
    """
    values = dict(values)
    kind = METHODS.get(values.pop("method", ""))
    if kind is None:
        raise SettingError(f"method is none of {', '.join(METHODS)}")
    if "draws" in values:
        values["draws"] = rule_from_json(values["draws"])
    if isinstance(values.get("sigma"), list):
        values["sigma"] = tuple(values["sigma"])
    if isinstance(values.get("stimulus"), Mapping):
        values["stimulus"] = _recall(values["stimulus"])
    values.pop("other", None)
    try:
        return kind(**values)
    except TypeError as error:
        raise SettingError(f"settings of {kind.method}: {error}") from None


def _recall(values: Mapping[str, Any]) -> NamedStimulus:
    """A stimulus by its name alone: a result can be read where its stimulus is not at hand."""
    return NamedStimulus(values["name"], values.get("source_sha256"))
