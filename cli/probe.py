"""``erf probe``: disturb patches of a photo, measure how much a unit changes."""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cli.arguments.layer import layer_options
from cli.arguments.model import MODEL_HELP, complete_models, load, model_options
from cli.arguments.number import FiniteRange
from cli.arguments.picture import Size
from cli.arguments.setting import SETTINGS, Names, settings

if TYPE_CHECKING:
    import erf
    from erf import LoadedModel
    from erf.settings import Settings
    from erf.sources import Choice, LayerChoice
    from erf.study import Series

OURS = "late"


@click.command(epilog=MODEL_HELP)
@click.argument("models", nargs=-1, shell_complete=complete_models, metavar="[MODEL]...")
@click.option(
    "--image",
    "images",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Photo, or folder of photos; may be repeated.  [default: Matplotlib's grace_hopper.jpg]",
)
@click.option("--image-size", type=Size(), help="Scale and crop to this.  [default: as it is]")
@layer_options(several=True)
@click.option(
    "--unit",
    help="center, max, ROW,COL, grid:N, interior or all.  [default: center, occlusion max]",
)
@click.option("--channel", type=click.IntRange(min=0), help="One channel.  [default: L2 norm]")
@click.option(
    "--method",
    type=Names("erf.settings", "METHODS"),
    default="noise",
    help="Noise after ParseNet, occlusion after Zhou et al. (random pixels in small windows, "
    "strongest unit), or the gradient after Luo et al.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=10,
    help="Of occlusion of a --channel: keep the images that excite it most.",
)
@settings
@click.option(
    "--sigma",
    type=FiniteRange(min=0, min_open=True),
    default=25.0,
    help="Strength of the noise, grey levels (0..255).",
)
@click.option(
    "--random",
    "chance",
    type=click.Choice(["refuse", "fixed"]),
    default="refuse",
    help="A model that gives other numbers for the same image: refuse it, or give every pass the "
    "same random numbers.",
)
@click.option("--skip-bad", is_flag=True, help="Leave out images that cannot be read.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="New or empty folder, or that of the same run, which goes on.  "
    "[default: erf-runs/MODEL-LAYER]",
)
@model_options
@click.pass_context
def probe(
    ctx: click.Context,
    /,
    models: tuple[str, ...],
    out: Path | None,
    choice: Choice,
    asked: LayerChoice,
    **options: Any,
) -> None:
    """Measure the empirical receptive field of a unit of MODEL.

    Several models or layers are a study, see `erf study`. Without arguments: the shipped ParseNet
    (late fusion), a real photo, the centre unit of fc7; then its class scores beside those of the
    same network without global context.
    """
    if len(models) > 1 or len(options["layers"]) > 1 or options["unit"] == "interior":
        from cli.study import probe_many

        probe_many(models or (OURS,), out, (choice, asked), _settings(ctx, options), options)
        return
    from cli.probing.showcase import compare_shipped
    from cli.probing.summary import may_run_alone

    if not may_run_alone():
        return
    (model,) = models or (OURS,)
    loaded = replace(load(choice, model, options["image_size"]), chance=options["chance"])
    with asked.read(loaded, "fc7", options["image_size"]) as (loaded, layer):
        place = _run(_series(ctx, loaded, layer, options), out, options["sigma"])
    if not any(_given(ctx, name) for name in ctx.params if name != "out"):
        compare_shipped(place)


def _run(series: Series, out: Path | None, sigma: float) -> Path:
    """Probe, print what comes out, and return the folder where it is."""
    from cli.probing.summary import draw_field, print_average, print_result
    from erf.study import RunFolder, free_place

    place = out or free_place(f"{series.loaded.name}-{series.layer}")
    folder = RunFolder(place, series.describe())
    folder.check()
    results: list[erf.UnitResult | erf.LayerResult] = []
    try:
        for path, result in series.run(folder, on_skip=partial(click.echo, err=True)):
            print_result(result, series.loaded, sigma)
            click.echo(f"result  {path}")
            draw_field(result, path.with_suffix(".png"))
            results.append(result)
    except KeyboardInterrupt:
        click.echo(f"the same command with --out {shlex.quote(str(place))} goes on", err=True)
        raise
    print_average(results)
    return place


def _series(ctx: click.Context, loaded: LoadedModel, layer: str, options: dict[str, Any]) -> Series:
    """The model, the images, and what is asked of them."""
    from cli.arguments.picture import usual_photo
    from erf.photo import find_photos
    from erf.study import Series, strongest_images

    occlusion = options["method"] == "occlusion"
    images = find_photos(options["images"]) or [usual_photo()]
    size, channel = options["image_size"] or loaded.size, options["channel"]
    unit = options["unit"]
    if occlusion and channel is not None:
        images = strongest_images(
            images, loaded, layer, channel, top=options["top"], image_size=size
        )
    return Series(
        loaded=loaded,
        layer=layer,
        unit=("max" if occlusion else "center") if unit is None else unit,
        channel=channel,
        images=images,
        image_size=size,
        settings=_settings(ctx, options, loaded.input_space.sigma(options["sigma"])),
        skip_bad=options["skip_bad"],
    )


def _given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _settings(
    ctx: click.Context, options: dict[str, Any], sigma: tuple[float, ...] = ()
) -> Settings:
    """What the method takes of the options; those that were not given keep its defaults.

    Raises:
        SettingError: for an option that the method does not have, or one out of range.
    """
    from erf.settings import settings_of

    found = {name: options[name] for name in SETTINGS if options[name] is not None}
    if sigma:
        found["sigma"] = sigma
    return settings_of(
        options["method"], found, [name for name in (*SETTINGS, "sigma") if _given(ctx, name)]
    )
