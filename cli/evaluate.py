"""``erf evaluate``: segmentation scores of a checkpoint on a data set."""

from __future__ import annotations

import json
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
    from parsenet.evaluation import check_classes, my_share
    from parsenet.report import other_names, print_assessment
    from parsenet.shipment import open_checkpoint
    from parsenet.training.processes import joined

    trained = open_checkpoint(checkpoint)
    other = None if against is None else open_checkpoint(against)
    dataset = open_dataset(data, root, split, download=download)
    check_classes(trained.classes, dataset)
    question = Question(**asked)
    images = min(len(dataset), question.limit or len(dataset))
    with joined(str(find_device(device))) as processes:
        for each in filter(None, (trained, other)):
            each.model.to(processes.device)
        total = len(my_share(images)) * passes(question, against=other is not None)
        with progress_bar("images", total, show=processes.first) as advance:
            found = assess(trained, dataset, question, against=other, on_image=lambda: advance(1))
    if not processes.first:
        return
    if as_json:
        summary = {"checkpoint": checkpoint, "data": data, "split": split, "images": images}
        click.echo(json.dumps(summary | found.as_plain(dataset.classes), allow_nan=False))
    else:
        print_assessment(found, dataset)
        if note := other_names(trained.classes, dataset):
            click.echo(f"note: {note}")
