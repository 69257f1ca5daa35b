import json
import socket
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from parsenet.errors import TrainingError
from parsenet.evaluation import evaluate
from parsenet.training.journal import read_journal
from parsenet.training.loop import train, training_steps
from parsenet.training.sampling import SampleOrder
from parsenet.training.scoring import Scoring
from parsenet.training.snapshot import SnapshotWarning, latest_snapshot, load_snapshot, snapshots
from strategies.killing import kill, run_apart, start
from strategies.tiny_trainings import (
    SPACE,
    WEIGHTS,
    Endless,
    Photos,
    Spread,
    make_model,
    make_recipe,
    run,
    run_as,
)

SMALL = {"solver": "adamw", "base_lr": 0.01, "loss": "mean", "weigh_classes": True}
NORMED = {"batch_norm": True}


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    latest = latest_snapshot(folder)
    assert latest is not None
    return dict(latest.model)


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    different = [name for name in first if not torch.equal(first[name], second[name])]
    assert not different


def reports(folder: Path) -> list[tuple[object, ...]]:
    lines = read_journal(folder / "metrics.jsonl")
    names = ("iteration", "loss", "learning_rate", "mean_iou")
    return [tuple(line[name] for name in names if name in line) for line in lines]


def last_line(folder: Path) -> int:
    path = folder / "metrics.jsonl"
    lines = read_journal(path) if path.exists() else []
    return int(lines[-1]["iteration"]) if lines else 0


def start_two(folder: Path, *args, **how) -> list:
    """Start two processes that train together."""
    folder.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [start(run_as, rank, 2, port, folder, *args, **how) for rank in range(2)]


@pytest.mark.parametrize(
    ("values", "options"),
    [({}, {}), (SMALL | {"batch_size": 2, "iter_size": 1}, NORMED)],
    ids=["caffe", "small"],
)
def test_killed_at_random_moments_and_resumed_it_ends_the_same(tmp_path, values, options):
    recipe = make_recipe(max_iter=40, **values)
    whole = tmp_path / "whole"
    scoring = Scoring(Photos(), every=4)
    run_apart(run, whole, recipe, options, snapshot_every=1000, scoring=scoring)
    random = np.random.default_rng(len(values))
    killed = tmp_path / "killed"
    for target in sorted(random.integers(1, 32, 5)):
        process = start(
            run, killed, recipe, options, resume=True, snapshot_every=3, scoring=scoring
        )
        while last_line(killed) < target:
            assert process.is_alive()
            time.sleep(0.002)
        time.sleep(random.uniform(0, 0.05))
        kill(process)
    run_apart(run, killed, recipe, options, resume=True, snapshot_every=3, scoring=scoring)
    assert_same(weights_of(killed), weights_of(whole))
    assert reports(killed) == reports(whole)
    assert [line[0] for line in reports(whole)] == list(range(1, 41))
    assert [line[0] for line in reports(whole) if len(line) == 4] == list(range(4, 41, 4))


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ({"momentum": 0.95}, {}),
        (SMALL, {}),
        ({"loss": "mean"}, {}),
        ({}, {"fusion": "none", "local": ("conv4_3",)}),
    ],
    ids=["sum", "weighted", "mean", "idle layers"],
)
def test_two_processes_train_as_one_does(tmp_path, values, options):
    """No batch norm, whose statistics are a process's own; dropout is on: one image at a time."""
    recipe = make_recipe(**values)
    one, two = tmp_path / "one", tmp_path / "two"
    run_apart(run, one, recipe, options)
    for process in start_two(two, recipe, options):
        process.join(120)
        assert process.exitcode == 0
    expected = weights_of(one)
    begun = make_model(**options).state_dict()
    for name, weight in weights_of(two).items():
        moved = (expected[name] - begun[name]).abs().max()
        assert (weight - expected[name]).abs().max() <= 1e-4 * moved + 1e-7, name
    ranks = [torch.load(two / f"rank-{rank}.pt") for rank in range(2)]
    assert_same(*ranks)
    assert_same(ranks[0], weights_of(two))
    np.testing.assert_allclose(reports(two), reports(one), rtol=1e-4)


def test_two_processes_share_out_what_they_score_and_train_on_as_before(tmp_path):
    """With batch norm, whose statistics are a process's own: the first one's are the model's."""
    recipe = make_recipe(max_iter=4, base_lr=1e-3)
    unseen, seen = tmp_path / "unseen", tmp_path / "seen"
    pairs = start_two(unseen, recipe, NORMED)
    scoring = Spread(Photos(), every=1, limit=7)
    pairs += start_two(seen, recipe, NORMED, scoring=scoring, snapshot_every=1, keep=9)
    for process in pairs:
        process.join(120)
        assert process.exitcode == 0
    assert_same(weights_of(seen), weights_of(unseen))
    model = make_model(**NORMED)
    for path, line in zip(snapshots(seen), reports(seen), strict=True):
        model.load_state_dict(dict(load_snapshot(path).model))
        assert line[3] == pytest.approx(evaluate(model, Photos(), SPACE, limit=7).mean_iou)
    assert len({line[3] for line in reports(seen)}) > 1
    assert [line["spread"] for line in read_journal(seen / "metrics.jsonl")] == [0] * 4


def test_two_processes_killed_and_resumed_end_the_same(tmp_path):
    recipe = make_recipe(max_iter=12)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    uninterrupted = start_two(whole, recipe, {})
    interrupted = start_two(killed, recipe, {}, snapshot_every=3)
    while last_line(killed) < 7:
        assert interrupted[0].is_alive()
        time.sleep(0.002)
    for process in interrupted:
        kill(process)
    resumed = start_two(killed, recipe, {}, snapshot_every=3, resume=True)
    for process in uninterrupted + resumed:
        process.join(120)
        assert process.exitcode == 0
    assert_same(weights_of(killed), weights_of(whole))
    assert reports(killed) == reports(whole)


@pytest.mark.parametrize("values", [{}, SMALL, {"loss": "mean"}], ids=["sum", "weighted", "mean"])
def test_how_many_images_pass_at_once_makes_no_difference(values):
    fine = run(None, make_recipe(batch_size=1, iter_size=4, **values), {"dropout": False})
    coarse = run(None, make_recipe(batch_size=4, iter_size=1, **values), {"dropout": False})
    begun = make_model(dropout=False).state_dict()
    for (name, first), second in zip(
        fine.state_dict().items(), coarse.state_dict().values(), strict=True
    ):
        moved = (first - begun[name]).abs().max()
        assert (first - second).abs().max() <= 1e-3 * moved + 1e-7, name


def test_workers_make_no_difference():
    recipe = make_recipe(max_iter=4)
    alone = run(None, recipe, {})
    helped = run(None, recipe, {}, workers=2)
    assert_same(alone.state_dict(), helped.state_dict())


def test_the_first_update_is_the_hand_computed_one():
    """One iteration: w - 10 lr (mean over images of the summed gradient + decay w)."""
    values = {
        "max_iter": 1,
        "crop": [],
        "scales": [1, 1],
        "mirror": False,
        "classifier_lr_mult": 10,
    }
    model = make_model(dropout=False)
    image, label = Photos()[SampleOrder(10, 0).index(0)]
    model.train()
    loss = torch.nn.functional.cross_entropy(
        model(SPACE.tensor(image)[None]),
        torch.from_numpy(label).long()[None],
        ignore_index=255,
        reduction="sum",
    )
    score = model.fc7_norm_score.weight
    (gradient,) = torch.autograd.grad(loss, [score])
    expected = score - 10 * 1e-5 * (gradient + 5e-4 * score)
    assert (expected - score).abs().max() > 1e-4
    trained = run(None, make_recipe(**values, iter_size=1), {"dropout": False})
    torch.testing.assert_close(trained.fc7_norm_score.weight, expected, rtol=1e-4, atol=1e-6)


def test_autocast_computes_coarsely_but_keeps_its_weights_fine():
    fine, coarse = (
        [
            step.loss
            for step in train(
                make_model(dropout=False),
                Photos(),
                make_recipe(max_iter=3, autocast=autocast),
                input_space=SPACE,
            )
        ]
        for autocast in (False, True)
    )
    assert fine != coarse
    np.testing.assert_allclose(fine, coarse, rtol=0.02)
    model = run(None, make_recipe(max_iter=1, autocast=True), {})
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_it_learns():
    recipe = make_recipe(**SMALL, max_iter=60, crop=[], scales=[1, 1], mirror=False)
    model = make_model(dropout=False, **NORMED, width=1 / 16)
    steps = train(model, Endless(), recipe, input_space=SPACE, class_weights=torch.tensor(WEIGHTS))
    losses = [step.loss for step in steps]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])


def test_looking_at_the_model_in_between_changes_nothing():
    recipe = make_recipe(max_iter=4)
    undisturbed = run(None, recipe, {}).state_dict()

    def disturb(model, _=None):
        torch.manual_seed(99)
        with torch.no_grad():
            model.eval()(torch.randn(1, 3, 32, 32))

    model = make_model()
    for _ in training_steps(model, Photos(), recipe, input_space=SPACE):
        disturb(model)
    assert_same(model.state_dict(), undisturbed)
    model = make_model()
    train(model, Photos(), recipe, input_space=SPACE, on_step=partial(disturb, model))
    assert_same(model.state_dict(), undisturbed)


def test_training_trains_to_the_end_and_says_what_each_iteration_reported():
    recipe, seen, models = make_recipe(max_iter=3), [], [make_model(), make_model()]
    reports = train(models[0], Photos(), recipe, input_space=SPACE, on_step=seen.append)
    assert [report.iteration for report in reports] == [1, 2, 3]
    assert seen == reports
    steps = training_steps(models[1], Photos(), recipe, input_space=SPACE)
    begun = make_model().state_dict()
    assert_same(models[1].state_dict(), begun)
    assert [step.loss for step in steps] == [report.loss for report in reports]
    assert_same(*(model.state_dict() for model in models))
    assert not torch.equal(models[0].upscore.weight, begun["upscore.weight"])


def test_the_callers_random_numbers_are_left_alone():
    model = make_model()
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    train(model, Photos(), make_recipe(max_iter=2), input_space=SPACE)
    assert torch.equal(torch.rand(3), expected)


def test_dropout_differs_from_sample_to_sample():
    """Of one image, with a rate of nothing: the loss changes by dropout alone."""

    class One(Photos):
        def __len__(self) -> int:
            return 1

    recipe = make_recipe(
        base_lr=1e-30, iter_size=1, crop=[], scales=[1, 1], mirror=False, max_iter=6
    )
    losses = {step.loss for step in train(make_model(), One(), recipe, input_space=SPACE)}
    assert len(losses) == 6


def test_a_damaged_snapshot_costs_time_but_nothing_else(tmp_path):
    recipe = make_recipe()
    run(tmp_path, recipe, {}, snapshot_every=3)
    wanted, lines = weights_of(tmp_path), reports(tmp_path)
    path = snapshots(tmp_path)[-1]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(SnapshotWarning):
        run(tmp_path, recipe, {}, resume=True)
    assert_same(weights_of(tmp_path), wanted)
    assert reports(tmp_path) == lines


def test_a_finished_training_gives_its_weights_at_once(tmp_path):
    trained = run(tmp_path, make_recipe(), {})
    again = run(tmp_path, make_recipe(), {}, resume=True)
    assert_same(again.state_dict(), trained.state_dict())
    assert len(reports(tmp_path)) == 8


def test_a_line_says_what_happened(tmp_path):
    run(tmp_path, make_recipe(max_iter=1), {})
    line = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert list(line) == ["iteration", "loss", "learning_rate", "seconds", "waited", "images"]
    assert (line["iteration"], line["learning_rate"], line["images"]) == (1, 1e-5, 4)
    assert 0 <= line["waited"] <= line["seconds"]


def test_what_cannot_be_resumed(tmp_path):
    run(tmp_path, make_recipe(max_iter=2), {})
    with pytest.raises(
        TrainingError, match="holds a training already; resume it, or name a new fo"
    ):
        run(tmp_path, make_recipe(max_iter=2), {})
    words = r"its training has base_lr 1e-05, not 0.1: it cannot go on so"
    with pytest.raises(TrainingError, match=words):
        run(tmp_path, make_recipe(max_iter=2, base_lr=0.1), {}, resume=True)
    with pytest.raises(TrainingError, match=r"another model: 'conv1_1.conv.bias' is only in one"):
        run(tmp_path, make_recipe(max_iter=2), NORMED, resume=True)
    with pytest.raises(TrainingError, match=r"another model: .* is .*, not "):
        run(tmp_path, make_recipe(max_iter=2), {"width": 1 / 32}, resume=True)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"base_lr": 1e30}, "loss (nan|inf) at iteration [23]: try a base_lr below 1e\\+30"),
        (
            {"batch_size": 2, "crop": []},
            "images of .* cannot share a batch: crop, or batch_size=1",
        ),
    ],
)
def test_what_cannot_be_trained(values, words):
    with pytest.raises(TrainingError, match=words):
        run(None, make_recipe(**values), {})


def test_weights_of_classes_are_given_if_the_recipe_weighs_them():
    for values, weights in (({"weigh_classes": True}, None), ({}, torch.ones(3))):
        with pytest.raises(
            TrainingError, match=r"weigh_classes is (True|False), class weights are"
        ):
            train(
                make_model(),
                Photos(),
                make_recipe(**values),
                input_space=SPACE,
                class_weights=weights,
            )
