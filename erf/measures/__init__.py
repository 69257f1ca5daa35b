"""Measures of a field: arrays in, numbers out. No tensors, no files.

One field: ``measure`` returns a ``Measurement``. What it is made of can be used on any map
``(rows, cols)`` with the areas or the ``Cells`` of its layout:

=====================  ===========================================================
sizes                  ``mass_area``, ``above_share_of_peak``, ``participation_area``,
                       ``centred_square``
masks                  ``inside_mass``, ``inside_share_of_peak``, ``inside_significant``
shape                  ``moments``, ``gaussian_fit``, ``radial_profile``
uncertainty            ``bootstrap_intervals``, ``jackknife_intervals``, ``p_values``
=====================  ===========================================================
"""

from erf.measures.cells import Cells
from erf.measures.field import Field
from erf.measures.floor import Floor, numerical_floor
from erf.measures.gaussian import GaussianFit, gaussian_fit
from erf.measures.intervals import Interval, bootstrap_intervals, jackknife_intervals
from erf.measures.levels import LUO_SHARE, above_share_of_peak, inside_share_of_peak
from erf.measures.mass import TWO_SIGMA, inside_mass, mass_area
from erf.measures.measure import measure
from erf.measures.measurement import Measurement, Size
from erf.measures.moments import Moments, moments
from erf.measures.participation import participation_area
from erf.measures.radial import RadialProfile, radial_profile
from erf.measures.significance import inside_significant, p_values
from erf.measures.square import centred_square, mass_in_square

__all__ = [
    "LUO_SHARE",
    "TWO_SIGMA",
    "Cells",
    "Field",
    "Floor",
    "GaussianFit",
    "Interval",
    "Measurement",
    "Moments",
    "RadialProfile",
    "Size",
    "above_share_of_peak",
    "bootstrap_intervals",
    "centred_square",
    "gaussian_fit",
    "inside_mass",
    "inside_share_of_peak",
    "inside_significant",
    "jackknife_intervals",
    "mass_area",
    "mass_in_square",
    "measure",
    "moments",
    "numerical_floor",
    "p_values",
    "participation_area",
    "radial_profile",
]
