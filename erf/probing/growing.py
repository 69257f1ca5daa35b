"""A probe that grows: draw after draw, with a result to look at after each, and places to stop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from erf.errors import SettingError
from erf.model import Specimen
from erf.probing.draws import most_draws
from erf.probing.passes import Asked, prepare
from erf.results import LayerResult, UnitResult
from erf.settings import Disturbance, OneByOne, Until


class Growth:
    """The probe of one target, grown by as many draws as one likes.

    Its result after n draws is, to the bit, what the same probe gives with ``draws=OneByOne(n)``,
    which is what the settings of the result say.

    The model is held only while something is computed: between two steps others may ask it.

    Args:
        specimen: the model and the image.
        asked: the target.
        settings: what decides the numbers, but for the draws.

    Raises: as `erf.probing.run`.
    """

    def __init__(self, specimen: Specimen, asked: Asked, settings: Disturbance) -> None:
        self.specimen, self.taken = specimen, 0
        self.settings = replace(settings, draws=OneByOne(most_draws(settings.rule)))
        with specimen.lent():
            self._ready = prepare(specimen, [asked], self.settings)

    def draw(self) -> Iterator[None]:
        """Take one draw more: a step is a batch of patches. Left before its end, nothing is kept.

        Example:
            >>> import torch, erf
            >>> specimen = Specimen(torch.nn.Conv2d(3, 4, 3), torch.randn(3, 16, 16))
            >>> growth = Growth(specimen, Asked("output"), erf.Noise(patch=4))
            >>> for _ in growth.draw():
            ...     pass
            >>> growth.taken, growth.result().settings.draws
            (1, OneByOne(count=1))
        """
        (tally,), ready = self._ready.tallies, self._ready
        engine, grid = ready.choice.engine, ready.grid
        found = []
        readings = engine.measure(
            grid, range(len(grid)), range(self.taken, self.taken + 1), ready.disturb
        )
        while True:
            with self.specimen.lent():
                reading = next(readings, None)
            if reading is None:
                break
            found.append(reading)
            yield
        self.taken += 1
        tally.expect(self.taken)
        for reading in found:
            tally.add(reading.patches, reading.draws, reading.values[0])

    def result(self) -> UnitResult | LayerResult:
        """What is known after the draws that were taken.

        Raises:
            SettingError: before the first.
        """
        if self.taken == 0:
            raise SettingError("a probe without a draw has no result")
        settings = replace(self.settings, draws=OneByOne(self.taken))
        (found,) = self._ready.results(self.specimen, settings, self.taken)
        return found


def grow(
    specimen: Specimen, asked: Asked, settings: Disturbance
) -> Iterator[UnitResult | LayerResult]:
    """The results of a probe after each of its draws.

    Raises:
        SettingError: for draws ``auto``, whose number is not known; else as `erf.probing.run`.
    """
    if isinstance(settings.rule, Until):
        raise SettingError("draws 'auto' of a probe that grows: say how many at the most")
    growth = Growth(specimen, asked, settings)
    for _ in range(most_draws(settings.rule)):
        for _ in growth.draw():
            pass
        yield growth.result()
