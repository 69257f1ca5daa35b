"""One line of the matrix: theory of all layers, delta against dense in double precision."""

from __future__ import annotations

import copy
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import nn

import erf
from benchmarks.architecture_list import Architecture
from erf.engines.dense import DenseEngine
from erf.errors import ErfError
from erf.geometry import PatchGrid, Target
from erf.graph import Graph
from erf.model.listing import Layer, stages
from erf.probing.passes import disturbance_of
from erf.results import LayerResult
from erf.theoretical.field import TheoreticalField
from erf.theoretical.table import theory_of

ASKED = 4
"""Layers that are probed, besides what the model puts out."""
UNITS = 2**10
"""A layer with more units than this is asked for some of them only by being left out."""
HEARD = 1e-9
"""Changes below this share of the peak are rounding of double precision, after many layers."""


@dataclass(frozen=True)
class Row:
    """What was found of one architecture.

    Attributes:
        library, name, size: of the architecture.
        layers: with a theoretical field.
        status: how many of them have which.
        bounds: how many layers are bounds because of which operator.
        probed: the layers that both engines measured, all units of each.
        engine: that ``auto`` took, and what it said.
        error: largest difference of it from dense in double precision, over the layer's peak.
        reference: precision of the dense pass that it is held against.
        leaks: pairs of a patch and a unit beyond the unit's theoretical field that dense hears.
        silent: share of the pairs of a patch and one of four units whose exact field has a pixel in
            the patch, where dense hears nothing at all.
        seconds: of processor time: export and all theories, auto's probe, the dense one.
        problem: why there is no more.
    """

    library: str
    name: str
    size: tuple[int, int]
    parameters: int = 0
    layers: int = 0
    status: dict[str, int] = field(default_factory=dict)
    bounds: dict[str, int] = field(default_factory=dict)
    probed: tuple[str, ...] = ()
    engine: str = ""
    notes: tuple[str, ...] = ()
    error: float | None = None
    errors: tuple[float, ...] = ()
    reference: str = ""
    leaks: int = 0
    silent: float = 0.0
    seconds: tuple[float, float, float] = (0.0, 0.0, 0.0)
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        return asdict(self)


def examine(architecture: Architecture) -> Row:
    """Theory and both engines on one model; what is refused is in the row's ``problem``."""
    known: dict[str, Any] = {
        "library": architecture.library,
        "name": architecture.name,
        "size": architecture.size,
    }
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = stirred(architecture.build().eval())
        image = torch.randn(3, *architecture.size)
        try:
            _examine(model, image, known)
        except ErfError as error:
            known["problem"] = str(error)
    return Row(**known)


def _examine(model: nn.Module, image: torch.Tensor, known: dict[str, Any]) -> None:
    """Fill ``known`` as far as it goes."""
    known["parameters"] = sum(parameter.numel() for parameter in model.parameters())
    start = time.process_time()
    subject = erf.Subject(model, image)
    graph = subject.graph
    if isinstance(graph, Graph):
        kinds = {path: type(module).__name__ for path, module in model.named_modules()}
        _count(list(theory_of(graph, kinds)), known)
    known["seconds"] = (time.process_time() - start, 0.0, 0.0)
    asked = chosen(subject.layers())
    known["probed"] = tuple(layer.name for layer in asked)
    start = time.process_time()
    patch = max(image.shape) // 4
    settings = erf.Noise(patch=patch, draws=1, sigma=1.0)
    results = subject.probe(known["probed"], settings, unit="all")
    known["seconds"] = (known["seconds"][0], time.process_time() - start, 0.0)
    first = next(iter(results.values()))
    known["engine"], known["notes"] = first.engine.name, first.engine.notes
    start = time.process_time()
    truth = _dense(subject, known, settings)
    known["seconds"] = (*known["seconds"][:2], time.process_time() - start)
    _compare(list(results.values()), truth, known)


def stirred(model: nn.Module) -> nn.Module:
    """The model with noise on what begins as zeros or ones, so that no branch is silent."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.is_floating_point() and parameter.numel() > 1:
                flat = parameter.reshape(-1)
                if bool((flat == flat[0]).all()):
                    parameter.add_(0.2 * torch.randn_like(parameter))
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
                module.running_mean.normal_(0, 0.1)
                assert module.running_var is not None
                module.running_var.uniform_(0.8, 1.2)
    return model


def chosen(layers: Sequence[Layer]) -> list[Layer]:
    """A few stages, the deepest among them, and what the model puts out."""
    few = [layer for layer in stages(list(layers)) if layer.size[0] * layer.size[1] <= UNITS]
    places = np.unique(np.linspace(0, len(few) - 1, ASKED).round().astype(int)) if few else []
    found = [few[place] for place in places]
    last = [layer for layer in layers if layer.size[0] * layer.size[1] <= UNITS][-1:]
    return found + [layer for layer in last if layer not in found]


def _count(fields: Sequence[TheoreticalField], known: dict[str, Any]) -> None:
    known["layers"] = len(fields)
    known["status"] = dict(Counter(each.status for each in fields))
    bounds: Counter[str] = Counter()
    for each in fields:
        if each.status == "upper_bound":
            bounds.update(each.reasons)
    known["bounds"] = dict(bounds)


def _dense(
    subject: erf.Subject, known: dict[str, Any], settings: erf.Noise
) -> list[Float64[np.ndarray, "patches rows cols"]]:
    """The same draw through whole images in double precision, all patches of every layer."""
    grid = PatchGrid(subject.image_size, settings.patch, settings.step)
    disturb = disturbance_of(settings, subject.image, grid)
    targets = [Target(layer) for layer in known["probed"]]
    graph = subject.graph if isinstance(subject.graph, Graph) else None
    for dtype, name in ((torch.float64, "float64"), (torch.float32, "float32")):
        model, image = copy.deepcopy(subject.model).to(dtype).eval(), subject.image.to(dtype)
        engine = DenseEngine(model, image, targets, graph=graph)
        known["reference"] = name
        try:
            with torch.no_grad():
                read = list(engine.measure(grid, range(len(grid)), [0], disturb))
        except RuntimeError:  # a model that makes tensors of single precision on its way
            if dtype is torch.float32:
                raise
            continue
        order = np.argsort(np.concatenate([each.patches for each in read]))
        return [
            np.concatenate([each.values[index] for each in read])[order]
            for index in range(len(targets))
        ]
    raise AssertionError


def _compare(
    results: Sequence[Any],
    truth: Sequence[Float64[np.ndarray, "patches rows cols"]],
    known: dict[str, Any],
) -> None:
    errors, claimed, unheard = [], 0, 0
    for result, expected in zip(results, truth, strict=True):
        assert isinstance(result, LayerResult)
        found = np.asarray(result.discrepancy).reshape(expected.shape)
        clean = float(result.activation.max())  # what double precision cannot hear of it is no peak
        peak = max(float(expected.max()), 1e-12 * clean, 1e-300)
        errors.append(float(np.abs(found - expected).max()) / peak)
        if result.theory is None or known["reference"] != "float64":
            continue
        heard = expected > HEARD * max(peak, clean)
        known["leaks"] = known.get("leaks", 0) + int((heard & ~_inside(result)).sum())
        if result.theory.status in ("exact", "whole_image"):
            for unit in _few(expected.shape[1:]):
                inside = _read(result, unit)
                claimed += int(inside.sum())
                unheard += int((inside & (expected[:, *unit] < 1e-14 * peak)).sum())
    known["errors"], known["error"] = tuple(errors), max(errors)
    known["silent"] = unheard / max(1, claimed)


def _few(shape: tuple[int, ...]) -> set[tuple[int, int]]:
    """Units at three corners and in the middle."""
    rows, cols = shape
    return {(0, 0), (rows // 2, cols // 2), (rows - 1, cols - 1), (0, cols - 1)}


def _read(result: LayerResult, unit: tuple[int, int]) -> np.ndarray:
    """(patches): whether the patch holds a pixel that the unit reads by theory."""
    assert result.theory is not None
    support = result.theory.support(unit)
    patches = range(len(result.grid))
    return np.array([support[result.grid.box(patch).slices()].any() for patch in patches])


def _inside(result: LayerResult) -> np.ndarray:
    """(patches, unit rows, unit cols): whether the patch meets the box of the unit."""
    assert result.theory is not None
    boxes = result.theory.boxes()
    tops, lefts = (np.asarray(starts) for starts in result.grid.starts)
    side = result.settings.patch
    rows = (tops[:, None, None] < boxes[..., 2]) & (tops[:, None, None] + side > boxes[..., 0])
    cols = (lefts[:, None, None] < boxes[..., 3]) & (lefts[:, None, None] + side > boxes[..., 1])
    inside = rows[:, None] & cols[None]
    return inside.reshape(-1, *boxes.shape[:2])
