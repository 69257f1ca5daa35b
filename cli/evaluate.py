"""``erf evaluate``: segmentation scores of a checkpoint on a data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.arguments.checkpoint import CHECKPOINT_HELP

if TYPE_CHECKING:
    from parsenet import Checkpoint
    from parsenet.datasets import LabelledImages
    from parsenet.scores import Scores

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
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def evaluate(
    checkpoint: str,
    data: str,
    root: Path | None,
    split: str,
    limit: int | None,
    download: bool,
    device: str | None,
    as_json: bool,
) -> None:
    """Score CHECKPOINT on a data set.

    Whole images at one scale, all pixels in one confusion matrix, void left out; means run over the
    classes that occur. Under torchrun the images are shared out over the processes.
    """
    from erf.device import find_device
    from parsenet.datasets import open_dataset
    from parsenet.evaluation import check_classes
    from parsenet.report import other_names, print_scores
    from parsenet.shipment import open_checkpoint
    from parsenet.training.processes import joined

    trained = open_checkpoint(checkpoint)
    dataset = open_dataset(data, root, split, download=download)
    check_classes(trained.classes, dataset)
    with joined(str(find_device(device))) as processes:
        trained.model.to(processes.device)
        scores = _score(trained, dataset, limit, show=processes.first)
    if not processes.first:
        return
    images = min(len(dataset), limit or len(dataset))
    if as_json:
        summary = {"checkpoint": checkpoint, "data": data, "split": split, "images": images}
        click.echo(json.dumps(summary | scores.as_plain(dataset.classes), allow_nan=False))
    else:
        print_scores(scores, dataset, images)
        if note := other_names(trained.classes, dataset):
            click.echo(f"note: {note}")


def _score(
    checkpoint: Checkpoint, dataset: LabelledImages, limit: int | None, *, show: bool
) -> Scores:
    from erf.progress import progress_bar
    from parsenet.evaluation import evaluate as score
    from parsenet.evaluation import my_share

    total = len(my_share(min(len(dataset), limit or len(dataset))))
    with progress_bar("images", total, show=show) as advance:
        return score(
            checkpoint.model,
            dataset,
            checkpoint.input_space,
            limit=limit,
            on_image=lambda: advance(1),
        )
