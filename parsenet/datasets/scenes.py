"""Generated scenes as a data set with splits, for evaluating as on real photos."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8
from torch.utils.data import Dataset

from parsenet.datasets.dataset import LabelledImage
from parsenet.palette import voc_palette
from parsenet.scenes import CLASSES, HELD_OUT, SceneSpec, render

FIRST = {"train": 0, "val": HELD_OUT}
SPLITS = tuple(FIRST)
SCENES = 200
"""Scenes of a split; val's are those that every training ends with scores on."""


@dataclass(frozen=True, eq=False)
class SceneDataset(Dataset[LabelledImage]):
    """Scenes of one family; those of val are never trained on.

    Attributes:
        split: train or val.
        spec: the family.
        count: how many of its scenes.
        title, classes, palette: as ``SegmentationDataset`` has them.
    """

    split: str
    spec: SceneSpec = field(default_factory=SceneSpec)
    count: int = SCENES
    title: str = "scenes"
    classes: tuple[str, ...] = CLASSES
    palette: UInt8[np.ndarray, "256 3"] = field(default_factory=voc_palette)

    @property
    def names(self) -> tuple[str, ...]:
        """Numbers of the scenes within their split."""
        return tuple(str(index) for index in range(self.count))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> LabelledImage:
        """Render a scene and its labels."""
        scene = render(self.spec, FIRST[self.split] + range(self.count)[index])
        return scene.image, scene.label
