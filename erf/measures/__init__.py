"""Measures of a field: arrays in, numbers out. No tensors, no files.

One field: ``measure`` returns a ``Measurement``. What it is made of can be used on any map
``(rows, cols)`` with the areas or the ``Cells`` of its layout:

=====================  ===========================================================
sizes                  ``mass_area``, ``above_share_of_peak``, ``participation_area``,
                       ``centred_square``
masks                  ``inside_mass``, ``inside_share_of_peak``, ``inside_significant``
shape                  ``moments``, ``gaussian_fit``, ``radial_profile``
uncertainty            ``bootstrap_intervals``, ``jackknife_intervals``, ``p_values``,
                       ``precision`` (are there enough draws?)
many images or units   ``average``, ``calibrate``, ``interior_average``, ``unit_sizes``,
                       ``typical`` (over photos, with its interval)
other people's         ``preset``
between results        ``compare``
=====================  ===========================================================
"""

from erf.measures.averaging import average, calibrate
from erf.measures.cells import Cells
from erf.measures.comparison import Compared, Comparison, compare
from erf.measures.describing import describe, describe_result, size_label
from erf.measures.field import Field, fields_of
from erf.measures.floor import Floor, numerical_floor
from erf.measures.gaussian import GaussianFit, gaussian_fit
from erf.measures.intervals import Interval, bootstrap_intervals, jackknife_intervals
from erf.measures.levels import LUO_SHARE, above_share_of_peak, inside_share_of_peak
from erf.measures.mass import TWO_SIGMA, inside_mass, mass_area
from erf.measures.measurement import Measurement, Size
from erf.measures.measuring import measure
from erf.measures.over_photos import PhotoSizes, Typical, typical
from erf.measures.participation import participation_area
from erf.measures.presets import PRESETS, PresetReport, preset, register
from erf.measures.radial import RadialProfile, radial_profile
from erf.measures.ratios import Ratio
from erf.measures.significance import inside_significant, p_values
from erf.measures.sizes import SIZES, size
from erf.measures.spread import Moments, moments
from erf.measures.square import centred_square, mass_in_square
from erf.measures.stopping import FIRST_DRAWS, Precision, precision
from erf.measures.units import interior_average, interior_units, unit_sizes

__all__ = [
    "FIRST_DRAWS",
    "LUO_SHARE",
    "PRESETS",
    "SIZES",
    "TWO_SIGMA",
    "Cells",
    "Compared",
    "Comparison",
    "Field",
    "Floor",
    "GaussianFit",
    "Interval",
    "Measurement",
    "Moments",
    "PhotoSizes",
    "Precision",
    "PresetReport",
    "RadialProfile",
    "Ratio",
    "Size",
    "Typical",
    "above_share_of_peak",
    "average",
    "bootstrap_intervals",
    "calibrate",
    "centred_square",
    "compare",
    "describe",
    "describe_result",
    "fields_of",
    "gaussian_fit",
    "inside_mass",
    "inside_share_of_peak",
    "inside_significant",
    "interior_average",
    "interior_units",
    "jackknife_intervals",
    "mass_area",
    "mass_in_square",
    "measure",
    "moments",
    "numerical_floor",
    "p_values",
    "participation_area",
    "precision",
    "preset",
    "radial_profile",
    "register",
    "size",
    "size_label",
    "typical",
    "unit_sizes",
]
