"""Empirical receptive fields: what does this network really look at?"""

from erf.geometry import Box, PatchGrid, Target

__all__ = ["Box", "PatchGrid", "Target"]
