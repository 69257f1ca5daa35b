"""``erf predict``: what a checkpoint calls each pixel of some images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.arguments.checkpoint import CHECKPOINT_HELP

if TYPE_CHECKING:
    from parsenet import Checkpoint


@click.command(epilog=CHECKPOINT_HELP)
@click.argument("checkpoint")
@click.argument(
    "images", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE..."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="New or empty folder.  [default: erf-runs/CHECKPOINT-labels]",
)
@click.option("--device", help="cpu, cuda, cuda:1, ...  [default: a GPU if there is one]")
def predict(
    checkpoint: str, images: tuple[Path, ...], out: Path | None, device: str | None
) -> None:
    """Call the class of every pixel of each IMAGE.

    Writes labels/NAME.png, whose pixel values are the labels (in VOC's colours), and
    overlays/NAME.png, the image tinted by class with a legend, in the data set's colours or ours.
    """
    from erf import read_photo
    from erf.device import find_device
    from erf.progress import progress_bar
    from erf.study import new_place
    from parsenet.shipment import open_checkpoint

    _refuse_equal_names(images)
    trained = open_checkpoint(checkpoint)
    for path in images:  # a damaged one is found before anything is written
        read_photo(path)
    folder = new_place(out, f"{Path(checkpoint).stem}-labels")
    trained.model.to(find_device(device))
    for name in ("labels", "overlays"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with progress_bar("images", len(images), show=len(images) > 1) as advance:
        for path in images:
            _predict(trained, path, folder)
            advance(1)
    click.echo(f"labels    {folder / 'labels'}")
    click.echo(f"overlays  {folder / 'overlays'}")


def _refuse_equal_names(images: tuple[Path, ...]) -> None:
    """Refuse images whose results would bear one name."""
    first: dict[str, Path] = {}
    for path in images:
        if path.stem in first:
            raise click.BadParameter(
                f"{first[path.stem]} and {path} would both write {path.stem}.png"
            )
        first[path.stem] = path


def _predict(checkpoint: Checkpoint, path: Path, folder: Path) -> None:
    """Write the labels and the overlay of one image."""
    import numpy as np

    from erf import read_photo
    from figures.colors import class_colors
    from figures.overlay import overlay_figure
    from figures.saving import save
    from parsenet.class_colors import palette_of
    from parsenet.palette import write_labels
    from parsenet.prediction import predict as label_image

    photo = read_photo(path)
    image = photo.levels
    called = label_image(checkpoint.model, image, checkpoint.input_space)
    label = called.cpu().numpy().astype(np.uint8)
    write_labels(label, folder / "labels" / f"{path.stem}.png")
    palette = class_colors(len(checkpoint.classes), palette_of(checkpoint))
    figure = overlay_figure(
        image, label, checkpoint.classes, palette, title=photo.name, width="page"
    )
    save(figure, folder / "overlays" / f"{path.stem}.png")
