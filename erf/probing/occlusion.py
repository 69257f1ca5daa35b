"""Occlusion after Zhou et al. 2015: the calibrated map of one channel over its top images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from erf.errors import SettingError
from erf.measures import Field, calibrate
from erf.model import Specimen
from erf.probing.passes import Asked, run
from erf.probing.target import clean_activation
from erf.results import UnitResult
from erf.settings import Occlusion


@dataclass(frozen=True)
class OccludedChannel:
    """What a channel hears in the images that excite it most.

    Attributes:
        field: the calibrated map: fields recentred on their unit and averaged.
        results: one probe an image, the strongest image first.
        ranking: index of each of these in the set of images.
        responses: strongest response of the channel in each of them.
    """

    field: Field
    results: tuple[UnitResult, ...]
    ranking: tuple[int, ...]
    responses: tuple[float, ...]


def rank_specimens(
    specimens: Sequence[Specimen], layer: str, channel: int
) -> list[tuple[float, int]]:
    """(strongest response of the channel, index) of every image, the strongest image first.

    Raises:
        SettingError: when there is no image.
        LayerError: there is no such layer, or its output is not a map.
        UnitError: the channel is outside the layer.
    """
    if not specimens:
        raise SettingError("occlusion needs at least one image, not 0")
    responses = [
        (float(clean_activation(each.observe([layer])[layer], channel, layer).max()), index)
        for index, each in enumerate(specimens)
    ]
    return sorted(responses, key=lambda pair: (-pair[0], pair[1]))


def occlude(
    specimens: Sequence[Specimen],
    layer: str,
    channel: int,
    settings: Occlusion,
    *,
    top: int = 10,
    progress: bool = False,
) -> OccludedChannel:
    """Occlude small patches in the top images of a channel, and average around its unit.

    In each image the unit is where the channel responds most; patches of 11x11 pixels are
    replaced by random ones at every third pixel (some 5,000 in an image of 227x227). The change of
    each map is recentred on the theoretical centre of its unit, and the maps are averaged.

    Args:
        specimens: one model on several images, which need not be of one size.
        layer: module path.
        channel: of the layer.
        settings: of the probes; the index of an image in the set is its ``image_index``.
        top: how many images to keep, or all where there are fewer.
        progress: show a bar on standard error.

    Raises:
        SettingError: when there is no image, or a number or a name is out of range.
        LayerError: there is no such layer, or its output is not a map.
        UnitError: the channel is outside the layer.
    """
    if top < 1:
        raise SettingError(f"top {top} must be at least 1 image")
    ranked = rank_specimens(specimens, layer, channel)[:top]
    results: list[UnitResult] = []
    for _, index in ranked:
        asked = Asked(layer, "max", channel)
        own = replace(settings, image_index=index)
        (result,) = run(specimens[index], [asked], own, progress=progress)
        assert isinstance(result, UnitResult)
        results.append(result)
    return OccludedChannel(
        field=calibrate(results),
        results=tuple(results),
        ranking=tuple(index for _, index in ranked),
        responses=tuple(response for response, _ in ranked),
    )
