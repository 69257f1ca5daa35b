"""The networks by name: a name and a few keywords make a model; anybody's can be added.

    @parsenet.register_variant("unet")
    def unet(*, classes: int, width: float = 1.0) -> nn.Module: ...

Such a network is built, trained, saved, loaded and scored as those of this package are.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import nn

from parsenet.backbone import BackboneParseNet
from parsenet.classifier import VGG16Classifier
from parsenet.errors import ModelError
from parsenet.fcn import FCN8s, FCN16s, FCN32s
from parsenet.net import ParseNet
from parsenet.registry import Registry

Factory = TypeVar("Factory", bound=Callable[..., nn.Module])


@dataclass(frozen=True)
class Variant:
    """A network that can be named.

    Attributes:
        factory: makes it, with fresh weights, from keywords; ``classes``, the number of classes, is
            one of them. The model takes images (n, 3, height, width) to scores of every pixel.
        recipe: by which it is trained on photos, unless another is named.
        offered: whether the name alone means it where models are asked for; ``vgg16`` is
            torchvision's there.
        shapes_alone: whether it can be built without memory for its weights: all of it is ours.
    """

    factory: Callable[..., nn.Module]
    recipe: str = "parsenet-release"
    offered: bool = True
    shapes_alone: bool = False

    @property
    def keywords(self) -> tuple[str, ...]:
        """What it can be built with; empty if it takes any."""
        parameters = inspect.signature(self.factory).parameters.values()
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            return ()
        return tuple(parameter.name for parameter in parameters)


VARIANTS = Registry(
    "variant",
    ModelError,
    {
        "parsenet": Variant(ParseNet, shapes_alone=True),
        "fcn32s": Variant(FCN32s, "fcn32s", shapes_alone=True),
        "fcn16s": Variant(FCN16s, "fcn16s", shapes_alone=True),
        "fcn8s": Variant(FCN8s, "fcn8s", shapes_alone=True),
        "vgg16": Variant(VGG16Classifier, offered=False, shapes_alone=True),
        "backbone": Variant(BackboneParseNet, offered=False),
    },
)
"""The variants by name, registered ones and those of plugins too."""


def register_variant(
    name: str, *, recipe: str = "parsenet-release"
) -> Callable[[Factory], Factory]:
    """Return a decorator that makes a class or function the variant of this name.

    Args:
        name: what ``build``, checkpoints and ``erf train`` call it.
        recipe: see ``Variant``.

    Raises:
        ModelError: if the name is one of this package's own, or the factory takes no ``classes``.
    """

    def register(factory: Factory) -> Factory:
        variant = Variant(factory, recipe)
        if variant.keywords and "classes" not in variant.keywords:
            raise ModelError(f"the variant {name!r} has no keyword 'classes'")
        VARIANTS.register(name, variant)
        return factory

    return register


def build(variant: str, /, **options: Any) -> nn.Module:
    """Build a named variant with fresh weights, in training mode.

    Args:
        variant: one of ``VARIANTS``: "parsenet", "fcn32s", "fcn16s", "fcn8s", or a registered one.
        options: keywords of the variant's class (``ParseNet``, ``FCN32s``, ...): ``classes``,
            ``width``, ``batch_norm`` and ``dropout`` for all of this package.

    Raises:
        ModelError: if there is no such variant, keyword or value.
    """
    entry = VARIANTS.find(variant)
    known = entry.keywords
    for name in options:
        if known and name not in known:
            raise ModelError(f"{variant} has no keyword {name!r}; it has {', '.join(known)}")
    return entry.factory(**options)
