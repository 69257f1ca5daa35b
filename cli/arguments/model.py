"""Naming a model on the command line, and what it takes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal

import click
from click.shell_completion import CompletionItem

from cli.arguments.number import FiniteRange

if TYPE_CHECKING:
    from erf import LoadedModel
    from erf.study import StudyModel

MODEL_HELP = (
    "MODEL is a checkpoint or folder of `erf train`, one shipped with this package (none, early, "
    "late), a network with random weights (parsenet, fcn32s, fcn16s, fcn8s), a torchvision model "
    "(resnet50), timm:NAME (trained with a tag: timm:resnet18.a1_in1k), hf-hub:ORG/NAME, "
    "local-dir:PATH, hf:FOLDER or hf:ORG/NAME, smp:Unet/resnet34, package.module:function, "
    "file.py:function, file.pt2 or file.onnx; `erf models` lists names."
)


class ModelName(click.ParamType[str]):
    """The name of a model, completed from all that are known."""

    name = "MODEL"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Names that begin so."""
        from erf import model_names

        return [CompletionItem(each) for each in model_names() if each.startswith(incomplete)]


@dataclass(frozen=True)
class ModelChoice:
    """What was said about the model besides its name; see `load`."""

    weights: str | None
    partial: bool
    model_args: tuple[str, ...]
    mean: str | None
    std: str | None
    largest: float
    channels: str
    device: str | None

    def named(self, name: str, chance: Literal["refuse", "fixed"] = "refuse") -> StudyModel:
        """A model to which this is said, not loaded yet."""
        import erf
        from erf.sources import read_arguments
        from erf.study import StudyModel

        return StudyModel(
            source=name,
            weights=self.weights,
            partial=self.partial,
            arguments=read_arguments(self.model_args),
            input_space=erf.InputSpace.read(
                self.mean, self.std, largest=self.largest, channels=self.channels
            ),
            random=chance,
        )

    def load(self, name: str, image_size: tuple[int, int] | None = None) -> LoadedModel:
        """Find the model and place it on the device; what a user should know goes to stderr.

        Raises:
            SourceError: when it cannot be had, or an option cannot be read.
        """
        loaded = self.named(name).find(image_size)
        for note in loaded.notes:
            click.echo(f"note: {note}", err=True)
        if self.device is not None:
            from erf.device import find_device

            loaded.model.to(find_device(self.device))
        return loaded


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `ModelChoice`, which it gets as ``choice``."""
    names = list(ModelChoice.__dataclass_fields__)

    @wraps(command)
    def chosen(*arguments: Any, **options: Any) -> Any:
        choice = ModelChoice(**{name: options.pop(name) for name in names})
        return command(*arguments, choice=choice, **options)

    for option in reversed(
        (
            click.option("--weights", help="File of weights, or a name that the library fetches."),
            click.option("--partial", is_flag=True, help="Take the weights that fit."),
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
        )
    ):
        chosen = option(chosen)
    return chosen
