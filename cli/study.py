"""``erf study``: many models, layers, units and photos, measured into one tree."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from erf.settings import Settings
    from erf.sources import Choice, LayerChoice
    from erf.study import StudyPlan

GOES_ON = "the same command goes on"


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="New or empty folder, or that of this study, which goes on.  [default: erf-runs/PLAN]",
)
@click.option("--dry-run", is_flag=True, help="Say what it takes, and measure nothing.")
@click.option("--skip-bad", is_flag=True, help="Leave out photos that cannot be read.")
@click.option("--device", help="cpu, cuda, cuda:1, mps.  [default: a GPU if there is one]")
def study(plan: Path, out: Path | None, dry_run: bool, skip_bad: bool, device: str | None) -> None:
    """Measure what PLAN, a small TOML file, asks for and is not there yet.

    With the folder of a study instead of a plan: what is done, missing and failed. Under torchrun
    the workers share the work: torchrun --nproc-per-node 4 -m erf study plan.toml --out DIR.
    """
    if plan.is_dir():
        if out is not None or dry_run:
            raise click.UsageError("a study's folder is looked at; --out, --dry-run need a plan")
        show_status(plan)
        return
    from erf.study import read_plan

    measure_study(read_plan(plan), out or Path("erf-runs", plan.stem), skip_bad, device, dry_run)


def measure_study(
    plan: StudyPlan, out: Path, skip_bad: bool, device: str | None, dry_run: bool = False
) -> None:
    """Run a study, or say what it takes; tell what became of it.

    Raises:
        click.UsageError: when tasks failed, after the others are done.
    """
    from erf.study import run_study
    from erf.study.forecast import forecast
    from erf.study.team import Team

    if dry_run:
        click.echo("\n".join(forecast(plan, out, device=device).lines()))
        return
    leads = Team.is_first()
    try:
        done = run_study(plan, out, skip_bad=skip_bad, device=device, progress=True)
    except KeyboardInterrupt:
        if leads:
            click.echo(f"stopped; with --out {shlex.quote(str(out))} {GOES_ON}", err=True)
        raise
    if not leads:
        return
    show_status(out)
    failed = [each for each in done.failed if each["kind"] == "failed"]
    if failed:
        raise click.UsageError(
            f"{len(failed)} tasks failed, such as {failed[0]['task']}: {failed[0]['reason']}"
        )


def probe_many(
    models: Sequence[str],
    out: Path | None,
    said: tuple[Choice, LayerChoice],
    settings: Settings,
    options: Mapping[str, Any],
) -> None:
    """The study that `erf probe` with several models or layers asks for.

    Raises:
        click.UsageError: when images are to be ranked, or a grid or a reading is said, which one
            model and one layer do.
    """
    from cli.arguments.picture import usual_photo
    from erf.photo import find_photos
    from erf.study import StudyMethod, StudyModel, StudyPlan, free_place

    choice, asked = said
    if asked.of_one:
        raise click.UsageError("--grid, --prefix and --reading are of one MODEL, one --layer")
    if settings.method == "occlusion" and options["channel"] is not None:
        raise click.UsageError("--channel of occlusion ranks images of one MODEL, one --layer")
    plan = StudyPlan(
        models=tuple(StudyModel.of(choice, name, options["chance"]) for name in models),
        images=tuple(find_photos(options["images"]) or [usual_photo()]),
        layers=options["layers"],
        units=(options["unit"] or ("max" if settings.method == "occlusion" else "center"),),
        methods={settings.method: StudyMethod(settings, options["sigma"])},
        image_size=options["image_size"],
        channel=options["channel"],
    )
    place = out or free_place("study")
    measure_study(plan, place, options["skip_bad"], choice.device)


def show_status(folder: Path) -> None:
    """Print what is done, missing and failed,."""
    from erf.study.status import status

    click.echo("\n".join(status(folder).lines()))
