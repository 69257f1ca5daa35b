"""What other packages add to this one: their entry points of the group ``erf.plugins``.

An entry point names a module that is imported for what it registers: variants, data sets, recipes.

    [project.entry-points."erf.plugins"]
    mine = "my_package.networks"
"""

import warnings
from importlib.metadata import entry_points

GROUP = "erf.plugins"

_asked = False


class PluginWarning(UserWarning):
    """A plugin could not be imported; all else goes on without it."""


def load_plugins() -> None:
    """Import the modules of all entry points, the first time that this is called.

    One that fails gives a ``PluginWarning`` that names it. What a plugin asks for while it is
    imported is looked for among what is there already.
    """
    global _asked
    if _asked:
        return
    _asked = True
    for point in entry_points(group=GROUP):
        try:
            point.load()
        except (Exception, SystemExit) as error:
            package = f" of {point.dist.name}" if point.dist else ""
            warnings.warn(
                f"plugin {point.name!r}{package} ({point.value}) is left out: "
                f"{type(error).__name__}: {error}",
                PluginWarning,
                stacklevel=2,
            )
