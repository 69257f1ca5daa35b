"""Write settings as TOML, the part of it that settings need; ``tomllib`` reads it."""

import json
from collections.abc import Mapping
from typing import Any

from parsenet.errors import TrainingError


def to_toml(values: Mapping[str, Any]) -> str:
    """Write names and values; values that are mappings become tables, at the end.

    Raises:
        TrainingError: if a value is neither text, number, truth value, nor a sequence or mapping of
            these.
    """
    plain = {name: value for name, value in values.items() if not isinstance(value, Mapping)}
    lines = [f"{_key(name)} = {_value(value)}" for name, value in plain.items()]
    for name, table in values.items():
        if isinstance(table, Mapping):
            body = (f"{_key(key)} = {_value(value)}" for key, value in table.items())
            lines += ["", f"[{_key(name)}]", *body]
    return "\n".join(lines).lstrip("\n") + "\n"


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare else _text(name)


def _text(text: str) -> str:
    """Quote as JSON does, which TOML shares but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    raise TrainingError(f"{value!r} cannot be written as TOML")
