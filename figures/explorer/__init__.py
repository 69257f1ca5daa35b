"""Click and see: a live page on this machine. What does this unit hear?

=================  ==============================================================
question           what a tab asks: pure, out of the page's JSON
order              what is explored: models by name, or a subject
bench              the worker's work, a step of one question at a time
worker             where that runs: a thread, or a process that may die
tab, views         a page: what it asks goes on, what comes back is painted
telling, painting  from results to words and numbers, to pixels and lines
server             the loopback address, a token, no other origin
opening            the ways in: models by name, or a subject of a notebook
keeping            results, figures and static pages that outlast it
=================  ==============================================================
"""

from figures.explorer.opening import explore, explore_subject
from figures.explorer.order import ByName
from figures.explorer.server import Explorer

__all__ = ["ByName", "Explorer", "explore", "explore_subject"]
