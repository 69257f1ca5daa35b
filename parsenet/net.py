"""ParseNet: VGG-16 features and their global average, normalised and fused (Liu et al. 2015)."""

from collections.abc import Sequence
from functools import partial

from jaxtyping import Float
from torch import Tensor

from parsenet.bilinear import BilinearDeconvolution
from parsenet.branching import CONTEXT, Branch, Branching, Fusion, check_fusion
from parsenet.combine import Crop, Enlarge, Replicate
from parsenet.errors import ModelError
from parsenet.grid import Grid
from parsenet.vgg16 import VGG16, Fc6

LOCAL = ("fc7", "conv5_3", "conv4_3", "conv3_3")


class ParseNet(Branching, VGG16):
    """The released network by default; its variants by keyword.

    Late fusion:
        local feature ─► (norm) ─► score ─► enlarge ──────┐
        context layer ─► mean ─► (norm) ─► score ─► tile ─┴─► sum ─► upscore ─► crop
    Early fusion:
        local feature ─► (norm) ─► enlarge ──────┐
        context layer ─► mean ─► (norm) ─► tile ─┴─► concatenate ─► score ─► upscore ─► crop

    Both fusions are the same function of the image up to one redundant bias. Children bear the
    original names without the class count: ``fc7_norm``, ``fc7_norm_score``, ``pool6_1x1``,
    ``pool6_1x1_norm``, ``pool6_1x1_norm_score``, ``fusion`` (the sum, or the concatenation before
    ``fusion_score``), ``upscore``, ``score``. Without normalisation ``_norm`` is missing from the
    names.

    Args:
        classes: number of class scores.
        stride, fc6, width, batch_norm, dropout: see ``plan_vgg16`` and ``VGG16``. The released
            network has stride 8, the reduced fc6, and dropout (0.5 after fc6 and fc7, 0.3 after the
            pooled context). Its full sibling, ``parsenet_full_vgg``, is ``stride=32, fc6="full"``;
            there fc6 is padded by 4.
        fusion: "late" sums class scores (the release), "early" concatenates features (the paper's
            drawing), "none" scores one local feature without context: the baseline.
        normalize: L2-normalise every feature over its channels, each with its own scale.
        scale: initial value of every γ.
        context: the layer that is averaged over the whole map, or None ("none", where a value
            must be a word) to fuse local features alone. With ``fusion="none"`` nothing is.
        local: the local features, any of fc7, conv5_3, conv4_3, conv3_3. Coarser ones are
            interpolated to the resolution of the finest; the paper's description leaves this open.

    Raises:
        ModelError: if a value is outside these.
    """

    def __init__(
        self,
        *,
        classes: int = 21,
        stride: int = 8,
        fc6: Fc6 = "reduced",
        width: float = 1.0,
        batch_norm: bool = False,
        dropout: bool = True,
        fusion: Fusion = "late",
        normalize: bool = True,
        scale: float = 10.0,
        context: str | None = "fc7",
        local: Sequence[str] = ("fc7",),
    ) -> None:
        super().__init__(
            stride=stride,
            fc6=fc6,
            width=width,
            batch_norm=batch_norm,
            dropout=dropout,
            fc6_padding=4 if fc6 == "full" and stride == 32 else None,
        )
        self.local = tuple(local)
        self.context = None if "none" in (fusion, context) else context
        self._check_features(fusion, context)
        self.early = fusion == "early"
        self.normalize = normalize
        self.finest = min(self.local, key=lambda name: self.grids[name].stride)
        self._add_branches(partial(self._add_branch, classes=classes, scale=scale, dropout=dropout))
        self._add_head(classes)

    def forward(
        self, image: Float[Tensor, "n 3 height width"]
    ) -> Float[Tensor, "n classes height width"]:
        """Return the class scores of every pixel."""
        blobs = self.trunk(image, *(branch.source for branch in self.branches))
        score: Tensor = self.score(self.upscore(self._fuse(blobs)), image)
        return score

    def _check_features(self, fusion: str, context: str | None) -> None:
        if not self.local or len(set(self.local)) < len(self.local) or set(self.local) - set(LOCAL):
            raise ModelError(f"local must name some of {LOCAL}, each once, not {self.local}")
        if context not in (None, "none", *self.channels):
            raise ModelError(f"context must be one of {tuple(self.channels)}, not {context!r}")
        check_fusion(fusion, self.local, self.context)

    def _add_branch(
        self, name: str, source: str, *, classes: int, scale: float, dropout: bool
    ) -> Branch:
        """Add the children of one branch and return the way through them."""
        channels = self.channels[source]
        steps = self._add_steps(name, channels, classes=classes, scale=scale, dropout=dropout)
        spread = Replicate() if name == CONTEXT else self._enlarge(source)
        if spread is None:
            return Branch(source, tuple(steps), None)
        stem = f"{name}_norm" if self.normalize else name
        spreading = f"{stem}_up" if self.early else f"{stem}_upscore"
        return Branch(source, tuple(steps), self._add(spreading, spread))

    def _enlarge(self, source: str) -> Enlarge | None:
        """Return what brings a feature to the finest one's size; None where it has it already."""
        grid, finest = self.grids[source], self.grids[self.finest]
        if grid == finest:
            return None
        factor = int(grid.stride / finest.stride)
        return Enlarge(factor, offset=grid.interpolated(factor).offset_to(finest))

    def _add_head(self, classes: int) -> None:
        self._add_fusion(classes)
        grid = self.grids[self.finest]
        factor = int(grid.stride)
        padding = factor // 2
        self.upscore = BilinearDeconvolution(
            classes, factor, padding=padding, bias=True, trainable=True
        )
        upscored = grid.upsampled(2 * factor, stride=factor, padding=padding)
        self.score = Crop(upscored.offset_to(Grid()))
