"""timm's models: by name, from the Hugging Face hub, from a folder, as timm spells them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from erf.errors import SourceError
from erf.sources.input_space import IMAGENET, InputSpace
from erf.sources.loaded import LoadedModel
from erf.sources.names import missing, unknown
from erf.sources.source import SOURCES, Request, Source, one_line, with_seed


def names() -> Iterable[str]:
    """All that timm lists, without the tags of weights."""
    return [] if _timm() is None else _timm().list_models()


def load(request: Request) -> LoadedModel:
    """Build a model of timm; a tag after a dot means its trained weights."""
    timm = _needed()
    name, _, tag = request.name.partition(".")
    if name not in timm.list_models():
        raise unknown("timm", name, timm.list_models())
    known = [each.partition(".")[2] for each in timm.list_pretrained(f"{name}.*")]
    tag = tag or ("" if request.weights is None else request.weights)
    if tag == "DEFAULT" and known:
        tag = known[0]
    if tag and tag not in known:
        some = ", ".join(known[:8]) or "none"
        raise SourceError(f"timm:{name} has no weights {tag!r}; there are {some}")
    return _create(f"{name}.{tag}" if tag else name, f"timm:{request.name}", request, bool(tag))


def load_hub(request: Request) -> LoadedModel:
    """A model of timm on the Hugging Face hub."""
    name = f"hf-hub:{request.name}"
    return _create(name, name, request, trained=True)


def load_folder(request: Request) -> LoadedModel:
    """A model of timm in a folder, with its ``config.json``."""
    if not (Path(request.name) / "config.json").is_file():
        raise SourceError(f"local-dir:{request.name}: no config.json there, which timm needs")
    name = f"local-dir:{request.name}"
    return _create(name, name, request, trained=True)


def _create(name: str, shown: str, request: Request, trained: bool) -> LoadedModel:
    timm = _needed()
    arguments = dict(request.arguments)
    try:
        model = with_seed(lambda: timm.create_model(name, pretrained=trained, **arguments))
        config: Any = model.pretrained_cfg
        fixed = config.get("fixed_input_size", False)
        size = tuple(config.get("input_size", (3, 224, 224))[1:])
        if fixed and request.image_size not in (None, size):
            arguments["img_size"] = size = request.image_size
            model = with_seed(lambda: timm.create_model(name, pretrained=trained, **arguments))
    except Exception as error:  # whatever timm, the hub and their network layers raise
        what = "its weights are a download, which failed: " if trained else "cannot be built: "
        raise SourceError(f"{shown}: {what}{one_line(error)}") from None
    return LoadedModel(
        model, shown, _space(config, trained), random=not trained, size=size if fixed else None
    )


def _space(config: Any, trained: bool) -> InputSpace:
    if not config.get("mean"):
        return IMAGENET
    return InputSpace.of_shares(config["mean"], config["std"], known=trained)


def _timm() -> Any:
    try:
        import timm
    except ImportError:
        return None
    return timm


def _needed() -> Any:
    found = _timm()
    if found is None:
        raise missing("timm", "timm")
    return found


SOURCES.add("timm", Source(load, names, "timm's models; a tag such as .a1_in1k means trained"))
SOURCES.add("hf-hub", Source(load_hub, lambda: [], "timm's models on the Hugging Face hub"))
SOURCES.add("local-dir", Source(load_folder, lambda: [], "a model of timm in a folder"))
