"""Results: what a probe found, where it comes from, and how it is kept.

UnitResult, LayerResult     of one unit, of all units of a layer
result.to_dataset()         as an xarray data set, with named dimensions, units and words
from_dataset                and back
save, open_result           on disk, as Zarr that xarray opens; whole or not at all
each_of                     the results in whatever a probe returned, one or many
"""

from erf.results.reading import from_dataset
from erf.results.result import LayerResult, Result, UnitResult
from erf.results.several import each_of
from erf.results.store import open_result, save

__all__ = [
    "LayerResult",
    "Result",
    "UnitResult",
    "each_of",
    "from_dataset",
    "open_result",
    "save",
]
