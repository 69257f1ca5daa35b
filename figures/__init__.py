"""Results in, Matplotlib artists and one self-contained page out.

=============  =================================================================
one field      ``field_figure``
on any axes    ``draw_field``, ``draw_map``, ``draw_outlines``, ``draw_theory``,
               ``draw_activation``, ``draw_image``, ``draw_scale_bar``
on disk        ``save``: PNG, PDF, SVG
=============  =================================================================
"""

from figures.activation import draw_activation
from figures.field import draw_field, field_figure
from figures.maps import ShareScale, draw_map
from figures.outlines import DEFAULT_OUTLINES, Outline, draw_outlines
from figures.picture import draw_image, picture
from figures.save import save
from figures.scale_bar import draw_scale_bar
from figures.style import look
from figures.theory import draw_theory

__all__ = [
    "DEFAULT_OUTLINES",
    "Outline",
    "ShareScale",
    "draw_activation",
    "draw_field",
    "draw_image",
    "draw_map",
    "draw_outlines",
    "draw_scale_bar",
    "draw_theory",
    "field_figure",
    "look",
    "picture",
    "save",
]
