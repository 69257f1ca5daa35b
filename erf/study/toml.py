"""A plan as a person writes it: a small TOML file."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from erf.errors import PhotoError, SettingError
from erf.photo import find_photos
from erf.settings import METHODS, Disturbance, rule_from_json, settings_from_json
from erf.sources import Choice, Init, InputSpace
from erf.study.plan import StudyMethod, StudyModel, StudyPlan

PLAN = ("models", "layers", "units", "images", "image_size", "channel", "methods", "threads")
MODEL = (
    *("model", "name", "layers", "weights", "partial", "arguments", "random"),
    *("init", "init_input", "engine"),
    *("mean", "std", "range", "channels"),
)


def read_plan(path: str | Path) -> StudyPlan:
    """Read a plan; paths in it are seen from the folder in which it lies.

    ::

        images = ["photos/", "more/*.png"]
        image_size = 224
        layers = ["layer1", "layer2"]
        units = ["center", "grid:3"]
        models = ["resnet18", "resnet50"]

        [[models]]                      # or each at length, instead of the list above
        model = "resnet50"
        name = "mine"
        weights = "mine.safetensors"
        layers = ["layer3"]

        [methods.noise]
        patch = 16
        draws = 4

    Args:
        path: of the file.

    Raises:
        SettingError: when it is no such file, or a key or value in it is none that is known.
        PhotoError: when a photo is not there.
    """
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path}: is no plan that can be read: {error}") from None
    try:
        return plan_of(values, path.parent)
    except (TypeError, ValueError) as error:
        kind = PhotoError if isinstance(error, PhotoError) else SettingError
        raise kind(f"{path}: {error}") from None


def plan_of(values: Mapping[str, Any], folder: Path) -> StudyPlan:
    """The plan in a TOML file's values.

    Args:
        values: as `tomllib` gives them.
        folder: from which its paths are seen.

    Raises:
        SettingError: naming the key and the value.
        PhotoError: when a photo is not there.
    """
    _check_keys("the plan", values, PLAN)
    models = _list("models", values.get("models", []))
    channel = values.get("channel")
    if channel is not None and (not isinstance(channel, int) or channel < 0):
        raise SettingError(f"channel {channel!r} must be a whole number, 0 or more")
    methods = {name: _method(name, each) for name, each in _methods(values).items()}
    return StudyPlan(
        models=tuple(_model(each, folder) for each in models),
        images=tuple(_photos(_texts("images", values.get("images", [])), folder)),
        layers=_texts("layers", values.get("layers", [])),
        units=_texts("units", values.get("units", "center")),
        methods=methods or {"noise": StudyMethod()},
        image_size=_size(values.get("image_size")),
        channel=channel,
        threads=_whole("threads", values.get("threads", 1)),
    )


def _methods(values: Mapping[str, Any]) -> Mapping[str, Any]:
    found = values.get("methods", {})
    if not isinstance(found, Mapping):
        raise SettingError(f"methods {found!r} must be tables, such as [methods.noise]")
    return found


def _method(name: str, values: Any) -> StudyMethod:
    if not isinstance(values, Mapping):
        raise SettingError(f"method {name!r} is no table of settings")
    given = {"method": name, **values}
    if given["method"] not in METHODS:
        raise SettingError(f"method {given['method']!r} is none of {', '.join(METHODS)}")
    sigma = given.pop("sigma", 25.0)
    if not isinstance(sigma, int | float):
        raise SettingError(f"sigma {sigma!r} must be a number, grey levels")
    if "draws" in given:
        given["draws"] = rule_from_json(given["draws"])
    settings = settings_from_json(given)
    if "sigma" in values and not isinstance(settings, Disturbance):
        raise SettingError(f"sigma has no meaning with method {given['method']}")
    return StudyMethod(settings, float(sigma))


def _model(values: Any, folder: Path) -> StudyModel:
    if isinstance(values, str):
        return StudyModel(_source(values, folder))
    if not isinstance(values, Mapping) or not isinstance(values.get("model"), str):
        raise SettingError(f"{values!r} is no model: give its name, or a table with model = NAME")
    _check_keys(f"model {values['model']!r}", values, MODEL)
    chance = values.get("random", "refuse")
    if chance not in ("refuse", "fixed"):
        raise SettingError(f"random {chance!r} is neither refuse nor fixed")
    return StudyModel(
        source=_source(values["model"], folder),
        layers=_texts("layers", values.get("layers", [])),
        name=values.get("name", ""),
        weights=_weights(values, folder),
        partial=bool(values.get("partial", False)),
        arguments=values.get("arguments", {}),
        input_space=_space(values),
        random=chance,
        engine=values.get("engine"),
    )


def _weights(values: Mapping[str, Any], folder: Path) -> str | Init | None:
    """Files are seen from the plan's folder; a name that is none there is a library's."""
    weights, init = (_file(values.get(key), folder) for key in ("weights", "init"))
    return Choice(weights=weights, init=init, init_input=values.get("init_input")).filling


def _file(name: str | None, folder: Path) -> str | None:
    return str(folder / name) if name is not None and (folder / name).exists() else name


def _source(name: str, folder: Path) -> str:
    """A file is seen from the plan's folder; any other name is what it is."""
    where, colon, function = name.rpartition(":")
    if where.endswith(".py"):
        return f"{folder / where}{colon}{function}"
    return str(folder / name) if (folder / name).is_file() else name


def _space(values: Mapping[str, Any]) -> InputSpace | None:
    mean, std = values.get("mean"), values.get("std")
    if mean is None and std is None:
        return None
    if not isinstance(mean, list) or not isinstance(std, list):
        raise SettingError("mean and std belong together, a list of numbers each")
    texts = (",".join(map(str, each)) for each in (mean, std))
    largest, order = values.get("range", 255), values.get("channels", "rgb")
    return InputSpace.read(*texts, largest=largest, channels=order)


def _photos(patterns: tuple[str, ...], folder: Path) -> list[Path]:
    """Files, folders and globs, unfolded; none twice."""
    paths: list[Path] = []
    for pattern in patterns:
        place = folder / pattern
        top = Path(place.anchor)
        found = [place] if place.exists() else sorted(top.glob(str(place.relative_to(top))))
        if not found:
            raise PhotoError(f"{place}: no such file or folder")
        paths += found
    return list(dict.fromkeys(find_photos(paths)))


def _size(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    sides = [value, value] if isinstance(value, int) else value
    if not (isinstance(sides, list) and len(sides) == 2):
        raise SettingError(f"image_size {value!r} must be a side, or [rows, cols]")
    rows, cols = (_whole("image_size", each) for each in sides)
    return rows, cols


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SettingError(f"{name} {value!r} must be a whole number, 1 or more")
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    found = _list(name, value)
    for each in found:
        if not isinstance(each, str):
            raise SettingError(f"{name}: {each!r} is no text")
    return tuple(found)


def _list(name: str, value: Any) -> list[Any]:
    if isinstance(value, str | Mapping):
        return [value]
    if not isinstance(value, list):
        raise SettingError(f"{name} {value!r} must be a list")
    return value


def _check_keys(what: str, values: Mapping[str, Any], known: Collection[str]) -> None:
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingError(f"{what} has no key {name!r}; there are {', '.join(known)}{hint}")
