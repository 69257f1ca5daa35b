"""The same question asked of many images, and its answers kept in one folder."""

from erf.study.folder import RunFolder, free_place, new_place
from erf.study.growth import GrowthProbe, read_growth
from erf.study.places import find_results, named_paths, open_results
from erf.study.series import Series, strongest_images

__all__ = [
    "GrowthProbe",
    "RunFolder",
    "Series",
    "find_results",
    "free_place",
    "named_paths",
    "new_place",
    "open_results",
    "read_growth",
    "strongest_images",
]
