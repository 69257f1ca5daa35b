"""``erf probe``: disturb patches of a photo, measure how much a unit changes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cli.arguments.model import MODEL_HELP
from cli.arguments.picture import Size

if TYPE_CHECKING:
    import erf
    from cli.arguments.model import LoadedModel
    from cli.probing.series import Series

# Zhou et al. 2015: random occluders of 11 pixels at a stride of 3, on the strongest response.
OCCLUSION = {"patch": 11, "stride": 3, "stimulus": "replace", "unit": "max"}


class Draws(click.ParamType[int | str]):
    """A positive number, or ``auto``."""

    name = "N|auto"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Read it."""
        if value == "auto" or isinstance(value, int):
            return value
        if not (isinstance(value, str) and value.isdigit() and int(value) > 0):
            self.fail(f"{value} is neither a number above 0 nor 'auto'", param, ctx)
        return int(value)


@click.command(epilog=MODEL_HELP)
@click.argument("model", default="late")
@click.option(
    "--image",
    "images",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Photo, or folder of photos; may be repeated.  [default: Matplotlib's grace_hopper.jpg]",
)
@click.option("--image-size", type=Size(), help="Scale and crop to this.  [default: as it is]")
@click.option("--layer", default="fc7", show_default=True, help="Module path; see `erf layers`.")
@click.option(
    "--unit", default="center", show_default=True, help="center, max, ROW,COL, grid:N or all."
)
@click.option("--channel", type=click.IntRange(min=0), help="One channel.  [default: L2 norm]")
@click.option(
    "--method",
    type=click.Choice(["noise", "occlusion", "gradient"]),
    default="noise",
    show_default=True,
    help="Noise after ParseNet, occlusion after Zhou et al. (patch 11, stride 3, random pixels, "
    "strongest unit), or the gradient after Luo et al.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Of occlusion of a --channel: keep the images that excite it most.",
)
@click.option("--patch", type=click.IntRange(min=1), default=16, show_default=True, help="Pixels.")
@click.option("--stride", type=click.IntRange(min=1), help="Pixels.  [default: the patch]")
@click.option(
    "--draws", type=Draws(), default=8, show_default=True, help="Per patch; auto: until precise."
)
@click.option(
    "--sigma",
    type=click.FloatRange(min=0, min_open=True),
    default=25.0,
    show_default=True,
    help="Strength of the noise, grey levels (0..255).",
)
@click.option("--stimulus", default="gaussian", show_default=True, help="What disturbs a patch.")
@click.option("--engine", type=click.Choice(["auto", "delta", "dense"]), default="auto")
@click.option("--batch-size", type=click.IntRange(min=1), help="Disturbances at a time.")
@click.option("--memory", default="4 GiB", show_default=True, help="Budget of the delta engine.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--skip-bad", is_flag=True, help="Leave out images that cannot be read.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="New or empty folder, or that of the same run, which goes on.  "
    "[default: erf-runs/MODEL-LAYER]",
)
@click.pass_context
def probe(ctx: click.Context, /, model: str, out: Path | None, **options: Any) -> None:
    """Measure the empirical receptive field of a unit of MODEL.

    Without arguments: the shipped ParseNet (late fusion), a real photo, the centre unit of fc7;
    then its class scores beside those of the same network without global context.
    """
    from cli.arguments.output import claim_folder
    from cli.probing.showcase import compare_shipped
    from cli.probing.summary import draw_field, print_average, print_result

    if options["method"] == "occlusion":
        options |= {key: value for key, value in OCCLUSION.items() if _is_default(ctx, key)}
    series = _series(model, options)
    run = series.describe()
    folder = claim_folder(out, f"{series.loaded.name}-{series.layer}", run)
    results: list[erf.ProbeResult] = []
    try:
        for place, result in series.run(folder, run):
            print_result(result, series.loaded, options["sigma"])
            click.echo(f"result  {place}")
            draw_field(result, place.with_suffix(".png"))
            results.append(result)
    except KeyboardInterrupt:
        click.echo(f"the same command with --out {shlex.quote(str(folder))} goes on", err=True)
        raise
    print_average(results)
    if all(_is_default(ctx, name) for name in ctx.params if name != "out"):
        compare_shipped(folder)


def _series(model: str, options: dict[str, Any]) -> Series:
    """The model, the images, and what is asked of them."""
    from cli.arguments.model import load_model
    from cli.probing.series import Series, find_images, strongest_images

    loaded, images = load_model(model), find_images(options["images"])
    if options["method"] == "occlusion" and options["channel"] is not None:
        images = strongest_images(
            images,
            loaded,
            options["layer"],
            options["channel"],
            top=options["top"],
            image_size=options["image_size"],
        )
    return Series(
        loaded=loaded,
        layer=options["layer"],
        unit=options["unit"],
        method=options["method"],
        images=images,
        image_size=options["image_size"],
        settings=_settings(options, loaded),
        skip_bad=options["skip_bad"],
    )


def _is_default(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is not ParameterSource.COMMANDLINE


def _settings(options: dict[str, Any], loaded: LoadedModel) -> dict[str, Any]:
    """Keywords of the function that measures."""
    if options["method"] == "gradient":
        return {"channel": options["channel"], "seed": options["seed"]}
    names = ("channel", "patch", "draws", "stimulus", "engine", "batch_size", "memory", "seed")
    return {name: options[name] for name in names} | {
        "stride": options["stride"] or options["patch"],
        "sigma": loaded.input_space.sigma(options["sigma"]),
    }
