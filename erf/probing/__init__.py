"""Probing: from a specimen, targets and settings to results.

run                 noise and occlusion: patches are disturbed, engines measure
run_shares          the same by several workers, block by block
differentiate       the gradient, as a result with patches of one pixel
occlude             the calibrated map of a channel over its top images
"""

from erf.probing.gradient import differentiate
from erf.probing.occlusion import OccludedChannel, occlude, rank_specimens
from erf.probing.passes import Asked, run
from erf.probing.sharing import run_shares

__all__ = [
    "Asked",
    "OccludedChannel",
    "differentiate",
    "occlude",
    "rank_specimens",
    "run",
    "run_shares",
]
