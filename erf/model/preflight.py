"""Preflight: is a model a pure, finite function of one image? Three passes find out.

The clean image runs twice alone and once beside another image. What is random, coupled through the
batch, kept between passes or not finite shows there, and is named by the first layer at fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from erf.binding import binding_of
from erf.borrow import borrowed, kept_buffers, restore_buffers
from erf.errors import ModelError
from erf.misfit import explained
from erf.model.finite import count_lost
from erf.scripted import hookable

SAMPLED = 257
"""Values of an output that are compared one by one, besides its norm."""
SAME, ALIKE = 1e-5, 1e-3
"""Differences that rounding explains, relative to an output's largest value: of two equal passes,
and of a pass of another batch size, whose kernels may add up in another order."""


@dataclass(frozen=True)
class Preflight:
    """What was found.

    Attributes:
        random: the first layer that differs between two equal passes, None where none does.
        coupled: the first layer that differs beside another image, None where none does.
        single: what the model raises for two images, None where it takes them.
        stateful: buffers that a pass changes.
        dead: layers whose clean output is one and the same number everywhere.
    """

    random: str | None = None
    coupled: str | None = None
    single: str | None = None
    stateful: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()

    @property
    def alone(self) -> bool:
        """Whether images must run one a pass, each from the same state."""
        return any(why is not None for why in (self.random, self.coupled, self.single))

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for people."""
        found = []
        if self.random is not None:
            found.append(
                f"the model is random (first at layer {self.random!r}): every pass gets the same "
                "random numbers, so that what is measured is one of the functions it may be"
            )
        if self.coupled is not None:
            found.append(
                f"images of one batch influence each other (first at layer {self.coupled!r}): "
                "one image a pass"
            )
        if self.single is not None:
            found.append(f"the model does not take two images ({self.single}): one image a pass")
        if self.stateful:
            names = ", ".join(self.stateful[:5]) + (", ..." if len(self.stateful) > 5 else "")
            found.append(f"a pass changes buffers ({names}): they are restored before every pass")
        return tuple(found)


def fly(model: nn.Module, image: Float[Tensor, "c h w"], *, fixed: bool = False) -> Preflight:
    """Run the preflight; the model is left as found.

    Args:
        model: any module that takes a batch of images.
        image: in its input space, on its device.
        fixed: whether a random model is taken with the same random numbers in every pass.

    Raises:
        ModelError: when the image, a weight, a buffer or an output is not finite, or the model is
            random and ``fixed`` is False; naming the first.
    """
    _check_finite(model, image)
    with torch.random.fork_rng(), borrowed(model), kept_buffers(model) as before:
        with explained(model, (1, *image.shape)):
            first = _watch(model, image[None])
        stateful = tuple(
            name
            for name, buffer in model.named_buffers()
            if name in before and not torch.equal(buffer, before[name])
        )
        restore_buffers(model, before)
        second = _watch(model, image[None])
        random = _first_difference(first, second, alone=True)
        if random is not None and not fixed:
            raise ModelError(
                f"the model is random: layer {random!r} gives other numbers for the same image "
                "(dropout or noise in evaluation?). random='fixed' takes it with the same random "
                "numbers in every pass"
            )
        restore_buffers(model, before)
        beside = None if random is not None else _beside(model, image)
    _check_outputs(first)
    coupled = (
        None if not isinstance(beside, dict) else _first_difference(first, beside, alone=False)
    )
    single = beside if isinstance(beside, str) else None
    binding = binding_of(model)
    if single is None and binding is not None and binding.form == "list":
        single = "it takes a list of them, each by itself"
    dead = tuple(name for name, seen in first.items() if seen.constant)
    return Preflight(random, coupled, single, stateful, dead)


@contextmanager
def from_one_state(model: nn.Module, found: Preflight) -> Iterator[None]:
    """Have every pass within begin from the same buffers and, where it matters, random numbers."""
    if not found.stateful and found.random is None:
        yield
        return

    def begin(_module: nn.Module, _inputs: object) -> None:
        restore_buffers(model, state)
        if found.random is not None:
            torch.manual_seed(0)

    with torch.random.fork_rng(enabled=found.random is not None), kept_buffers(model) as state:
        handle = model.register_forward_pre_hook(begin)
        try:
            yield
        finally:
            handle.remove()


@dataclass(frozen=True)
class _Seen:
    """A layer's output in few numbers."""

    values: Float[Tensor, " sampled"]
    norm: float
    largest: float
    lost: int
    constant: bool
    precision: float
    batched: bool
    """Whether it is the first image's share: windows of several images may lie in any order."""


def _watch(model: nn.Module, images: Float[Tensor, "n c h w"]) -> dict[str, _Seen]:
    """Run the model; what its layers put out for the first image, in the order they finish."""
    seen: dict[str, _Seen] = {}
    last: tuple[Tensor, int, _Seen] | None = None
    handles = []
    for name, module in hookable(model):

        def look(_: nn.Module, __: object, output: object, name: str = name) -> None:
            nonlocal last
            tensors = [leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor)]
            floats = [leaf for leaf in tensors if leaf.is_floating_point() and leaf.numel()]
            if not floats or not floats[0].ndim:
                return
            tensor = floats[0]
            version = -1 if tensor.is_inference() else tensor._version
            # A container hands on what its last module put out, perhaps written to meanwhile.
            if last is None or last[0] is not tensor or version < 0 or last[1] != version:
                batched = len(tensor) == len(images)
                last = tensor, version, _see(tensor[:1] if batched else tensor, batched)
            seen[name] = last[2]

        handles.append(module.register_forward_hook(look))
    try:
        with torch.no_grad():
            model(images.clone())
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _see(output: Tensor, batched: bool) -> _Seen:
    """Look at every value twice, at no more: outputs are large."""
    flat = output.detach().reshape(-1)
    low, high = (float(end) for end in torch.aminmax(flat))
    lost = 0 if isfinite(low) and isfinite(high) else count_lost(flat)
    count = min(SAMPLED, len(flat))  # float32 has no last place of more than 2**24
    places = torch.linspace(0, len(flat) - 1, count, dtype=torch.float64).long().to(flat.device)
    return _Seen(
        values=flat[places].double().cpu(),
        norm=float(torch.linalg.vector_norm(flat)),
        largest=max(abs(low), abs(high)),
        lost=lost,
        constant=len(flat) > 1 and low == high,
        precision=torch.finfo(flat.dtype).eps,
        batched=batched,
    )


def _first_difference(one: dict[str, _Seen], two: dict[str, _Seen], *, alone: bool) -> str | None:
    """The first layer in which two passes differ by more than rounding.

    Args:
        one: of the image alone.
        two: of another pass.
        alone: whether that was of the image alone too, or beside another one.
    """
    tolerance = SAME if alone else ALIKE
    for name, seen in one.items():
        other = two.get(name)
        if other is None or seen.lost or other.lost:
            continue
        if not alone and not (seen.batched and other.batched):
            continue
        if len(seen.values) != len(other.values):
            return name or "the model"
        scale = max(seen.largest, other.largest, 1e-30)
        allowed = max(tolerance, 16 * seen.precision)
        apart = float((seen.values - other.values).abs().max()) / scale
        if apart > allowed or abs(seen.norm - other.norm) > allowed * max(seen.norm, 1e-30):
            return name or "the model"
    return None


def _beside(model: nn.Module, image: Float[Tensor, "c h w"]) -> dict[str, _Seen] | str:
    """What the layers put out beside another image, or what the model raises for two."""
    other = image.flip(-1) * 3 + image.std()
    try:
        return _watch(model, torch.stack([image, other]))
    except Exception as error:  # whatever a model raises that takes one image only
        return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"[:120]


def _check_finite(model: nn.Module, image: Tensor) -> None:
    things = [("image", image)]
    things += [(f"parameter {name!r}", value) for name, value in model.named_parameters()]
    things += [(f"buffer {name!r}", value) for name, value in model.named_buffers()]
    for what, value in things:
        if lost := count_lost(value):
            raise ModelError(
                f"{what} has {lost} of {value.numel()} values that are not finite: "
                "what it feeds cannot be measured"
            )


def _check_outputs(seen: dict[str, _Seen]) -> None:
    for name, output in seen.items():
        if output.lost:
            raise ModelError(
                f"layer {name!r} is the first that puts out values that are not finite, "
                f"{output.lost} of them, on this image"
            )
