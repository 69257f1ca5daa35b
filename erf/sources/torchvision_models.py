"""torchvision's models by name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

from erf.errors import SourceError
from erf.sources.input_space import IMAGENET, InputSpace
from erf.sources.loaded import LoadedModel
from erf.sources.names import unknown
from erf.sources.source import SOURCES, Request, Source, one_line, with_seed

WEIGHTS = re.compile(r"(\w+)_Weights\.(\w+)")
"""Such as ``ResNet18_Weights.IMAGENET1K_V1``, torchvision's own name of trained weights."""


def names() -> Iterable[str]:
    """All that torchvision lists."""
    from torchvision.models import list_models

    return list_models()


def load(request: Request) -> LoadedModel:
    """Build a model; nothing is downloaded but weights that are asked for."""
    from torchvision.models import get_model_builder, get_model_weights

    name = request.name
    if name not in names():
        raise unknown("torchvision", name, names())
    builder, space, weights = get_model_builder(name), IMAGENET, None
    if request.weights is not None:
        weights = _find_weights(name, get_model_weights(name), request.weights)
        space = _space(weights)
    arguments: dict[str, Any] = {"weights": weights, **request.arguments}
    if "weights_backbone" in inspect.signature(builder).parameters:
        arguments.setdefault("weights_backbone", None)
    try:
        model = with_seed(lambda: builder(**arguments))
    except OSError as error:
        raise SourceError(
            f"{name}: weights {weights} are a download ({one_line(error)}); offline, give a file "
            "with --weights FILE"
        ) from None
    except (TypeError, ValueError) as error:
        raise SourceError(f"{name}: cannot be built: {one_line(error)}") from None
    return LoadedModel(model, name, space, random=weights is None)


def model_of_weights(text: str) -> tuple[str, str] | None:
    """The model and weights that torchvision's own name of weights means; None if it is none."""
    match = WEIGHTS.fullmatch(text)
    if match is None:
        return None
    squeezed = {name.replace("_", ""): name for name in names()}
    found = squeezed.get(match[1].replace("_", "").lower())
    return None if found is None else (found, match[2])


def _find_weights(name: str, known: Any, asked: str) -> Any:
    short = asked.rpartition(".")[2]
    if short not in known.__members__ and short != "DEFAULT":
        raise SourceError(
            f"{name} has no weights {asked!r}, neither a file nor one of "
            f"{', '.join([*known.__members__, 'DEFAULT'])}"
        )
    return known[short] if short != "DEFAULT" else known.DEFAULT


def _space(weights: Any) -> InputSpace:
    preset = weights.transforms()
    mean, std = getattr(preset, "mean", None), getattr(preset, "std", None)
    return IMAGENET if mean is None or std is None else InputSpace.of_shares(mean, std)


SOURCES.add("torchvision", Source(load, names, "torchvision's models, the prefix may be left out"))
