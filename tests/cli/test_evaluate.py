import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import cli
from cli.evaluate import DATA_HELP
from parsenet.datasets import DATASETS, open_dataset
from parsenet.datasets.camvid import CLASSES
from parsenet.scenes import CLASSES as SCENE_CLASSES
from strategies.checkpoints import MEAN, STD, write_checkpoint
from strategies.datasets import write_camvid

NAMES = tuple(f"0016E5_{k}" for k in range(3))


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(cli, "COMMANDS", tuple(dict.fromkeys((*cli.COMMANDS, "evaluate"))))
    return lambda *words: CliRunner().invoke(cli.main, ["evaluate", *map(str, words)])


@pytest.fixture
def data(tmp_path):
    write_camvid(tmp_path / "data", {"val": NAMES}, size=(40, 56))
    return tmp_path / "data"


@pytest.fixture
def checkpoint(tmp_path):
    return write_checkpoint(tmp_path / "net.safetensors", CLASSES)


@pytest.fixture
def path(checkpoint, tmp_path):
    return tmp_path / "net.safetensors"


def table(checkpoint, root, count):
    """Confusion by a plain loop, from the model's own scores."""
    dataset = open_dataset("camvid", root, "val")
    counts = np.zeros((11, 11), int)
    for index in range(count):
        image, label = dataset[index]
        bgr = (image[..., ::-1].astype(np.float32) - MEAN) / STD
        with torch.no_grad():
            score = checkpoint.model(torch.tensor(bgr.transpose(2, 0, 1)[None]).float())
        called = score[0].argmax(0).numpy()
        for true, said in zip(label[label != 255], called[label != 255], strict=True):
            counts[true, said] += 1
    return counts


def test_json_holds_the_scores_of_a_plain_loop(run, path, checkpoint, data):
    done = run(path, "--data", "camvid", "--root", data, "--json")
    assert done.exit_code == 0, done.output
    scores = json.loads(done.stdout)
    counts = table(checkpoint, data, 3)
    assert scores["confusion"] == counts.tolist()
    assert (counts.sum(0) > 0).sum() > 3
    right, true, said = counts.diagonal(), counts.sum(1), counts.sum(0)
    assert scores["pixel_accuracy"] == pytest.approx(right.sum() / counts.sum())
    assert scores["mean_accuracy"] == pytest.approx((right / true).mean())
    iou = right / (true + said - right)
    assert scores["mean_iou"] == pytest.approx(iou.mean())
    assert scores["frequency_weighted_iou"] == pytest.approx((true * iou).sum() / true.sum())
    assert [row["name"] for row in scores["classes"]] == list(CLASSES)
    assert [row["iou"] for row in scores["classes"]] == pytest.approx(iou)
    assert (scores["data"], scores["split"], scores["images"]) == ("camvid", "val", 3)


def test_the_table_has_a_row_for_each_class_and_the_means(run, path, checkpoint, data):
    done = run(path, "--data", "camvid", "--root", data, "--limit", 1)
    assert done.exit_code == 0, done.output
    counts = table(checkpoint, data, 1)
    right, true, said = counts.diagonal(), counts.sum(1), counts.sum(0)
    iou = right / (true + said - right)
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line.strip()}
    assert "camvid val, 1 image" in done.stdout
    for k, name in enumerate(CLASSES):
        assert rows[name] == [
            f"{true[k] / true.sum():.1%}", f"{right[k] / true[k]:.4f}", f"{iou[k]:.4f}"
        ]  # fmt: skip
    assert rows["mean"] == [f"{(right / true).mean():.4f}", f"{iou.mean():.4f}"]
    assert f"pixel accuracy          {right.sum() / true.sum():.4f}" in done.stdout
    assert f"frequency-weighted IoU  {(true * iou).sum() / true.sum():.4f}" in done.stdout


def test_absent_classes_are_said_and_null(run, path, data):
    for name in NAMES:
        label = np.zeros((40, 56), np.uint8)
        label[:20] = 3
        Image.fromarray(label).save(data / f"valannot/{name}.png")
    done = run(path, "--data", "camvid", "--root", data)
    assert "9 of 11 classes do not occur in the labels; the means leave them out" in done.stdout
    done = run(path, "--data", "camvid", "--root", data, "--json")
    classes = json.loads(done.stdout)["classes"]
    assert [k for k, row in enumerate(classes) if row["iou"] is not None] == [0, 3]


def test_other_class_names_are_noted(run, tmp_path, data):
    write_checkpoint(tmp_path / "other.safetensors", ("heaven", *CLASSES[1:]))
    done = run(tmp_path / "other.safetensors", "--data", "camvid", "--root", data, "--limit", 1)
    assert "1 of the model's classes bear other names, first 'heaven' for 'sky'" in done.stdout


def test_scenes_need_no_files(run, tmp_path):
    write_checkpoint(tmp_path / "net.safetensors", SCENE_CLASSES)
    done = run(tmp_path / "net.safetensors", "--data", "scenes", "--limit", 1, "--json")
    assert done.exit_code == 0, done.output
    assert sum(map(sum, json.loads(done.stdout)["confusion"])) == 384 * 384


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "scenes"], "scenes has 9 classes (background, sun, moon, ...), the model 11"),
        (["--data", "camvid"], "camvid: needs the root folder of its files"),
        (["--data", "voc"], "no data set 'voc'; there are voc2012, "),
        (["--data", "camvid", "--root", "/none"], "camvid: nothing of it is in /none (looked for"),
        (
            ["--data", "sift-flow", "--root", "."],
            "sift-flow: no split 'val'; there are train, test",
        ),
        (["--data", "camvid", "--root", ".", "--download"], "camvid: cannot be downloaded from"),
    ],
)
def test_what_cannot_be_scored_is_one_line_and_exit_code_2(run, path, words, message):
    done = run(path, *words)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {message}")


def test_a_damaged_photo_is_one_line_and_exit_code_2(run, path, data):
    (data / f"val/{NAMES[1]}.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    done = run(path, "--data", "camvid", "--root", data)
    assert done.exit_code == 2
    assert f"{NAMES[1]}.png: cannot be read as an image" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("content", [None, b"no checkpoint"])
def test_a_missing_or_damaged_checkpoint_is_one_line(run, tmp_path, content):
    if content:
        (tmp_path / "net.safetensors").write_bytes(content)
    done = run(tmp_path / "net.safetensors", "--data", "scenes")
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {tmp_path}/net.safetensors: ")


def test_an_unknown_device_is_refused(run, path):
    done = run(path, "--data", "scenes", "--device", "abacus")
    assert done.exit_code == 2


def test_the_help_lists_every_data_set():
    named = DATA_HELP.replace(",", " ").replace(".", " ").split()
    assert set(DATASETS) <= set(named)


@pytest.mark.slow
def test_two_processes_of_torchrun_print_one_table(path, checkpoint, data, tmp_path):
    (tmp_path / "run.py").write_text("from cli.evaluate import evaluate\nevaluate()\n")
    words = [path, "--data", "camvid", "--root", data, "--json"]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*launcher, tmp_path / "run.py", *words], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["confusion"] == table(checkpoint, data, 3).tolist()
