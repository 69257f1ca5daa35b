"""The probe: disturb patches of an image, measure how much units of a model change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from erf.borrow import borrowed, placed_like
from erf.draws import Exactly, UntilPrecise
from erf.errors import SettingError
from erf.geometry import UnitName, spread_units
from erf.graph import try_export
from erf.observe import observe_maps
from erf.plan import Plan
from erf.result import ProbeResult
from erf.run import run_plans


def probe(
    model: nn.Module,
    image: Float[Tensor, "3 h w"],
    layer: str,
    *,
    unit: UnitName = "center",
    channel: int | None = None,
    patch: int = 16,
    stride: int = 16,
    draws: int | Literal["auto"] = 8,
    sigma: float | tuple[float, ...] = 0.1,
    stimulus: str = "gaussian",
    engine: str = "auto",
    batch_size: int | None = None,
    memory: str = "4 GiB",
    seed: int = 0,
    image_index: int = 0,
    other: Float[Tensor, "3 h w"] | None = None,
    picture: UInt8[np.ndarray, "h w 3"] | None = None,
    name: str | None = None,
    image_name: str | None = None,
    tolerance: float = 0.02,
    most_draws: int = 64,
    journal: str | Path | None = None,
    progress: bool = False,
) -> ProbeResult:
    """Measure the empirical receptive field of a unit, or of every unit of a layer.

    A patch slides over the image; in each place a stimulus disturbs its pixels, ``draws`` times,
    and the L2 change of the unit is averaged (ParseNet, Liu, Rabinovich and Berg 2015).

    Args:
        model: any module that takes a batch of images; handed back exactly as found.
        image: in the model's input space.
        layer: module path, such as ``fc7`` or ``features.28``.
        unit: ``center``, ``max`` (the strongest clean response), (row, col), or ``all`` for the
            influence of every patch on every unit.
        channel: one channel, or None for the L2 norm over all.
        patch: side of the patch, pixels.
        stride: its step, pixels; the last row and column are shifted inward to the border.
        draws: random realisations per patch; ``auto`` goes on until the 95 % interval of the
            field's size is narrow enough, within a limit.
        sigma: strength of the noise in input space; one number or one a channel.
        stimulus: a name in `erf.stimulus.STIMULI`.
        engine: ``dense`` runs whole images, ``delta`` propagates the change, ``auto`` takes delta
            where it can and says what it took.
        batch_size: disturbances at a time; None lets the engine choose. Never changes the result
            beyond the rounding of the arithmetic.
        memory: budget of the delta engine, such as ``"4 GiB"``.
        seed: of the stimulus, a pure function of (seed, image_index, patch, draw).
        image_index: which image of a series this is.
        other: the image that the stimulus ``other`` takes its pixels from.
        picture: the image as a person sees it, kept in the result for figures.
        name: of the model, for the result's provenance.
        image_name: of the image, likewise.
        tolerance: of ``draws="auto"``: half-width of the interval, relative to the size.
        most_draws: of ``draws="auto"``: the limit.
        journal: a new folder in which finished blocks of patches are kept: the same call goes on
            there after an interruption, with the same result to the last bit. Remove it when the
            result is saved.
        progress: show a bar on standard error.

    Raises:
        SettingError: a number or a name is out of range.
        LayerError: there is no such layer, or its output is not a map.
        UnitError: the unit or channel is outside the layer.
        ExportError: ``engine="delta"`` and the model cannot be exported.
        StoreError: the journal's folder holds something else, or the journal of another probe.
    """
    settings = {key: value for key, value in locals().items() if key not in ("model", "image")}
    (result,) = _probe(model, image, [(settings.pop("layer"), settings.pop("unit"))], **settings)
    return result


def probe_layers(
    model: nn.Module, image: Float[Tensor, "3 h w"], layers: Sequence[str], **settings: Any
) -> dict[str, ProbeResult]:
    """Probe several layers in one pass: ``{layer: result}``; settings as in `probe`.

    Raises:
        SettingError: no layer is named, or one twice; else as `probe`.
    """
    if not layers or len(set(layers)) != len(layers):
        raise SettingError(f"layers {list(layers)} must name at least one layer, each once")
    unit = settings.pop("unit", "center")
    results = _probe(model, image, [(layer, unit) for layer in layers], **settings)
    return dict(zip(layers, results, strict=True))


def probe_units(
    model: nn.Module,
    image: Float[Tensor, "3 h w"],
    layer: str,
    units: Sequence[tuple[int, int]] | str,
    **settings: Any,
) -> list[ProbeResult]:
    """Probe several units of a layer in one pass, with all draws kept; settings as in `probe`.

    Args:
        model, image, layer: as in `probe`.
        units: positions, or ``grid:N`` for N by N of them spread evenly over the layer.
        settings: as in `probe`.

    Raises:
        SettingError: no unit is named; else as `probe`.
        UnitError: a unit is outside the layer, or more are asked for than there are.
    """
    if isinstance(units, str):
        with borrowed(model):
            placed = placed_like(model, image)
            graph = try_export(model, (1, *placed.shape))
            response = observe_maps(model, placed[None], [layer], graph)[layer]
        units = spread_units(units, (response.shape[2], response.shape[3]), layer)
    if not units:
        raise SettingError("units [] must name at least one unit")
    return _probe(model, image, [(layer, unit) for unit in units], **settings)


def _probe(
    model: nn.Module,
    image: Float[Tensor, "3 h w"],
    watched: Sequence[tuple[str, UnitName]],
    *,
    draws: int | Literal["auto"] = 8,
    tolerance: float = 0.02,
    most_draws: int = 64,
    **settings: Any,
) -> list[ProbeResult]:
    """Sort settings into those of the plan and those of the run, and run."""
    if isinstance(draws, str) and draws != "auto":
        raise SettingError(f"draws {draws!r} is neither a number nor 'auto'")
    rule = UntilPrecise(tolerance, most_draws) if draws == "auto" else Exactly(draws)
    planned = {key: settings.pop(key) for key in Plan.__dataclass_fields__ if key in settings}
    plans = [
        Plan(layer, unit=unit, draws=most_draws if draws == "auto" else draws, **planned)
        for layer, unit in watched
    ]
    return run_plans(model, image, plans, rule=rule, **settings)
