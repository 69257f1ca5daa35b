"""Probing: from a specimen, targets and settings to results.

run                 noise and occlusion: patches are disturbed, engines measure
run_shares          the same by several workers, block by block
grow, Growth        the same draw after draw, with a result to look at after each
reach               one patch against all units of a layer: its projective field
foresee             what a probe will roughly show, from one gradient
differentiate       the gradient, as a result with patches of one pixel
occlude             the calibrated map of a channel over its top images
"""

from erf.probing.foresight import foresee
from erf.probing.gradient import differentiate
from erf.probing.growing import Growth, grow
from erf.probing.occlusion import OccludedChannel, occlude, rank_specimens
from erf.probing.passes import Asked, run
from erf.probing.projective import reach
from erf.probing.sharing import run_shares

__all__ = [
    "Asked",
    "Growth",
    "OccludedChannel",
    "differentiate",
    "foresee",
    "grow",
    "occlude",
    "rank_specimens",
    "reach",
    "run",
    "run_shares",
]
