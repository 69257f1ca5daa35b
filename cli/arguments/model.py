"""Naming a model on the command line, and what it takes in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from cli.arguments.number import FiniteRange

if TYPE_CHECKING:
    from erf import LoadedModel
    from erf.sources import Choice

MODEL_HELP = (
    "MODEL is a checkpoint or folder of `erf train` (FOLDER@best, FOLDER@1200), one shipped with "
    "this package (none, early, late), a network with random weights (parsenet, fcn32s, fcn16s, "
    "fcn8s), a torchvision model (resnet50), timm:NAME (trained with a tag: "
    "timm:resnet18.a1_in1k), hf-hub:ORG/NAME, local-dir:PATH, hf:FOLDER or hf:ORG/NAME, "
    "smp:Unet/resnet34, package.module:function, file.py:function, file.pt2 or file.onnx; "
    "`erf models` lists names."
)


def complete_models(_: click.Context, __: click.Parameter, start: str) -> list[str]:
    """Names that begin so, for a shell."""
    from erf import model_names

    return [each for each in model_names() if each.startswith(start)]


model_argument = click.argument("model", default="late", shell_complete=complete_models)


def load(choice: Choice, name: str, size: tuple[int, int] | None = None) -> LoadedModel:
    """Find the model; what a user should know goes to stderr."""
    loaded = choice.load(name, size)
    for note in loaded.notes:
        click.echo(f"note: {note}", err=True)
    return loaded


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `erf.sources.Choice`, which it gets as ``choice``."""

    @wraps(command)
    def chosen(*arguments: Any, **options: Any) -> Any:
        from erf.sources import Choice

        choice = Choice(**{name: options.pop(name) for name in Choice.__dataclass_fields__})
        return command(*arguments, choice=choice, **options)

    for option in reversed(
        (
            click.option("--weights", help="File of weights, or a name that the library fetches."),
            click.option("--partial", is_flag=True, help="Take the weights that fit."),
            click.option("--init", help="For a network of ours: .caffemodel, VGG-16, ..."),
            click.option("--init-input", help="caffe, imagenet, unit, grey.  [default: usual]"),
            click.option(
                "--model-args", multiple=True, metavar="NAME=VALUE", help="For building the model."
            ),
            click.option("--mean", metavar="A,B,C", help="Of the input.  [default: the model's]"),
            click.option("--std", metavar="A,B,C", help="Of the input.  [default: the model's]"),
            click.option(
                "--range",
                "largest",
                type=FiniteRange(min=0, min_open=True),
                default=255.0,
                help="White, in the units of --mean and --std: 255 or 1.",
            ),
            click.option("--channels", type=click.Choice(["rgb", "bgr"]), default="rgb"),
            click.option("--device", help="cpu, cuda, cuda:1, mps.  [default: cpu]"),
            click.option("--dtype", help="float32, float64, bfloat16, float16."),
            click.option(
                "--input", "inputs", multiple=True, metavar="NAME=FILE", help="Beside the image."
            ),
        )
    ):
        chosen = option(chosen)
    return chosen
