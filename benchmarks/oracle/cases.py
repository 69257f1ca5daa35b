"""All cases: operators one by one, hostile combinations of them, and models of two libraries."""

from __future__ import annotations

from benchmarks.oracle.attention import ATTENTION
from benchmarks.oracle.case import Case
from benchmarks.oracle.gates import GATES
from benchmarks.oracle.mixing import MIXING
from benchmarks.oracle.models import models
from benchmarks.oracle.moving import MOVING
from benchmarks.oracle.sampling import SAMPLING


def quick_cases() -> list[Case]:
    """Operators: each takes a fraction of a second."""
    return [*MOVING, *SAMPLING, *MIXING, *GATES, *ATTENTION]


def every_case() -> list[Case]:
    """Operators and models."""
    return [*quick_cases(), *models()]
