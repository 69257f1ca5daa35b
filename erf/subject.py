"""A subject: a model and an image, prepared once and asked often."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from jaxtyping import Float
from torch import Tensor

from erf.companions import companion
from erf.errors import SettingError
from erf.geometry import UnitName, spread_units
from erf.model import Specimen
from erf.photo import Photo
from erf.probing import Asked, differentiate, grow, run
from erf.results import LayerResult, UnitResult
from erf.settings import Disturbance, Gradient, Noise, Settings


class Subject(Specimen):
    """A model and an image, exported and run clean once, then asked for layers, theory and fields.

    Everything in ``erf`` that takes a model and an image is a few lines on top of this. Subjects of
    one model and image size share one export; see `on` for a series of images.

    Args: as of `Specimen`.

    Example:
        >>> import torch, erf
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5, padding=2), torch.nn.ReLU())
        >>> subject = erf.Subject(model, torch.randn(3, 32, 32))
        >>> [layer.name for layer in subject.layers()]
        ['0', '1']
        >>> subject.theory("1").unit((0, 0)).box
        Box(top=0, left=0, bottom=3, right=3)
        >>> subject.probe("1", erf.Noise(patch=4, draws=2)).discrepancy.shape
        (8, 8)
    """

    def on(
        self,
        image: Float[Tensor, "c h w"] | Float[np.ndarray, "c h w"],
        *,
        photo: Photo | None = None,
        image_name: str | None = None,
    ) -> Subject:
        """The same model on another image; of the same size, it shares the export."""
        other = Subject(
            self.model,
            image,
            self.name,
            photo=photo,
            image_name=image_name,
            random=self.random,
            graph=self._exported,
            facts=self.facts,
            inputs=self.inputs,
        )
        other._weights = self._weights
        return other

    @overload
    def probe(  # type: ignore[overload-overlap]  # a string is a sequence of strings, but one layer
        self,
        layer: str,
        settings: Settings = ...,
        *,
        unit: UnitName = ...,
        channel: int | None = ...,
        journal: str | Path | None = ...,
        progress: bool = ...,
    ) -> UnitResult | LayerResult: ...

    @overload
    def probe(
        self,
        layer: Sequence[str],
        settings: Settings = ...,
        *,
        unit: UnitName = ...,
        channel: int | None = ...,
        journal: str | Path | None = ...,
        progress: bool = ...,
    ) -> dict[str, UnitResult | LayerResult]: ...

    def probe(
        self,
        layer: str | Sequence[str],
        settings: Settings | None = None,
        *,
        unit: UnitName = "center",
        channel: int | None = None,
        journal: str | Path | None = None,
        progress: bool = False,
    ) -> UnitResult | LayerResult | dict[str, UnitResult | LayerResult]:
        """Measure the field of a unit, or of every unit of a layer; of several layers in one pass.

        Args:
            layer: module path, such as ``fc7`` or ``features.28``; or several of them, which gives
                ``{layer: result}``.
            settings: `Noise` (by default), `Occlusion` or `Gradient`.
            unit: ``center``, ``max`` (the strongest clean response), (row, col), or ``all`` for the
                influence of every patch on every unit.
            channel: one channel, or None for the L2 norm over all.
            journal: a new folder in which finished blocks of patches are kept: the same call goes
                on there after an interruption, with the same result to the last bit. Remove it
                when the result is saved. The gradient, a single pass, keeps none.
            progress: show a bar on standard error.

        Raises:
            SettingError: a number or a name is out of range.
            LayerError: there is no such layer, or its output is not a map.
            UnitError: the unit or channel is outside the layer.
            ExportError: ``engine="delta"`` and the model cannot be exported.
            StoreError: the journal's folder holds something else, or another probe's journal.
        """
        names = [layer] if isinstance(layer, str) else list(layer)
        if not names or len(set(names)) != len(names):
            raise SettingError(f"layers {names} must name at least one layer, each once")
        asked = [Asked(name, unit, channel) for name in names]
        results = self._ask(asked, settings, journal=journal, progress=progress)
        return results[0] if isinstance(layer, str) else dict(zip(names, results, strict=True))

    def probe_units(
        self,
        layer: str,
        units: Sequence[tuple[int, int]] | str,
        settings: Settings | None = None,
        *,
        channel: int | None = None,
        journal: str | Path | None = None,
        progress: bool = False,
    ) -> list[UnitResult]:
        """Measure several units of a layer in one pass, with all draws kept.

        Args:
            layer: module path.
            units: positions, or ``grid:N`` for N by N of them spread evenly over the layer.
            settings, channel, journal, progress: as in `probe`.

        Raises:
            SettingError: no unit is named; else as `probe`.
            UnitError: a unit is outside the layer, or more are asked for than there are.
        """
        if isinstance(units, str):
            response = self.observe([layer])[layer]
            units = spread_units(units, (response.shape[1], response.shape[2]), layer)
        if not units:
            raise SettingError("units [] must name at least one unit")
        asked = [Asked(layer, unit, channel) for unit in units]
        results = self._ask(asked, settings, journal=journal, progress=progress)
        return [result for result in results if isinstance(result, UnitResult)]

    def grow(
        self,
        layer: str,
        settings: Disturbance | None = None,
        *,
        unit: UnitName = "center",
        channel: int | None = None,
    ) -> Iterator[UnitResult | LayerResult]:
        """Measure draw after draw, and give the result after each: it sharpens as one looks.

        The result after n draws is, to the bit, that of `probe` with ``draws=erf.OneByOne(n)``.

        Args: as of `probe`; ``settings.draws`` is how many at the most.

        Raises:
            SettingError: for draws ``auto``; else as `probe`.

        Example:
            >>> import torch, erf
            >>> subject = erf.Subject(torch.nn.Conv2d(3, 4, 3), torch.randn(3, 16, 16))
            >>> [each.draws for each in subject.grow("output", erf.Noise(patch=4, draws=3))]
            [1, 2, 3]
        """
        return grow(self, Asked(layer, unit, channel), settings or Noise())

    def explore(self, *, port: int = 0, open_browser: bool = True) -> Any:
        """Click and see: a live page of this model and image, served on this machine alone.

        In a notebook the page is shown below the cell. It works beside whatever runs next, and asks
        this model: close it before you change the model.

        Args:
            port: of the page; 0 for any that is free.
            open_browser: whether to open it in a browser, where this is no notebook.

        Returns:
            The `figures.explorer.Explorer`: its ``address``, and ``close()``.

        Raises:
            SettingError: when the port is taken.

        Example:
            >>> import torch, erf
            >>> subject = erf.Subject(torch.nn.Conv2d(3, 4, 3), torch.randn(3, 16, 16))
            >>> with subject.explore(open_browser=False) as explorer:
            ...     explorer.address.startswith("http://127.0.0.1:")
            True
        """
        companion("figures")
        explorer = importlib.import_module("figures.explorer")
        return explorer.explore_subject(self, port=port, open_browser=open_browser)

    def _ask(
        self,
        asked: Sequence[Asked],
        settings: Settings | None,
        *,
        journal: str | Path | None,
        progress: bool,
    ) -> list[UnitResult | LayerResult]:
        settings = Noise() if settings is None else settings
        if isinstance(settings, Gradient):
            return [differentiate(self, each, settings) for each in asked]
        if not isinstance(settings, Disturbance):
            raise SettingError(
                f"settings {settings!r} are none of erf.Noise, erf.Occlusion, erf.Gradient"
            )
        return run(self, asked, settings, journal=journal, progress=progress)
