"""An oracle for theory that knows no rules: which pixels a unit's gradient says it reads.

Everything is in float64; gates that mask gradients are replaced by smooth ones that read the same;
weights and images are random, so that nothing cancels. `examine` holds theory to it.
"""

from benchmarks.oracle.case import Case
from benchmarks.oracle.cases import every_case, quick_cases
from benchmarks.oracle.examine import Finding, examine
from benchmarks.oracle.truth import supports

__all__ = ["Case", "Finding", "every_case", "examine", "quick_cases", "supports"]
