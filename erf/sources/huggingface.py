"""transformers' models: a folder, or a name on the Hugging Face hub."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from erf.errors import SourceError
from erf.sources.input_space import IMAGENET, InputSpace
from erf.sources.loaded import LoadedModel
from erf.sources.names import missing
from erf.sources.source import SOURCES, Request, Source, one_line, with_seed


def load(request: Request) -> LoadedModel:
    """A model through ``AutoModel``, or ``AutoBackbone`` where that alone knows it.

    A folder without weights is built from its ``config.json`` with random ones. No code that comes
    with a model is run.
    """
    try:
        import transformers
    except ImportError:
        raise missing("transformers", "transformers") from None
    where, _, revision = request.name.partition("@")
    folder = Path(where)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise SourceError(f"hf:{where}: no config.json there, which transformers needs")
    options = {"trust_remote_code": False, **({"revision": revision} if revision else {})}
    weighed = not folder.is_dir() or any([*folder.glob("*.safetensors"), *folder.glob("*.bin")])
    try:
        config = transformers.AutoConfig.from_pretrained(where, **options)
        model = _build(transformers, where, config, options, weighed)
    except Exception as error:  # whatever transformers, the hub and their network layers raise
        raise SourceError(f"hf:{request.name}: cannot be loaded: {one_line(error)}") from None
    name = f"hf:{folder.name if folder.is_dir() else request.name}"
    return LoadedModel(model, name, _space(where, options), random=not weighed)


def _build(transformers: Any, where: str, config: Any, options: Any, weighed: bool) -> Any:
    failed = None
    for auto in (transformers.AutoModel, transformers.AutoBackbone):
        try:
            if weighed:
                return auto.from_pretrained(where, use_safetensors=None, **options).eval()
            return with_seed(partial(auto.from_config, config))
        except ValueError as error:
            failed = failed or error
    assert failed is not None
    raise failed


def _space(where: str, options: Any) -> InputSpace:
    """What ``preprocessor_config.json`` says, ImageNet's where there is none."""
    path = Path(where) / "preprocessor_config.json"
    try:
        if Path(where).is_dir():
            values = json.loads(path.read_text(encoding="utf-8"))
        else:
            from transformers import AutoImageProcessor

            processor: Any = AutoImageProcessor
            values = processor.from_pretrained(where, **options).to_dict()
        if not values.get("do_normalize", True):
            return InputSpace.of_shares((0.0,) * 3, (1.0,) * 3)
        return InputSpace.of_shares(values["image_mean"], values["image_std"])
    except (OSError, ValueError, KeyError, TypeError):
        return IMAGENET


SOURCES.add("hf", Source(load, lambda: [], "transformers: a folder, or a name on the hub"))
