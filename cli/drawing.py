"""What figures of training and of checkpoints are drawn from."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Float64, Int64, UInt8
    from torch import Tensor

    from figures import Growth
    from parsenet import Checkpoint


def read_growth(run: Path, unit: str | None) -> tuple[list[Growth], float | None]:
    """The probes in a folder, and the side of the theoretical field inside the image.

    Raises:
        click.BadParameter: when a result's path has no number.
    """
    import erf
    from cli.arguments.results import find_results, open_result
    from erf.geometry import parse_unit
    from figures import Growth
    from figures.unit import at_unit

    name = None if unit is None else parse_unit(unit)
    probes, theory = [], None
    for path in find_results(run):
        numbers = re.findall(r"\d+", str(path.relative_to(run).with_suffix("")))
        if not numbers:
            raise click.BadParameter(f"{path}: its path names no iteration, such as 200.zarr")
        measurement = erf.measure(at_unit(open_result(path), name))
        probes.append(Growth(int(numbers[-1]), measurement.side, measurement.interval("side")))
        theory = None if measurement.theory is None else measurement.theory.area**0.5
    return probes, theory


def read_curves(run: Path, key: str) -> list[tuple[int, float]]:
    """(iteration, value) of every line of a training's journal that has this key.

    Raises:
        click.BadParameter: when there is no journal.
    """
    from parsenet.training.journal import read_journal

    path = run / "metrics.jsonl" if run.is_dir() else run
    if not path.is_file():
        raise click.BadParameter(f"{path}: no such file; a training writes it")
    lines = read_journal(path)
    return [(int(line["iteration"]), float(line[key])) for line in lines if key in line]


def feature_norms(
    checkpoint: Checkpoint,
    picture: UInt8[np.ndarray, "rows cols 3"],
    *,
    positions: int,
    seed: int,
) -> tuple[
    dict[str, Float64[np.ndarray, " positions"]], dict[str, Float64[np.ndarray, " positions"]]
]:
    """L2 norms over channels, at sampled positions, of what goes into and comes out of each
    normalisation, by the name of what is normalised.

    Raises:
        click.BadParameter: when the network normalises nothing.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    before, after = {}, {}
    for name, (raw, normalized) in _normalisations(checkpoint, picture).items():
        count = raw.shape[-2] * raw.shape[-1]
        chosen = rng.choice(count, min(positions, count), replace=False)
        before[name], after[name] = (
            each[0].double().norm(dim=0).flatten()[chosen].numpy() for each in (raw, normalized)
        )
    return before, after


def _normalisations(
    checkpoint: Checkpoint, picture: UInt8[np.ndarray, "rows cols 3"]
) -> dict[str, tuple[Float[Tensor, "1 c h w"], Float[Tensor, "1 c h w"]]]:
    """What goes into and comes out of each ``L2Norm`` for one picture."""
    import torch

    from parsenet.l2norm import L2Norm

    found: dict[str, tuple[Tensor, Tensor]] = {}
    with ExitStack() as hooks, torch.inference_mode():
        for name, module in checkpoint.model.named_modules():
            if isinstance(module, L2Norm):

                def keep(
                    _: object,
                    inputs: tuple[Tensor],
                    output: Tensor,
                    name: str = name.removesuffix("_norm"),
                ) -> None:
                    found[name] = (inputs[0], output)

                hooks.enter_context(module.register_forward_hook(keep))
        checkpoint.model(checkpoint.input_space.tensor(picture)[None])
    if not found:
        raise click.BadParameter("this checkpoint normalises no feature: train it with --normalize")
    return found


def call_pixels(
    checkpoints: tuple[str, ...], picture: UInt8[np.ndarray, "rows cols 3"]
) -> tuple[dict[str, Int64[np.ndarray, "rows cols"]], tuple[str, ...]]:
    """The class of every pixel by each checkpoint's name, and the names of the classes.

    Raises:
        click.BadParameter: when checkpoints have different classes or one name.
    """
    from cli.arguments.checkpoint import open_checkpoint
    from parsenet.predict import predict

    predictions: dict[str, Int64[np.ndarray, "rows cols"]] = {}
    classes: tuple[str, ...] | None = None
    for text in checkpoints:
        checkpoint, name = open_checkpoint(text), Path(text).stem
        if classes is not None and checkpoint.classes != classes:
            raise click.BadParameter(f"{text}: has other classes than {checkpoints[0]}")
        if name in predictions:
            raise click.BadParameter(f"{text}: is the second checkpoint called {name}")
        classes = checkpoint.classes
        called = predict(checkpoint.model, picture, checkpoint.input_space)
        predictions[name] = called.cpu().numpy()
    assert classes is not None
    return predictions, classes
