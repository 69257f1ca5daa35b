"""Images with a label for each pixel: the usual photo data sets, plain folders, scenes.

``open_dataset(name, root, split)[i]`` is ``(image, label)``: RGB in 0..255, and for each pixel an
index of ``dataset.classes`` or 255, void.
"""

from parsenet.datasets.dataset import VOID, LabelledImages, PhotoFiles, SegmentationDataset
from parsenet.datasets.registry import DATASETS, open_dataset, register_dataset
from parsenet.datasets.scenes import SceneDataset

__all__ = [
    "DATASETS",
    "VOID",
    "LabelledImages",
    "PhotoFiles",
    "SceneDataset",
    "SegmentationDataset",
    "open_dataset",
    "register_dataset",
]
