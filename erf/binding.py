"""How a model takes an image: alone or beside other inputs, as a tensor, in a list or dictionary.

Everything here asks a model about images alone. While a model is `bound`, its other inputs are
filled in by a hook, so that ``model(images)`` works, whatever its ``forward`` takes.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from erf.borrow import borrowed, kept_buffers
from erf.errors import ModelError, SettingError
from erf.inputs import IMAGE, Inputs
from erf.scripted import hookable

Form = Literal["tensor", "list", "dict"]
IMAGE_NAMES = ("pixel_values", "images", "image", "img", "x")
"""Parameters that are the image's where there is a choice."""


@dataclass(frozen=True, eq=False)
class Binding:
    """A hook that turns ``model(images)`` into the call that the model understands.

    Attributes:
        inputs: what it is given beside the image.
        parameter: that the image goes to; None for the first.
        form: how the image is given.
        key: of the image in a dictionary.
        beside: names of inputs that go into the dictionary too.
        each: whether tensors that begin with a 1 are repeated for every image of a batch.
    """

    inputs: Inputs
    parameter: str | None = None
    form: Form = "tensor"
    key: str = ""
    beside: tuple[str, ...] = ()
    each: bool = False

    def __call__(
        self, _: nn.Module, given: tuple[Tensor, ...], more: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of the call."""
        if len(given) != 1 or more:  # a model that calls itself
            return given, more
        images = given[0]
        values = {name: self._fill(value, images) for name, value in self.inputs.values.items()}
        if self.inputs.placed:
            return (), values
        image: Any = images
        if self.form == "list":
            image = _one_by_one(images)
        elif self.form == "dict":
            image = {self.key: images, **{name: values.pop(name) for name in self.beside}}
        if self.parameter is None:
            return (image,), values
        return (), {self.parameter: image, **values}

    @property
    def identity(self) -> Hashable:
        """Equal for bindings that make the same calls."""
        own = (self.parameter, self.form, self.key, self.beside, self.each)
        return (*own, self.inputs.sha256)

    @property
    def plain(self) -> bool:
        """Whether it changes nothing."""
        return self.form == "tensor" and not self.inputs.values and self.parameter is None

    def _fill(self, value: Any, images: Tensor) -> Any:
        if value is IMAGE:
            return images
        if isinstance(value, Mapping):
            return {key: self._fill(item, images) for key, item in value.items()}
        if isinstance(value, list | tuple):
            if len(value) == 1 and value[0] is IMAGE:  # a list of images, one an image
                return _one_by_one(images)
            filled = [self._fill(item, images) for item in value]
            return filled if isinstance(value, list) else tuple(filled)
        if not isinstance(value, Tensor):
            return value
        value = value.to(images.device, images.dtype if value.is_floating_point() else None)
        if self.each and value.ndim and value.shape[0] == 1:
            value = value.expand(len(images), *value.shape[1:])
        return value


def _one_by_one(images: Tensor) -> list[Tensor]:
    return [images[index] for index in range(images.shape[0])]


KNOWN: WeakKeyDictionary[nn.Module, dict[Hashable, Binding]] = WeakKeyDictionary()
"""What was found out, of models that live."""


@contextmanager
def bound(model: nn.Module, image: Tensor, inputs: Inputs) -> Iterator[None]:
    """Within, ``model(images)`` works for batches of images like this one; then it is as found.

    Args:
        model: any module.
        image: (channels, rows, cols), on the model's device.
        inputs: what it takes beside the image.

    Raises:
        ModelError: when the model needs an input that was not given, which is named.
        SettingError: when it has no parameter of an input's name.
    """
    if binding_of(model) is not None:
        yield
        return
    binding = find_binding(model, image, inputs)
    if binding.plain:
        yield
        return
    handle = model.register_forward_pre_hook(binding, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def binding_of(model: nn.Module) -> Binding | None:
    """The binding that a model has now."""
    hooks = model._forward_pre_hooks.values()
    return next((each for each in hooks if isinstance(each, Binding)), None)


def find_binding(model: nn.Module, image: Tensor, inputs: Inputs) -> Binding:
    """How a model takes an image: found from its signature, and by trying where that is silent.

    Raises:
        ModelError, SettingError: as of `bound`.
    """
    known = KNOWN.setdefault(model, {})
    key = (inputs.sha256, tuple(image.shape), id(getattr(type(model), "forward", None)))
    if key not in known:
        known[key] = _found(model, image, inputs)
    return known[key]


def _found(model: nn.Module, image: Tensor, inputs: Inputs) -> Binding:
    name, open_ended = type(model).__name__, False
    names: list[str] = []
    required: list[str] = []
    for each in _parameters(model):
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            open_ended = True
            continue
        names.append(each.name)
        if each.default is each.empty:
            required.append(each.name)
    given = [each for each in inputs.values if open_ended or each in names]
    unknown = [each for each in inputs.values if each not in given]
    place = None if inputs.placed else _image_parameter(names, required, given)
    lacking = [each for each in required if each not in given and each != place]
    if lacking:
        extra = f"; it takes no {unknown[0]!r}" if unknown else ""
        raise ModelError(lacks(name, lacking) + extra)
    first = names[0] if names else None
    plain = Binding(inputs, None if place == first and not given else place)
    if unknown:
        found = _in_dictionary(model, image, replace(plain, beside=tuple(unknown)))
        if found is None:
            raise SettingError(
                f"{name} has no input {unknown[0]!r} beside the image; its forward takes "
                f"{', '.join(names) or 'whatever is given'}"
            )
        return _repeated(model, image, found)
    if _fails(model, image, plain) is None:
        return _repeated(model, image, plain)
    if not inputs.placed:
        as_list = replace(plain, form="list")
        if _fails(model, image, as_list) is None:
            return as_list
        found = _in_dictionary(model, image, plain)
        if found is not None:
            return _repeated(model, image, found)
    return plain  # its own error is told where it runs


def lacks(model: str, names: Sequence[str]) -> str:
    """What is said of a model without an input that it needs."""
    first = names[0]
    return (
        f"{model} needs {', '.join(map(repr, names))} beside the image: give "
        f"inputs={{{first!r}: ...}}, or --input {first}=FILE"
    )


def _parameters(model: nn.Module) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(model.forward).parameters.values())
    except (TypeError, ValueError, RuntimeError):  # compiled: nothing is known of it
        return [inspect.Parameter("images", inspect.Parameter.VAR_POSITIONAL)]


def _image_parameter(
    names: Sequence[str], required: Sequence[str], given: Sequence[str]
) -> str | None:
    """The parameter that is the image's, of those that are not given."""
    free = [each for each in names if each not in given]
    if "pixel_values" in free:
        return "pixel_values"
    needed = [each for each in required if each not in given]
    if len(needed) > 1:
        return next((each for each in IMAGE_NAMES if each in needed), needed[0])
    left = needed or free
    return left[0] if left else None


def _in_dictionary(model: nn.Module, image: Tensor, plain: Binding) -> Binding | None:
    """The binding that puts the image into a dictionary, under the key that the model looks for.

    Raises:
        ModelError: when it looks for another key too, which is named.
    """
    binding = replace(plain, form="dict", key="")
    for _ in range(2):
        error = _fails(model, image, binding)
        if error is None:
            return binding if binding.key else None
        key = error.args[0] if isinstance(error, KeyError) and error.args else None
        if not isinstance(key, str):
            return None
        if binding.key:
            raise ModelError(lacks(type(model).__name__, [key]))
        binding = replace(binding, key=key)
    return None


def _repeated(model: nn.Module, image: Tensor, binding: Binding) -> Binding:
    """With tensors repeated for every image, where the model takes two images in no other way."""
    if not binding.inputs.values or _fails(model, image, binding, batch=2, whole=True) is None:
        return binding
    repeated = replace(binding, each=True)
    return repeated if _fails(model, image, repeated, batch=2, whole=True) is None else binding


class _Reached(Exception):
    """A module within has been called: the model has understood what it was given."""


def _fails(
    model: nn.Module, image: Tensor, binding: Binding, *, batch: int = 1, whole: bool = False
) -> Exception | None:
    """What the model raises before it calls the first module within; None if nothing.

    Args:
        model: left as found.
        image: that it is tried on.
        binding: how it is called.
        batch: images.
        whole: whether it has to run to its end.
    """

    def stop(_: nn.Module, __: object) -> None:
        raise _Reached

    inner = [] if whole else [each for path, each in hookable(model) if path]
    leaves = [each for each in inner if not any(True for _ in each.children())]
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        stack.enter_context(torch.random.fork_rng())
        stack.enter_context(borrowed(model))
        stack.enter_context(kept_buffers(model))
        for leaf in leaves:
            stack.enter_context(leaf.register_forward_pre_hook(stop))
        stack.enter_context(model.register_forward_pre_hook(binding, with_kwargs=True))
        try:
            model(image[None].repeat(batch, 1, 1, 1))
        except _Reached:
            return None
        except Exception as error:  # a model may raise anything
            return error.with_traceback(None)
    return None
