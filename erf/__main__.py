"""``python -m erf`` is the command ``erf``, for launchers such as torchrun.

Python looks first into the folder it was started in: a file ``cli.py`` or ``figures.py`` there
would be taken for ours. The command's packages are those installed beside this one, so the folder
that holds it goes first.
"""

from __future__ import annotations

import sys
from importlib.metadata import distribution
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    scripts = distribution("erf-probe").entry_points.select(group="console_scripts", name="erf")
    next(iter(scripts)).load()(prog_name="erf")
