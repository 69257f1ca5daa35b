"""``erf.figures`` and ``erf.parsenet``: the packages installed with this one, whatever lies around.

``import figures`` finds a user's own ``figures.py`` if there is one beside their script, as Python
has it. ``from erf import figures`` always gives the package that was installed with ``erf``.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

NAMES = ("figures", "parsenet")


def companion(name: str) -> ModuleType:
    """The package of this name that is installed beside ``erf``.

    Raises:
        ImportError: when it is not there, or a module of another's has taken its name already.

    Example:
        >>> import erf
        >>> erf.figures.__name__
        'figures'
    """
    spec = PathFinder.find_spec(name, [str(Path(__file__).resolve().parent.parent)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{name} is not installed beside erf")
    known = sys.modules.get(name)
    if known is not None:
        if getattr(known, "__file__", None) != spec.origin:
            raise ImportError(
                f"{getattr(known, '__file__', known)} is loaded under the name {name}, which the "
                f"package beside erf needs: import erf.{name} first, or rename that file"
            )
        return known
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
