"""ParseNet's head on any network: torchvision's and timm's by name."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import get_model, list_models

from parsenet.branching import CONTEXT, Branch, Branching, Fusion, check_fusion
from parsenet.combine import Replicate
from parsenet.errors import ModelError
from parsenet.modes import evaluating

TRIAL = 128
"""Side of the image by which channels and sizes of a backbone's layers are found."""


def make_backbone(name: str) -> nn.Module:
    """Return a network with random weights: ``timm:convnext_tiny``, or torchvision's ``resnet50``.

    Only networks that those libraries know by name, so that no code and no weights come from
    elsewhere.

    Raises:
        ModelError: if there is none of this name, or timm is not installed.
    """
    library, colon, rest = name.rpartition(":")
    if not colon and name in list_models():
        return get_model(name, weights=None)
    if library != "timm":
        raise ModelError(f"no backbone {name!r}: name one of torchvision's, or timm:NAME")
    try:
        import timm
    except ImportError as error:
        raise ModelError(f"backbone {name!r} needs timm: pip install timm") from error
    if not timm.is_model(rest.partition(".")[0]):
        raise ModelError(f"no backbone {name!r}: timm has no model {rest!r}")
    return timm.create_model(rest.partition(".")[0], pretrained=False)


class Resize(nn.Module):
    """Interpolate a map bilinearly to the height and width of another."""

    def forward(
        self, x: Float[Tensor, "n c h w"], like: Float[Tensor, "n d y x"]
    ) -> Float[Tensor, "n c y x"]:
        """Return ``x`` at the size of ``like``."""
        size = [like.shape[-2], like.shape[-1]]
        return functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


class BackboneParseNet(Branching):
    """A network's features and their global average, normalised and fused: see ``ParseNet``.

    Children are named as ``ParseNet``'s, a layer's dots made ``_``: ``backbone.stages.3`` goes
    through ``stages_3_norm`` and ``stages_3_norm_score``; the pooled context is ``pool6_1x1``.
    Scores are interpolated to the image, features to the finest of them.

    Args:
        classes: number of class scores.
        backbone: see ``make_backbone``.
        local: layers that give a map (n, channels, rows, cols) in a pass over an image.
        context: the layer that is averaged; None: the last of ``local``; "none": none.
        fusion, normalize, scale, dropout: see ``ParseNet``; dropout is 0.3 after the pooled
            context.

    Raises:
        ModelError: if there is no such backbone or layer, or a layer gives no map.
    """

    def __init__(
        self,
        *,
        classes: int = 21,
        backbone: str = "resnet50",
        local: Sequence[str] = (),
        context: str | None = None,
        fusion: Fusion = "late",
        normalize: bool = True,
        scale: float = 10.0,
        dropout: bool = True,
    ) -> None:
        super().__init__()
        self.backbone = make_backbone(backbone)
        self.local = tuple(local)
        last = self.local[-1] if self.local else None
        self.context = None if "none" in (fusion, context) else context or last
        self.early, self.normalize = fusion == "early", normalize
        self._check(fusion)
        sizes = self._tried()
        self.channels = {name: size[1] for name, size in sizes.items()}
        self.finest = max(self.local, key=lambda name: sizes[name][2])
        self._add_branches(partial(self._add_branch, classes=classes, scale=scale, dropout=dropout))
        self._add_fusion(classes)
        self.score = Resize()

    def forward(
        self, image: Float[Tensor, "n 3 height width"]
    ) -> Float[Tensor, "n classes height width"]:
        """Return the class scores of every pixel."""
        blobs = self.trunk(image, *self._needed())
        score: Tensor = self.score(self._fuse(blobs), image)
        return score

    def trunk(
        self, image: Float[Tensor, "n 3 height width"], *keep: str
    ) -> dict[str, Float[Tensor, "n _ _ _"]]:
        """Run the backbone and return the outputs of the named layers."""
        kept: dict[str, Tensor] = {}

        def keeping(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
            return lambda _module, _inputs, output: kept.update({name: output})

        with ExitStack() as hooks:
            for name in keep:
                module = self.backbone.get_submodule(name)
                hooks.callback(module.register_forward_hook(keeping(name)).remove)
            self.backbone(image)
        if idle := [name for name in keep if name not in kept]:
            raise ModelError(f"layer {idle[0]!r} of the backbone does not run")
        return kept

    def _needed(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(filter(None, (*self.local, self.context))))

    def _check(self, fusion: str) -> None:
        known = {name for name, _ in self.backbone.named_modules() if name}
        if not self.local:
            some = ", ".join(name for name, _ in self.backbone.named_children())
            raise ModelError(f"name local layers of the backbone; it begins with {some}")
        for name in self._needed():
            if name not in known:
                raise ModelError(f"the backbone has no layer {name!r}")
        check_fusion(fusion, self.local, self.context)

    def _tried(self) -> dict[str, tuple[int, ...]]:
        """Return what shape each layer gives for a small image."""
        device = next(self.backbone.parameters()).device
        with evaluating(self.backbone), torch.no_grad():
            blobs = self.trunk(torch.zeros(1, 3, TRIAL, TRIAL, device=device), *self._needed())
        for name, blob in blobs.items():
            if not isinstance(blob, Tensor) or blob.ndim != 4:
                shape = tuple(getattr(blob, "shape", ()))
                raise ModelError(
                    f"layer {name!r} of the backbone gives {shape or type(blob).__name__}, "
                    "no map (n, channels, rows, cols)"
                )
        return {name: tuple(blob.shape) for name, blob in blobs.items()}

    def _add_branch(
        self, name: str, source: str, *, classes: int, scale: float, dropout: bool
    ) -> Branch:
        pooled, stem = name == CONTEXT, name.replace(".", "_")
        channels = self.channels[source]
        steps = self._add_steps(stem, channels, classes=classes, scale=scale, dropout=dropout)
        if not pooled and source == self.finest:
            return Branch(source, tuple(steps), None)
        stem = (f"{stem}_norm" if self.normalize else stem) + ("" if self.early else "_score")
        spread = Replicate() if pooled else Resize()
        return Branch(source, tuple(steps), self._add(f"{stem}_up", spread))
