"""Results and measurements in words: what was asked, what came out, under what circumstances."""

from __future__ import annotations

from erf.measures.measurement import Measurement
from erf.measures.measuring import measure
from erf.results import LayerResult, UnitResult
from erf.settings import Disturbance
from erf.theoretical import UnitTheory


def size_label(name: str) -> str:
    """``mass 95.45 %`` for ``mass:0.9545``.

    Example:
        >>> size_label("mass:0.9545"), size_label("moment")
        ('mass 95.45 %', 'moment')
    """
    kind, _, share = name.partition(":")
    return f"{kind} {100 * float(share):.6g} %" if share else kind


def size_cells(found: Measurement) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """All sizes of a measurement as a table for a person: its head, and the cells of its rows."""
    whole = "of map" if found.recentred else "of image"
    head = ("size", "area, px", "interval", "side, px", whole, "of theory")
    return head, [
        (
            size_label(size.name),
            f"{size.area:,.0f}",
            "" if size.interval is None else "{:,.0f} to {:,.0f}".format(*_ends(found, size.name)),
            f"{size.side:.1f}",
            f"{100 * size.area / found.whole:.1f} %",
            ""
            if not (found.theory and found.theory.area)
            else f"{100 * size.area / found.theory.area:.1f} %",
        )
        for size in found.sizes
    ]


def _ends(found: Measurement, name: str) -> tuple[float, float]:
    ends = found.interval(name)
    assert ends is not None
    return ends


def describe(found: Measurement, fields: int = 1) -> list[str]:
    """Shape and circumstances of a measurement.

    Args:
        found: of one field, or of an average.
        fields: how many it is an average of.
    """
    row, col = found.center
    lines = [
        f"unit centre {row:.1f}, {col:.1f} px (from {found.center_from}); centroid "
        f"{found.offset[0]:+.1f}, {found.offset[1]:+.1f} px from it",
        f"anisotropy {found.anisotropy:.2f}, longest axis at {found.moments.angle:.0f} degrees",
    ]
    if found.gaussian is not None:
        fit = found.gaussian
        lines.append(f"Gaussian {fit.major:.1f} x {fit.minor:.1f} px, R² {fit.r_squared:.3f}")
    lines.append(
        f"patch {found.patch}, stride {found.stride}; floor {found.floor.value:.3g} "
        f"({found.floor.source})"
    )
    if found.stride < found.patch:
        lines.append(f"patches overlap: the field is blurred by the patch of {found.patch} px")
    images = f"{found.images} image{'s' if found.images > 1 else ''}"
    if fields > 1:
        over = "" if fields == found.images else f"{fields} fields of "
        lines.append(f"average over {over}{images}")
    elif found.draws > 1:
        lines.append(f"{found.draws} draws, {images}")
    return lines


def describe_result(
    result: UnitResult | LayerResult, model: str, sigma: float | None = None
) -> dict[str, str]:
    """What was asked, and what came out, each in a few words.

    Args:
        result: of a unit or a whole layer.
        model: what it is called.
        sigma: of the noise, grey levels; None to tell it in the model's own units.
    """
    settings = result.settings
    lines = {
        "model": model,
        "layer, unit": str(result.target),
        "image": "{} x {} px".format(*result.image_size),
    }
    if result.shown is not None:
        lines["shown"] = result.shown
    if isinstance(settings, Disturbance):
        stimulus = settings.disturbing.name
        lines["patch, stride"] = f"{settings.patch} px, {settings.step} px"
        strength = f"{settings.sigma}" if sigma is None else f"{sigma:g} of 255"
        lines["draws"] = f"{result.draws} of {stimulus}, sigma {strength}"
        lines["engine"] = _engine(result)
    else:
        lines["method"] = f"{settings.method}, {result.draws} projections"
    return lines | _found(result)


def _engine(result: UnitResult | LayerResult) -> str:
    check = result.engine.check
    if check is None or not check.agrees:
        return result.engine.name
    return f"{result.engine.name}, compared with dense: {check.summary}"


def _found(result: UnitResult | LayerResult) -> dict[str, str]:
    if isinstance(result, LayerResult):
        shape = " x ".join(map(str, result.discrepancy.shape))
        return {
            "theoretical": "unknown" if result.theory is None else "each unit has its own",
            "influence": f"{shape} (patch rows, cols, unit rows, cols)",
        }
    found = measure(result)
    interval = found.interval("side")
    spread = "" if interval is None else f" (95 % interval {interval[0]:.0f} to {interval[1]:.0f})"
    return {
        "theoretical": _theoretical(result.theory),
        "empirical": f"{found.side:.0f} px a side{spread}: {found.size().meaning}",
        "share": found.summary,
    }


def _theoretical(theory: UnitTheory | None) -> str:
    if theory is None:
        return "unknown"
    if theory.status == "whole_image" or theory.size is None:
        return theory.status.replace("_", " ")
    status = "" if theory.status == "exact" else f" ({theory.status.replace('_', ' ')})"
    return "{} x {} px{}, {} x {} inside the image".format(*theory.size, status, *theory.box.size)
