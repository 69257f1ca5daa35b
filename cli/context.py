"""``erf context``: which patches reach a score through the global context, which directly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli.arguments.number import FiniteRange
from cli.arguments.picture import Size

COUNT, PATH = click.IntRange(min=1), click.Path(path_type=Path)


@click.command()
@click.argument("model", default="late")
@click.option("--image", type=PATH, help="[default: Matplotlib's grace_hopper.jpg]")
@click.option("--image-size", type=Size(), help="Scale and crop to this.  [default: as it is]")
@click.option("--layer", default="score", help="After the fusion.")
@click.option("--unit", default="center", help="center, max or ROW,COL.")
@click.option("--patch", type=COUNT, default=32, help="Pixels.")
@click.option("--draws", type=COUNT, default=2, help="Per patch.")
@click.option("--sigma", type=FiniteRange(min=0, min_open=True), default=25.0, help="Grey levels.")
@click.option("--out", type=PATH, help="New or empty folder.  [default: erf-runs/MODEL-context]")
def context(
    model: str, image: Path | None, image_size: tuple[int, int] | None, out: Path | None, **o: Any
) -> None:
    """Probe a unit of MODEL, a ParseNet, through its pooled vector alone, and past it.

    Writes three results, of both ways and of each alone, the other held as the photo has it; and
    shares.npz, two maps that add up to that of both.
    """
    import numpy as np

    import erf
    import figures
    from cli.arguments.picture import usual_photo
    from erf.geometry import parse_unit
    from erf.study import new_place
    from parsenet.context import WAYS, shares, through

    loaded = erf.load_model(model)
    photo = erf.read_photo(image or usual_photo(), image_size)
    tensor = loaded.input_space.tensor(photo.levels)
    noise = erf.Noise(o["patch"], draws=o["draws"], sigma=loaded.input_space.sigma(o["sigma"]))
    results = {}
    ways = {way: through(loaded.model, tensor, way) for way in WAYS}
    folder = new_place(out, f"{loaded.name}-context")
    for way, held in ways.items():
        subject = erf.Subject(held, tensor, f"{loaded.name}, {way}", photo=photo)
        results[way] = subject.probe(o["layer"], noise, unit=parse_unit(o["unit"]), progress=True)
        erf.save(results[way], folder / f"{way}.zarr")
        click.echo(f"{way:<8} {erf.measure(results[way]).summary}")
    found = shares(*(results[way].discrepancy for way in WAYS))
    np.savez(folder / "shares.npz", context=found[0], local=found[1])
    share = found[0].sum() / (found[0].sum() + found[1].sum())
    click.echo(f"{share:.0%} of all change comes by way of the context, {1 - share:.0%} directly")
    figures.save(figures.compare_figure(results), folder / "ways.png")
    click.echo(f"results, shares.npz and ways.png in {folder}")
