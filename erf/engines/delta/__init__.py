"""Delta propagation: a change travels through the network in windows, the rest is left alone."""

from erf.engines.delta.engine import DeltaEngine

__all__ = ["DeltaEngine"]
