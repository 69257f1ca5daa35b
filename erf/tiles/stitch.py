"""A model run on an image tile by tile: the kept parts side by side, nothing blended."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erf.borrow import borrowed, kept_buffers, placed_like
from erf.errors import SettingError, TilingError
from erf.graph import try_graph_of
from erf.model import observe_maps
from erf.progress import progress_bar
from erf.tiles.axis import Piece
from erf.tiles.plan import Tiling

Map = Float[Tensor, "channels rows cols"]


def tiled(model: nn.Module, image: Map, plan: Tiling, *, progress: bool = False) -> Map:
    """What a layer puts out for an image, computed tile by tile.

    The memory needed is that of one tile and of the output.

    Args:
        model: handed back as found.
        image: (channels, rows, cols), in the model's input space.
        plan: of `tiling`, for this model and image size.
        progress: show a bar on standard error.

    Returns:
        (channels, rows, cols) of the layer for the whole image.

    Raises:
        SettingError: the plan is for another image size.
        TilingError: the model puts out fewer units for a tile than the plan counts on.

    Example:
        >>> import torch, erf
        >>> model = torch.nn.Conv2d(3, 4, 5, padding=2).double()
        >>> image = torch.randn(3, 64, 64, dtype=torch.float64)
        >>> plan = erf.tiling(model, image_size=(64, 64), tile=32)
        >>> bool(torch.allclose(tiled(model, image, plan), model(image[None])[0], atol=1e-12))
        True
    """
    if tuple(image.shape[1:]) != plan.image_size:
        raise SettingError(
            f"image of {image.shape[1]}x{image.shape[2]} px: the tiles are planned for "
            f"{plan.image_size[0]}x{plan.image_size[1]}"
        )
    whole: Map | None = None
    with progress_bar("tiles", len(plan.pieces), show=progress) as advance:
        for (rows, cols), found in tile_maps(model, image, plan):
            if whole is None:
                size = (found.shape[0], plan.rows.units, plan.cols.units)
                whole = found.new_empty(size)
            kept = found[
                :,
                rows.skipped : rows.skipped + rows.last - rows.first,
                cols.skipped : cols.skipped + cols.last - cols.first,
            ]
            place = whole[:, rows.first : rows.last, cols.first : cols.last]
            if kept.shape != place.shape:
                raise TilingError(
                    f"the tile at {rows.start},{cols.start} gives {tuple(found.shape[1:])} units "
                    f"of {plan.layer!r}, too few for the {tuple(place.shape[1:])} that are kept"
                )
            place.copy_(kept)
            advance(1)
    assert whole is not None
    return whole


def tile_maps(
    model: nn.Module, image: Map, plan: Tiling
) -> Iterator[tuple[tuple[Piece, Piece], Map]]:
    """Each tile, and what the layer puts out for it, uncut."""
    placed = placed_like(model, torch.as_tensor(image))
    for rows, cols in plan.pieces:
        part = placed[None, :, rows.start : rows.stop, cols.start : cols.stop].clone()
        graph = try_graph_of(model, part.shape)
        try:
            with borrowed(model), kept_buffers(model):
                found = observe_maps(model, part, [plan.layer], graph)[plan.layer][0]
        except RuntimeError as error:
            words = str(error).strip().splitlines()
            raise TilingError(
                f"the model does not take the tile of {part.shape[2]}x{part.shape[3]} px at "
                f"{rows.start},{cols.start}: {words[0] if words else type(error).__name__}"
            ) from error
        yield (rows, cols), found
