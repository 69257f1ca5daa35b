"""Occlusion after Zhou et al. 2015: the calibrated map of one channel over its top images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from erf.borrow import borrowed, placed_like
from erf.errors import SettingError
from erf.graph import try_export
from erf.measures.averaging import calibrate
from erf.measures.field import Field
from erf.observe import observe_maps
from erf.probe import probe
from erf.result import ProbeResult
from erf.target import clean_activation


@dataclass(frozen=True)
class Occlusion:
    """What a channel hears in the images that excite it most.

    Attributes:
        field: the calibrated map: fields recentred on their unit and averaged.
        results: one probe an image, the strongest image first.
        ranking: index of each of these in the set of images.
        responses: strongest response of the channel in each of them.
    """

    field: Field
    results: tuple[ProbeResult, ...]
    ranking: tuple[int, ...]
    responses: tuple[float, ...]


def rank_images(
    model: nn.Module, images: Sequence[Float[Tensor, "c h w"]], layer: str, channel: int
) -> list[tuple[float, int]]:
    """(strongest response of the channel, index) of every image, the strongest image first.

    Raises:
        SettingError: when there is no image.
        LayerError: there is no such layer, or its output is not a map.
        UnitError: the channel is outside the layer.
    """
    if not images:
        raise SettingError("occlusion needs at least one image, not 0")
    responses = []
    graphs = {shape: try_export(model, (1, *shape)) for shape in {image.shape for image in images}}
    with borrowed(model):
        for index, image in enumerate(images):
            placed = placed_like(model, image)
            output = observe_maps(model, placed[None], [layer], graphs[image.shape])[layer]
            responses.append((float(clean_activation(output[0], channel, layer).max()), index))
    return sorted(responses, key=lambda pair: (-pair[0], pair[1]))


def occlusion_field(
    model: nn.Module,
    images: Sequence[Float[Tensor, "c h w"]],
    layer: str,
    channel: int,
    *,
    top: int = 10,
    patch: int = 11,
    stride: int = 3,
    draws: int = 1,
    stimulus: str = "replace",
    engine: str = "auto",
    seed: int = 0,
    progress: bool = False,
) -> Occlusion:
    """Occlude small patches in the top images of a channel, and average around its unit.

    In each image the unit is where the channel responds most; patches of 11x11 pixels are
    replaced by random ones at every third pixel (some 5,000 in an image of 227x227). The change of
    each map is recentred on the theoretical centre of its unit, and the maps are averaged.

    Args:
        model: any module that takes a batch of images; handed back exactly as found.
        images: in the model's input space; they need not be of one size.
        layer: module path.
        channel: of the layer.
        top: how many images to keep, or all where there are fewer.
        patch, stride, draws, stimulus, engine, seed, progress: as in ``erf.probe``.

    Raises:
        SettingError: when there is no image, or a number or a name is out of range.
        LayerError: there is no such layer, or its output is not a map.
        UnitError: the channel is outside the layer.
    """
    if top < 1:
        raise SettingError(f"top {top} must be at least 1 image")
    ranked = rank_images(model, images, layer, channel)[:top]
    settings: dict[str, Any] = {"patch": patch, "stride": stride, "draws": draws, "seed": seed}
    settings |= {"stimulus": stimulus, "engine": engine, "progress": progress, "channel": channel}
    results = tuple(
        probe(model, images[index], layer, unit="max", image_index=index, **settings)
        for _, index in ranked
    )
    return Occlusion(
        field=calibrate([Field.of(result) for result in results]),
        results=results,
        ranking=tuple(index for _, index in ranked),
        responses=tuple(response for response, _ in ranked),
    )
