"""What must agree where results are set beside each other: patch, stride, stimulus, image size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from erf.errors import SettingError
from erf.results import Result


@dataclass(frozen=True)
class Conditions:
    """Under which a result was measured.

    Attributes:
        asked: the method, and of a gradient how its colours add up.
        patch, stride: pixels.
        stimulus: its name; empty for a gradient.
        sigma: of the noise, grey levels where the result says how its model takes them; else in the
            model's own units, which are not compared.
        image_size: (rows, cols), None where a result does not say.
    """

    asked: str
    patch: int
    stride: int
    stimulus: str
    sigma: float | None
    image_size: tuple[int, int] | None

    @classmethod
    def of(cls, settings: Mapping[str, Any], origin: Mapping[str, Any]) -> Conditions:
        """Of a result's settings and origin, as they are kept."""
        found = origin.get("image", {}).get("size")
        size = None if found is None else (int(found[0]), int(found[1]))
        method = settings["method"]
        if method == "gradient":
            asked = f"gradient, {settings['reduce']}"
            return cls(asked, 1, 1, "", None, size)
        stimulus = settings["stimulus"]
        name = stimulus["name"] if isinstance(stimulus, Mapping) else str(stimulus)
        return cls(
            asked=method,
            patch=settings["patch"],
            stride=settings["stride"] or settings["patch"],
            stimulus=name,
            sigma=_grey_levels(settings["sigma"], origin),
            image_size=size,
        )

    @classmethod
    def of_result(cls, result: Result) -> Conditions:
        """Of a result that is open."""
        image = {"size": list(result.image_size)}
        return cls.of(result.settings.to_json(), {**result.origin, "image": image})

    def plain(self) -> dict[str, Any]:
        """By name, but for what was asked."""
        size = None if self.image_size is None else _show(self.image_size)
        found = asdict(self) | {"image_size": size}
        del found["asked"]
        return found


def _grey_levels(sigma: Any, origin: Mapping[str, Any]) -> float | None:
    space = origin.get("model", {}).get("input_space")
    if not isinstance(space, Mapping):
        return None
    first = sigma[0] if isinstance(sigma, list | tuple) else sigma
    return float(f"{first * space['std'][0]:.6g}")


def check_alike(named: Iterable[tuple[str, Conditions]], *, mixed: bool, told: str) -> None:
    """Refuse results that were not measured alike.

    Args:
        named: what each is called, and its conditions.
        mixed: whether they may differ.
        told: what the user says to have them all the same.

    Raises:
        SettingError: naming two results and what they differ in.
    """
    first: tuple[str, Conditions] | None = None
    for name, each in named:
        if first is None:
            first = name, each
            continue
        one, other = asdict(first[1]), asdict(each)
        differ = [
            key for key in one if one[key] != other[key] and None not in (one[key], other[key])
        ]
        if differ and not mixed:
            what = differ[0]
            word = {"asked": "method", "image_size": "image size"}.get(what, what)
            raise SettingError(
                f"{name} was measured with {word} {_show(other[what])}, {first[0]} with "
                f"{_show(one[what])}: their sizes cannot be set beside each other; {told}"
            )


def _show(value: Any) -> str:
    return "{}x{}".format(*value) if isinstance(value, tuple) else f"{value}"
