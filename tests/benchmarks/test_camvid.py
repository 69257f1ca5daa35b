"""The study of CamVid: its heads are ParseNet's, its folds fair, its ceilings counted right."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from benchmarks.camvid import ceilings as told
from benchmarks.camvid import fold, heads, page, views
from benchmarks.camvid.heads import HEADS, Schedule, Trained, Training
from benchmarks.camvid.views import Seen, View
from parsenet.datasets import open_dataset
from parsenet.l2norm import L2Norm
from strategies.datasets import write_camvid

CLASSES, CHANNELS, POOLED = 4, 5, 3
DRIVES = ("a", "b", "c")


@pytest.fixture(scope="module")
def seen() -> Seen:
    """Three drives of ten views of 2x3 units; the context tells which of two classes is there."""
    rng = np.random.default_rng(0)
    shown, local, labels, pooled = [], [], [], []
    for drive in DRIVES:
        for k in range(10):
            shown.append(View(len(shown), f"{drive}_{k}", drive, f"{drive}-{k // 2}", 0, 0, 16, 24))
            kind = int(rng.integers(2))
            truth = rng.choice([kind, 2, 3], 6).astype(np.uint8)
            local.append(np.eye(CHANNELS)[np.where(truth < 2, 0, truth)] * 3)
            labels.append(truth)
            pooled.append(np.eye(POOLED)[kind])
    labels[0][0] = 255
    features = {layer: np.concatenate(local).astype(np.float16) for layer in views.LAYERS}
    vectors = torch.tensor(np.array(pooled), dtype=torch.float32)
    where = np.repeat(np.arange(30), 6)
    return Seen(tuple(shown), features, np.concatenate(labels), where, vectors)


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.name)
def test_a_head_is_that_of_parsenet(head: heads.Head) -> None:
    torch.manual_seed(1)
    made = Trained(head, CHANNELS, POOLED, CLASSES).double()
    if made.gamma is not None:
        nn.init.uniform_(made.gamma, 5, 15)
    nn.init.normal_(made.score.bias)
    raw = heads.Features(torch.rand(7, CHANNELS).double(), torch.rand(7, POOLED).double())
    read = raw.normalized() if head.normalize else raw
    blobs = [each[:, :, None, None] for each in raw]
    if made.gamma is not None:
        for place, part in enumerate(
            made.gamma.split([CHANNELS, POOLED][: 1 + (head.fusion != "none")])
        ):
            norm = L2Norm(len(part)).double()
            norm.gamma.data = part.data
            blobs[place] = norm(blobs[place])
    if head.fusion == "early":
        expected = made.score(torch.cat(blobs, 1))
    elif made.context_score is not None:
        expected = made.score(blobs[0]) + made.context_score(blobs[1])
    else:
        expected = made.score(blobs[0])
    found = heads.scores_of([made, made], read)
    torch.testing.assert_close(found[0], expected[:, :, 0, 0])
    torch.testing.assert_close(found[1], found[0])


def test_heads_side_by_side_learn_as_one_alone(seen: Seen) -> None:
    units = seen.units_of(range(20))
    schedule = Schedule((0.01, 0.1), steps=5, batch=16)
    done = Training(seen, "conv4_3", units, CLASSES, schedule, seed=3).run()
    head = heads.Head("late", True)
    torch.manual_seed(3)
    alone = Trained(head, CHANNELS, POOLED, CLASSES)
    optimizer = torch.optim.Adam(alone.parameters(), 0.1)
    rng = np.random.default_rng((3, 1))
    for step in range(5):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 5)
        chosen = units[rng.integers(0, len(units), 16)]
        read = heads.take(seen, "conv4_3", chosen).normalized()
        labels = torch.from_numpy(seen.labels[chosen].astype(np.int64))
        optimizer.zero_grad()
        functional.cross_entropy(heads.scores_of([alone], read)[0], labels).backward()
        optimizer.step()
    for one, other in zip(alone.parameters(), done[head, 0.1].parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_no_view_is_both_trained_on_and_scored(seen: Seen) -> None:
    for seed in range(fold.HELD_OUT):
        parts = fold.split(seen, "b", seed)
        assert sorted(k for part in parts.values() for k in part) == list(range(30))
        assert {seen.views[k].drive for k in parts["left"]} == {"b"}
        clips = [{seen.views[k].clip for k in parts[each]} for each in ("train", "chosen")]
        assert clips[0]
        assert clips[1]
        assert not clips[0] & clips[1]


def test_context_that_tells_is_used_and_missed_when_swapped(seen: Seen, tmp_path: Path) -> None:
    schedule = Schedule((0.01, 0.1), steps=150, batch=32)
    found = fold.run_fold(seen, "conv5_3", "c", seed=0, classes=CLASSES, schedule=schedule)
    found.save(tmp_path / "x.npz")
    again = fold.Outcome.read(tmp_path / "x.npz")
    assert again.rates == schedule.rates
    assert list(again.confusions) == list(found.confusions)
    assert len(found.confusions) == len(HEADS) * 3
    for way, confusions in again.confusions.items():
        assert np.array_equal(confusions, found.confusions[way])
        assert confusions.sum() == 60
    right = {way: np.trace(each.sum(0)) / 60 for way, each in found.confusions.items()}
    for head in ("early, raw", "early, L2", "late, raw", "late, L2"):
        assert right[f"{head}, own"] == 1
        assert right[f"{head}, swapped"] < 1
    assert right["none, L2, own"] < 1
    assert right["none, L2, presence"] == 1


def test_views_are_cut_from_photos_and_their_labels(tmp_path: Path) -> None:
    names = [f"{drive}_{k:03d}" for drive in ("0001TP", "0016E5") for k in range(4)]
    write_camvid(tmp_path, {"train": names}, size=(40, 56))
    dataset = open_dataset("camvid", tmp_path, "train")
    whole = views.whole_photos(dataset, 3)
    assert [view.name for view in whole] == [names[k] for k in (0, 3, 4, 7)]
    cut = views.crops(dataset, whole, seed=0, sides=(16, 24))
    assert len(cut) == 8
    assert views.crops(dataset, whole, seed=0, sides=(16, 24)) == cut
    for view in cut:
        assert view.top + view.height <= 40
        assert view.left + view.width <= 56
        assert view.cut(dataset[view.photo][1]).shape == (view.height, view.width)


def test_ceilings_by_hand() -> None:
    shown = tuple(View(k, str(k), "ab"[k // 2], "", 0, 0, 8, 16) for k in range(4))
    labels = np.array([0, 0, 1, 1, 0, 0, 1, 1], np.uint8)
    seen = Seen(shown, {}, labels, np.repeat(np.arange(4), 2), torch.zeros(4, 1))
    found = told.ceilings(seen, 3)
    assert (found.present, found.differing, found.entropy) == (1, 1, 1)
    assert (found.presence, found.shares, found.position) == (1, 1, 0)
    assert found.by_position == {"a": 0.25, "b": 0.25}


def test_the_page_says_every_comparison_of_every_cell(seen: Seen) -> None:
    schedule = Schedule((0.1,), steps=20, batch=16)
    outcomes = [
        fold.run_fold(seen, "conv5_3", drive, seed=seed, classes=CLASSES, schedule=schedule)
        for drive in DRIVES
        for seed in range(2)
    ]
    cell = page.Cell(seen, tuple(outcomes))
    args = argparse.Namespace(every=1, seeds=2, steps=20, batch=16, rates=[0.1])
    text = page.page({("crops", "conv5_3"): cell}, {"crops": told.ceilings(seen, CLASSES)}, args)
    for question in page.QUESTIONS:
        assert text.count(f"| {question.words} |") == 2
    assert "30 crops (10 of a, 10 of b, 10 of c)" in text
    first = next(line for line in text.splitlines() if line.startswith("| late, L2, own"))
    ious = [
        [functional_iou(o.confusions["late, L2, own"].sum(0)) for o in cell.drives[drive]]
        for drive in DRIVES
    ]
    assert (
        first.split(" | ")[1]
        == f"{100 * np.mean(ious[0]):.1f} ± {100 * np.std(ious[0], ddof=1):.1f}"
    )


def functional_iou(confusion: np.ndarray) -> float:
    right, true, called = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    return float(
        np.mean([r / (t + c - r) for r, t, c in zip(right, true, called, strict=True) if t])
    )
