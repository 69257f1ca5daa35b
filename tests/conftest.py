"""Settings of all tests: shapes are checked at run time, random examples repeat."""

import os

from hypothesis import settings
from jaxtyping import install_import_hook

# Before anything of ours is imported. Not the modules that take what users give (erf.settings,
# erf.subject, erf.questions, the networks and recipes of parsenet): they answer what is wrong in
# words, which their tests provoke, and a checker would be faster with an answer of its own. Not the
# arithmetic on graphs either, whose inner loops it makes many times slower: ERF_SHAPES=all looks at
# these too, none at nothing.
INSIDE = (
    *("erf.engines.check", "erf.engines.choose", "erf.engines.dense", "erf.measures"),
    *("erf.model.listing", "erf.model.observe", "erf.model.origin", "erf.probing", "erf.results"),
    *("erf.stimulus", "figures.compare", "figures.depth", "figures.maps", "figures.outlines"),
    *("figures.explorer.bench", "figures.explorer.painting"),
    *("figures.photo", "figures.report", "figures.theory"),
    *("erf.photo", "erf.sources", "erf.study", "parsenet.datasets.read", "parsenet.bilinear"),
    *("parsenet.datasets.counting", "parsenet.norms"),
    *("parsenet.palette", "parsenet.scenes", "parsenet.scores", "parsenet.training.augment"),
    *("parsenet.training.sampling", "parsenet.training.supply", "parsenet.pretrained.files"),
)
LOOPS = ("erf.geometry", "erf.graph", "erf.theoretical", "erf.engines.delta")
SHAPES = os.environ.get("ERF_SHAPES", "usual")
if SHAPES != "none":
    install_import_hook((*INSIDE, *(LOOPS if SHAPES == "all" else ())), "shape_checker.checked")

# On a check of a change, the same examples every time: whether it passes must not hang on luck.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
