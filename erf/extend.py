"""Doors: what you bring yourself, under a name of your own. One file and one line each.

=============  =====================================================================
``stimulus``   what is done to the pixels of a patch
``size``       what "the size of a field" means
``preset``     a published measure of a raw map
``operator``   what an operator of a graph reads, and how a change passes it
``reading``    how a layer's output becomes a map
=============  =====================================================================

A function may also be given as it is, ``erf.probe(..., stimulus=function)``. A package that
announces a module under the entry point group ``erf.plugins`` has it imported when a name is looked
for, and its names work in Python and on the command line alike::

    [project.entry-points."erf.plugins"]
    mine = "my_package.erf_plugins"
"""

from erf.measures.presets import PresetReport
from erf.measures.presets import register as preset
from erf.measures.sizes import size
from erf.model.reading import reading
from erf.operators import register as operator
from erf.stimulus import Canvas, stimulus

__all__ = ["Canvas", "PresetReport", "operator", "preset", "reading", "size", "stimulus"]
