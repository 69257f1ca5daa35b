"""Photos with a label for each pixel: VOC 2012, PASCAL-Context, SIFT Flow, CamVid, plain folders.

``open_dataset(name, root, split)[i]`` is ``(image, label)``: RGB in 0..255, and for each pixel an
index of ``dataset.classes`` or 255, void.
"""

from parsenet.datasets.dataset import VOID, Sample, SegmentationDataset
from parsenet.datasets.registry import DATASETS, open_dataset

__all__ = ["DATASETS", "VOID", "Sample", "SegmentationDataset", "open_dataset"]
