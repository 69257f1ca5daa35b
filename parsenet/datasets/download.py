"""Getting VOC 2012 and SBD through torchvision, for those who are online."""

from pathlib import Path

from torchvision.datasets import SBDataset, VOCSegmentation

from parsenet.datasets.voc2012 import PLACES, SBD_PLACES
from parsenet.errors import DatasetError

SBD_FOLDER = SBD_PLACES[0]


def download_voc2012(root: Path, split: str) -> None:
    """Fetch VOC 2012 (2 GB), and for trainaug SBD (1.4 GB), into ``root`` unless they are there.

    Raises:
        DatasetError: if one cannot be fetched, or an archive is damaged.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not _holds(root, PLACES, "JPEGImages"):
            VOCSegmentation(root, year="2012", image_set="train", download=True)
        if split == "trainaug" and not _holds(root, [f"{p}/SegmentationClassAug" for p in PLACES]):
            _download_sbd(root)
    except (OSError, RuntimeError, EOFError) as error:
        reason = " ".join(str(error).split())
        raise DatasetError(f"voc2012: cannot be downloaded to {root}: {reason}") from error


def _download_sbd(root: Path) -> None:
    if not _holds(root, SBD_PLACES, "cls"):
        SBDataset(root / SBD_FOLDER, image_set="train", mode="segmentation", download=True)


def _holds(root: Path, places: tuple[str, ...] | list[str], part: str = ".") -> bool:
    return any((root / place / part).is_dir() for place in places)
