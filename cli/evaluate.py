"""``erf evaluate``: segmentation scores of a checkpoint on a data set."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from cli.arguments.checkpoint import CHECKPOINT_HELP

DATA_HELP = (
    "voc2012, pascal-context (with the background as a class), pascal-context-59 (without), "
    "sift-flow, camvid, folder or scenes."
)
ROOT_HELP = "Folder into which the data set was unpacked."


@click.command(epilog=CHECKPOINT_HELP)
@click.argument("checkpoint")
@click.option("--data", required=True, metavar="NAME", help=DATA_HELP)
@click.option("--root", type=click.Path(path_type=Path), help=ROOT_HELP)
@click.option("--split", default="val", help="val, test, train, ...")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many images.")
@click.option("--download", is_flag=True, help="Fetch the data first (voc2012).")
@click.option("--device", help="cpu, cuda, cuda:1, ...  [default: a GPU if there is one]")
@click.option("--json", "as_json", is_flag=True, help="JSON, with the confusion of each photo.")
@click.option(
    "--context",
    type=click.Choice(["own", "swapped", "mean"]),
    default="own",
    help="Pooled vector that the network reads: the photo's, another's, the mean; beside its own.",
)
@click.option("--against", metavar="CHECKPOINT", help="Another, compared by photo.")
@click.option("--group", help="Photos drawn together: drive, or a pattern of their names.")
def evaluate(
    checkpoint: str,
    data: str,
    root: Path | None,
    split: str,
    download: bool,
    device: str | None,
    as_json: bool,
    against: str | None,
    **asked: Any,
) -> None:
    """Score CHECKPOINT on a data set.

    Whole images at one scale, all pixels in one confusion matrix, void left out; means run over the
    classes that occur, intervals over photos. Under torchrun the images are shared out.
    """
    from erf.device import find_device
    from erf.progress import progress_bar
    from parsenet.assessment import Question, assess, passes
    from parsenet.datasets import open_dataset
    from parsenet.report import print_assessment
    from parsenet.shipment import open_checkpoint
    from parsenet.training.processes import joined

    trained = open_checkpoint(checkpoint)
    other = None if against is None else open_checkpoint(against)
    dataset, question = open_dataset(data, root, split, download=download), Question(**asked)
    with joined(str(find_device(device))) as processes:
        total = passes(trained, dataset, question, against=other)
        with progress_bar("images", total, show=processes.first) as advance:
            assessing = partial(assess, on_image=lambda: advance(1), device=processes.device)
            found = assessing(trained, dataset, question, against=other)
    if processes.first and as_json:
        summary = {"checkpoint": checkpoint, "data": data, "split": split}
        click.echo(json.dumps(summary | found.as_plain(dataset.classes), allow_nan=False))
    elif processes.first:
        print_assessment(found, dataset, trained.classes)
