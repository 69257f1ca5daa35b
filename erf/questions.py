"""The short forms: one question about a model and an image, a few lines on top of `Subject` each.

Settings are given as an object (``erf.Noise(patch=8)``), field by field as keywords (``patch=8``),
or both, where keywords win.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from erf.dtype import in_dtype
from erf.errors import SettingError
from erf.geometry import UnitName
from erf.inputs import Inputs
from erf.probing import OccludedChannel, occlude
from erf.results import LayerResult, UnitResult
from erf.settings import (
    Disturbance,
    DisturbanceChanges,
    Gradient,
    GradientChanges,
    Noise,
    Occlusion,
    changed,
)
from erf.subject import Subject


class SubjectOptions(TypedDict, total=False):
    """What `Subject` is told besides, as keywords of the short forms."""

    inputs: Mapping[str, Any] | Inputs | None
    dtype: torch.dtype | str | None


class Disturbed(DisturbanceChanges, SubjectOptions, total=False):
    """Keywords of `probe` and its like."""


class Differentiated(GradientChanges, SubjectOptions, total=False):
    """Keywords of `gradient_field`."""


def probe(
    model: nn.Module,
    image: Float[Tensor, "c h w"] | Float[np.ndarray, "c h w"],
    layer: str,
    settings: Disturbance | None = None,
    *,
    unit: UnitName = "center",
    channel: int | None = None,
    journal: str | Path | None = None,
    progress: bool = False,
    **changes: Unpack[Disturbed],
) -> UnitResult | LayerResult:
    """Measure the empirical receptive field of a unit, or of every unit of a layer.

    A patch slides over the image; in each place a stimulus disturbs its pixels, some draws of it,
    and the L2 change of the unit is averaged (ParseNet, Liu, Rabinovich and Berg 2015).

    Args:
        model: any module that takes a batch of images; handed back exactly as found.
        image: in the model's input space.
        layer, unit, channel, journal, progress: as in `Subject.probe`.
        settings: `Noise` by default.
        changes: fields of the settings (`Disturbance`), such as ``patch=8``; ``inputs``, what the
            model takes beside the image, as of `Subject`; ``dtype``, such as ``"float64"``, of a
            copy of the model that is probed instead.

    Raises: as `Subject.probe`.

    Example:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5, padding=2), torch.nn.ReLU())
        >>> result = probe(model, torch.randn(3, 32, 32), "1", patch=4, draws=2)
        >>> int((result.discrepancy > 0).sum()), result.theory.box
        (4, Box(top=14, left=14, bottom=19, right=19))
    """
    subject, changes = _subject(model, image, changes)
    settings = changed(settings or Noise(), changes)
    return subject.probe(
        layer, settings, unit=unit, channel=channel, journal=journal, progress=progress
    )


def probe_layers(
    model: nn.Module,
    image: Float[Tensor, "c h w"] | Float[np.ndarray, "c h w"],
    layers: Sequence[str],
    settings: Disturbance | None = None,
    *,
    unit: UnitName = "center",
    channel: int | None = None,
    journal: str | Path | None = None,
    progress: bool = False,
    **changes: Unpack[Disturbed],
) -> dict[str, UnitResult | LayerResult]:
    """Probe several layers in one pass: ``{layer: result}``; else as `probe`.

    Raises:
        SettingError: no layer is named, or one twice; else as `probe`.

    Example:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5, padding=2), torch.nn.ReLU())
        >>> list(probe_layers(model, torch.randn(3, 32, 32), ["0", "1"], draws=1))
        ['0', '1']
    """
    subject, changes = _subject(model, image, changes)
    settings = changed(settings or Noise(), changes)
    return subject.probe(
        list(layers), settings, unit=unit, channel=channel, journal=journal, progress=progress
    )


def probe_units(
    model: nn.Module,
    image: Float[Tensor, "c h w"] | Float[np.ndarray, "c h w"],
    layer: str,
    units: Sequence[tuple[int, int]] | str,
    settings: Disturbance | None = None,
    *,
    channel: int | None = None,
    journal: str | Path | None = None,
    progress: bool = False,
    **changes: Unpack[Disturbed],
) -> list[UnitResult]:
    """Probe several units of a layer in one pass, with all draws kept; else as `probe`.

    Args:
        model, image, layer, settings, channel, journal, progress, changes: as in `probe`.
        units: positions, or ``grid:N`` for N by N of them spread evenly over the layer.

    Raises:
        SettingError: no unit is named; else as `probe`.
        UnitError: a unit is outside the layer, or more are asked for than there are.

    Example:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5, padding=2), torch.nn.ReLU())
        >>> results = probe_units(model, torch.randn(3, 32, 32), "1", "grid:2", draws=1)
        >>> [result.unit for result in results]
        [(8, 8), (8, 24), (24, 8), (24, 24)]
    """
    subject, changes = _subject(model, image, changes)
    settings = changed(settings or Noise(), changes)
    return subject.probe_units(
        layer, units, settings, channel=channel, journal=journal, progress=progress
    )


def gradient_field(
    model: nn.Module,
    image: Float[Tensor, "c h w"] | Float[np.ndarray, "c h w"],
    layer: str,
    settings: Gradient | None = None,
    *,
    unit: UnitName = "center",
    channel: int | None = None,
    theory: bool = True,
    **changes: Unpack[Differentiated],
) -> UnitResult:
    """The gradient of a unit with respect to every pixel (Luo et al. 2016), as a result.

    Args:
        model: any module that takes a batch of images; handed back exactly as found.
        image: in the model's input space.
        layer: module path.
        settings: `Gradient` by default.
        unit: ``center``, ``max`` or (row, col).
        channel: one channel, or None for all of them.
        theory: whether to derive the theoretical field too, which takes a second or more. Without
            it a layer is read as (n, channels, rows, cols), whatever it means by its dimensions.
        changes: fields of the settings, such as ``reduce="squared"``.

    Raises:
        SettingError: a number or a name is out of range.
        LayerError: there is no such layer, or its output is not a map.
        UnitError: the unit or channel is outside the layer, or is ``all``.

    Example:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5, padding=2))
        >>> field = gradient_field(model, torch.randn(3, 32, 32), "0")
        >>> int((field.discrepancy > 0).sum()), field.joint
        (25, True)
    """
    subject, changes = _subject(model, image, changes, graph=theory)
    settings = changed(settings or Gradient(), changes)
    result = subject.probe(layer, settings, unit=unit, channel=channel)
    assert isinstance(result, UnitResult)
    return result


def occlusion_field(
    model: nn.Module,
    images: Sequence[Float[Tensor, "c h w"] | Float[np.ndarray, "c h w"]],
    layer: str,
    channel: int,
    settings: Occlusion | None = None,
    *,
    top: int = 10,
    progress: bool = False,
    **changes: Unpack[Disturbed],
) -> OccludedChannel:
    """Occlude small patches in the images that excite a channel most (Zhou et al. 2015).

    Args:
        model: any module that takes a batch of images; handed back exactly as found.
        images: in the model's input space; they need not be of one size.
        layer: module path.
        channel: of the layer.
        settings: `Occlusion` by default.
        top: how many images to keep, or all where there are fewer.
        progress: show a bar on standard error.
        changes: fields of the settings.

    Raises:
        SettingError: when there is no image, or a number or a name is out of range.
        LayerError: there is no such layer, or its output is not a map.
        UnitError: the channel is outside the layer.

    Example:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5, padding=2))
        >>> images = [torch.randn(3, 32, 32) for _ in range(3)]
        >>> len(occlusion_field(model, images, "0", channel=1, top=2).results)
        2
    """
    if not images:
        raise SettingError("occlusion needs at least one image, not 0")
    first, rest = _subject(model, images[0], changes)
    settings = changed(settings or Occlusion(), rest)
    specimens = [first, *(first.on(image) for image in images[1:])]
    return occlude(specimens, layer, channel, settings, top=top, progress=progress)


def _subject(
    model: nn.Module,
    image: Float[Tensor, "c h w"] | Float[np.ndarray, "c h w"],
    changes: Any,
    *,
    graph: bool = True,
) -> tuple[Subject, Any]:
    """The subject of a short form, and the fields of its settings."""
    rest = dict(changes)
    inputs, dtype = rest.pop("inputs", None), rest.pop("dtype", None)
    if dtype is not None:
        model = in_dtype(model, dtype)
    return Subject(model, image, graph=graph, inputs=inputs), rest
