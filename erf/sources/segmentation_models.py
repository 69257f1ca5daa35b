"""segmentation-models-pytorch: an architecture and an encoder, ``Unet/resnet34``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from erf.errors import SourceError
from erf.sources.input_space import IMAGENET, InputSpace
from erf.sources.loaded import LoadedModel
from erf.sources.names import missing, unknown
from erf.sources.source import SOURCES, Request, Source, one_line, with_seed

ENCODER = "resnet34"


def names() -> Iterable[str]:
    """Architectures, each with its usual encoder."""
    smp = _smp()
    return [] if smp is None else [f"{name}/{ENCODER}" for name in _architectures(smp)]


def load(request: Request) -> LoadedModel:
    """Build one; ``weights`` are the encoder's, such as ``imagenet``."""
    smp = _smp()
    if smp is None:
        raise missing("segmentation-models-pytorch", "segmentation-models-pytorch")
    name, _, encoder = request.name.partition("/")
    known = {each.lower(): each for each in _architectures(smp)}
    if name.lower() not in known:
        raise unknown("smp", name, known.values())
    encoder = encoder or ENCODER
    try:
        model = with_seed(
            lambda: smp.create_model(
                name.lower(),
                encoder_name=encoder,
                encoder_weights=request.weights,
                **request.arguments,
            )
        )
    except Exception as error:  # whatever the library and its downloads raise
        raise SourceError(f"smp:{request.name}: cannot be built: {one_line(error)}") from None
    notes: tuple[str, ...] = ()
    if request.weights is not None:
        notes = (f"the encoder has weights {request.weights}, the decoder random ones",)
    space = _space(smp, encoder, request.weights)
    return LoadedModel(model, f"smp:{request.name}", space, request.weights is None, notes=notes)


def _architectures(smp: Any) -> list[str]:
    known = {each.lower(): each for each in vars(smp)}
    return [known[each] for each in smp.MODEL_ARCHITECTURES_MAPPING]


def _space(smp: Any, encoder: str, weights: str | None) -> InputSpace:
    if weights is None:
        return IMAGENET
    values = smp.encoders.get_preprocessing_params(encoder, weights)
    return InputSpace.of_shares(values["mean"], values["std"])


def _smp() -> Any:
    try:
        import segmentation_models_pytorch
    except ImportError:
        return None
    return segmentation_models_pytorch


SOURCES.add("smp", Source(load, names, "segmentation-models-pytorch: ARCHITECTURE/ENCODER"))
