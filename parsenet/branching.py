"""The branches of a fusion: what a feature passes through, on VGG-16 and on any other trunk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor, nn

from parsenet.combine import Concatenate, Sum
from parsenet.convolution import ScoreConv
from parsenet.errors import ModelError
from parsenet.l2norm import L2Norm

Fusion = Literal["none", "early", "late"]
CONTEXT = "pool6_1x1"


@dataclass(frozen=True)
class Branch:
    """One input of the fusion: its source in the trunk and the children it passes through.

    ``spread`` names the child that brings it to the size of the finest local feature.
    """

    source: str
    steps: tuple[str, ...]
    spread: str | None


def check_fusion(fusion: str, local: Sequence[str], context: str | None) -> None:
    """Refuse a way of fusing that is none, or that has nothing or too much to fuse.

    Args:
        fusion: "none", "early" or "late".
        local: the local features.
        context: the layer that is averaged, None for none.

    Raises:
        ModelError: naming the value.

    Example:
        >>> check_fusion("late", ["fc7"], "fc7")
    """
    if fusion not in get_args(Fusion):
        raise ModelError(f"fusion must be one of {get_args(Fusion)}, not {fusion!r}")
    if fusion == "none" and len(local) > 1:
        raise ModelError(f"fusion 'none' takes one local feature, not {len(local)}: {local}")
    if fusion != "none" and context is None and len(local) == 1:
        raise ModelError(f"fusion {fusion!r} needs a context or a second local feature")


class Branching(nn.Module):
    """A network that fuses branches; the children of these are added by name.

    Attributes:
        early: whether features are concatenated, rather than scores summed.
        normalize: whether each feature is L2-normalised.
        channels: of each layer of the trunk.
        local: the local features.
        context: the layer that is averaged; None for none.
        finest: the local feature to whose size all are brought.
        branches: in the order in which they are fused; the context is the last.
    """

    early: bool
    normalize: bool
    channels: dict[str, int]
    local: tuple[str, ...]
    context: str | None
    finest: str
    branches: tuple[Branch, ...]

    def _fuse(self, blobs: Mapping[str, Float[Tensor, "n _ _ _"]]) -> Float[Tensor, "n c h w"]:
        """Return the class scores at the size of the finest local feature."""
        fused = self.fusion([self._follow(branch, blobs) for branch in self.branches])
        scores: Tensor = self.fusion_score(fused) if self.early else fused
        return scores

    def _follow(self, branch: Branch, blobs: Mapping[str, Tensor]) -> Tensor:
        x = blobs[branch.source]
        for step in branch.steps:
            x = self.get_submodule(step)(x)
        if branch.spread is not None:
            x = self.get_submodule(branch.spread)(x, blobs[self.finest])
        return x

    def _add_branches(self, add: Callable[[str, str], Branch]) -> None:
        """Add a branch for each local feature, and the context's, by name and source."""
        sources = {name: name for name in self.local}
        if self.context is not None:
            sources[CONTEXT] = self.context
        self.branches = tuple(add(name, source) for name, source in sources.items())

    def _add_steps(
        self, name: str, channels: int, *, classes: int, scale: float, dropout: bool
    ) -> list[str]:
        """Add what a feature passes through before it is brought to the finest one's size."""
        pooled = name == CONTEXT
        steps = [self._add(name, nn.AdaptiveAvgPool2d(1))] if pooled else []
        if self.normalize:
            name += "_norm"
            steps.append(self._add(name, L2Norm(channels, scale=scale)))
        if pooled and dropout:
            steps.append(self._add(f"{name}_drop", nn.Dropout(0.3)))
        if not self.early:
            steps.append(self._add(f"{name}_score", ScoreConv(channels, classes)))
        return steps

    def _add_fusion(self, classes: int) -> None:
        self.fusion = Concatenate() if self.early else Sum()
        if self.early:
            total = sum(self.channels[branch.source] for branch in self.branches)
            self.fusion_score = ScoreConv(total, classes)

    def _add(self, name: str, module: nn.Module) -> str:
        self.add_module(name, module)
        return name
