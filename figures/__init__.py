"""Results in, Matplotlib artists and one self-contained page out.

=================  ==============================================================
one field          ``field_figure``
several            ``compare_figure``, ``depth_figure``, ``place_figure``
tiles              ``margin_figure``
training           ``growth_figure``, ``training_figure``, ``predictions_figure``
normalisation      ``scales_figure``
on any axes        ``draw_field``, ``draw_map``, ``draw_outlines``, ``draw_theory``,
                   ``draw_activation``, ``draw_image``, ``draw_scale_bar``,
                   ``draw_margins``, ``draw_profiles``, ``draw_sizes``, ``draw_depth``,
                   ``draw_growth``, ``draw_norms``, ``draw_losses``, ``draw_scores``,
                   ``draw_labels``
on disk            ``save``: PNG, PDF, SVG
of one's own      ``figure``, a decorator; ``FIGURES`` by name
HTML               ``html_summary``; a page to explore: ``figures.report.report_page``
=================  ==============================================================
"""

from figures.activation import draw_activation
from figures.compare import compare_figure, draw_difference, draw_profiles, draw_sizes
from figures.depth import depth_figure, draw_depth
from figures.field import draw_field, field_figure
from figures.growth import Growth, draw_growth, growth_figure
from figures.maps import ShareScale, draw_map
from figures.outlines import DEFAULT_OUTLINES, Outline, draw_outlines
from figures.photo import draw_image, picture
from figures.place import draw_border_profile, draw_places, place_figure
from figures.predictions import draw_labels, predictions_figure
from figures.registry import FIGURES, figure
from figures.saving import save
from figures.scale_bar import draw_scale_bar
from figures.scales import draw_norms, scales_figure
from figures.style import look
from figures.summary import html_summary
from figures.theory import draw_theory
from figures.tiles import draw_margins, margin_figure
from figures.training import draw_losses, draw_scores, training_figure

__all__ = [
    "DEFAULT_OUTLINES",
    "FIGURES",
    "Growth",
    "Outline",
    "ShareScale",
    "compare_figure",
    "depth_figure",
    "draw_activation",
    "draw_border_profile",
    "draw_depth",
    "draw_difference",
    "draw_field",
    "draw_growth",
    "draw_image",
    "draw_labels",
    "draw_losses",
    "draw_map",
    "draw_margins",
    "draw_norms",
    "draw_outlines",
    "draw_places",
    "draw_profiles",
    "draw_scale_bar",
    "draw_scores",
    "draw_sizes",
    "draw_theory",
    "field_figure",
    "figure",
    "growth_figure",
    "html_summary",
    "look",
    "margin_figure",
    "picture",
    "place_figure",
    "predictions_figure",
    "save",
    "scales_figure",
    "training_figure",
]
