import json
import pickle
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from parsenet import Checkpoint, CheckpointError, build, load_checkpoint, save_checkpoint

OPTIONS: dict[str, Any] = {"width": 1 / 64, "batch_norm": True, "local": ("fc7", "conv5_3")}
CLASSES = ("background", "cube", "ball")


@pytest.fixture
def checkpoint() -> Checkpoint:
    model = build("parsenet", classes=3, **OPTIONS)
    model(torch.randn(2, 3, 32, 32))  # moves the running statistics of batch norm off their start
    return Checkpoint(
        model=model,
        variant="parsenet",
        options=OPTIONS,
        classes=CLASSES,
        mean=(120.0, 110.5, 100.25),
        std=(60.0, 50.0, 40.0),
        training={"command": "erf train", "seed": 3, "scores": {"mean_iou": 0.5}},
    )


@pytest.fixture
def path(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    save_checkpoint(checkpoint, tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


def rewrite(path: Path, *, drop: str = "", add: str = "", **changes: Any) -> None:
    """Change entries of a checkpoint's description; or drop or add a tensor."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    metadata["checkpoint"] = json.dumps(json.loads(metadata["checkpoint"]) | changes)
    state = load_file(path)
    state = {name: tensor for name, tensor in state.items() if name != drop}
    if add:
        state[add] = torch.zeros(1)
    save_file(state, path, metadata=metadata)


def test_a_model_comes_back_with_its_outputs(checkpoint: Checkpoint, path: Path) -> None:
    image = torch.randn(2, 3, 40, 56)
    loaded = load_checkpoint(path)
    assert not loaded.model.training
    assert all(parameter.requires_grad for parameter in loaded.model.parameters())
    with torch.no_grad():
        assert torch.equal(loaded.model(image), checkpoint.model.eval()(image))


def test_all_else_comes_back_too(checkpoint: Checkpoint, path: Path) -> None:
    loaded = load_checkpoint(path)
    for name in ("variant", "classes", "mean", "std", "channel_order", "training"):
        assert getattr(loaded, name) == getattr(checkpoint, name)
    assert loaded.options == OPTIONS | {"local": ["fc7", "conv5_3"]}


def test_fixed_deconvolutions_come_back_fixed(checkpoint: Checkpoint, tmp_path: Path) -> None:
    model = build("fcn32s", classes=3, width=1 / 64)
    fcn = replace(checkpoint, model=model, variant="fcn32s", options={"width": 1 / 64})
    save_checkpoint(fcn, tmp_path / "fcn.safetensors")
    loaded = load_checkpoint(tmp_path / "fcn.safetensors").model
    assert [n for n, p in loaded.named_parameters() if not p.requires_grad] == ["upscore.weight"]


def test_loading_draws_no_random_number(path: Path) -> None:
    before = torch.random.get_rng_state()
    load_checkpoint(path)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_saving_replaces_whole_and_leaves_nothing_beside(
    checkpoint: Checkpoint, path: Path
) -> None:
    save_checkpoint(replace(checkpoint, classes=("x", "y", "z")), path)
    assert load_checkpoint(path).classes == ("x", "y", "z")
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(
    checkpoint: Checkpoint, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_the_disk(state: object, name: Path, metadata: object) -> None:
        Path(name).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr("parsenet.checkpoint.save_file", fill_the_disk)
    with pytest.raises(CheckpointError, match=r"cannot be written: .*No space left"):
        save_checkpoint(checkpoint, path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_what_could_not_be_read_back_is_not_written(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    with pytest.raises(CheckpointError, match=r"conv1_1.conv.weight is float32 \(1, 3, 3, 3\)"):
        save_checkpoint(replace(checkpoint, options=OPTIONS | {"width": 1 / 32}), path)
    with pytest.raises(CheckpointError, match=r"cannot be described in JSON: .*Tensor"):
        save_checkpoint(replace(checkpoint, training={"loss": torch.zeros(1)}), path)
    with pytest.raises(CheckpointError, match=r"cannot be described in JSON: .*float"):
        save_checkpoint(replace(checkpoint, training={"loss": float("nan")}), path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"options": {"classes": 3}}, "options name 'classes'"),
        ({"classes": ()}, r"classes must be names, at least one, not \(\)"),
        ({"classes": (1, 2, 3)}, "classes must be names"),
        ({"mean": (1.0, 2.0)}, r"mean must be three finite numbers, not \(1.0, 2.0\)"),
        ({"std": (1.0, 0.0, 1.0)}, r"std must be three numbers above zero, not \(1.0, 0.0, 1.0\)"),
        ({"channel_order": "gbr"}, "channel_order must be one of .*, not 'gbr'"),
    ],
)
def test_a_description_that_cannot_be_used_is_refused(
    checkpoint: Checkpoint, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        replace(checkpoint, **change)


def test_an_image_is_brought_into_the_input_space(checkpoint: Checkpoint) -> None:
    image = np.zeros((2, 3, 3), dtype=np.uint8)
    image[1, 2] = (180, 60, 20)
    x = checkpoint.input_tensor(image)
    assert (x.dtype, tuple(x.shape), x.is_contiguous()) == (torch.float32, (3, 2, 3), True)
    assert x[:, 1, 2].tolist() == pytest.approx([1.0, -50.5 / 50, -80.25 / 40])
    torch.testing.assert_close(checkpoint.input_tensor(image.astype(np.float64)), x)


def test_a_bgr_model_gets_its_channels_in_its_order(checkpoint: Checkpoint) -> None:
    caffe = replace(checkpoint, channel_order="bgr", mean=(104.0, 117.0, 123.0), std=(1.0,) * 3)
    red = np.array([[[255, 0, 0]]], dtype=np.uint8)
    assert caffe.input_tensor(red).flatten().tolist() == [-104.0, -117.0, 132.0]


def test_noise_of_some_grey_levels_scales_as_the_image_does(checkpoint: Checkpoint) -> None:
    assert checkpoint.input_sigma(30.0) == pytest.approx([0.5, 0.6, 0.75])
    grey = np.full((1, 1, 3), 40.0)
    step = checkpoint.input_tensor(grey + 30) - checkpoint.input_tensor(grey)
    assert step.flatten().tolist() == pytest.approx(checkpoint.input_sigma(30.0))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere.safetensors: no such file"):
        load_checkpoint(tmp_path / "nowhere.safetensors")
    with pytest.raises(CheckpointError, match="is a folder"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(64)])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(
        CheckpointError, match=r"x.safetensors: is no readable safetensors file"
    ) as error:
        load_checkpoint(tmp_path / "x.safetensors")
    assert "\n" not in str(error.value)


def test_weights_of_another_number_type_are_refused(path: Path) -> None:
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    state = load_file(path)
    state["fc7_norm.gamma"] = state["fc7_norm.gamma"].half()
    save_file(state, path, metadata=metadata)
    message = r"fc7_norm.gamma is float16 \(16,\), parsenet has float32 \(16,\)"
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return (Path.touch, (tmp_path / "sprung",))

    (tmp_path / "raw.pt").write_bytes(pickle.dumps(Trap()))
    torch.save(Trap(), tmp_path / "zip.pt")
    for name in ("raw.pt", "zip.pt"):
        with pytest.raises(CheckpointError, match=f"{name}: is no readable safetensors file"):
            load_checkpoint(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_truncated_file_is_refused(path: Path, share: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CheckpointError, match="is no readable safetensors file"):
        load_checkpoint(path)


def test_a_changed_byte_in_the_header_is_harmless_or_refused(path: Path) -> None:
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    draw = Random(0)
    refusals = []
    for _ in range(100):
        damaged = bytearray(whole)
        damaged[draw.randrange(header)] = draw.randrange(256)
        path.write_bytes(damaged)
        try:
            load_checkpoint(path)
        except CheckpointError as error:
            refusals.append(str(error))
    assert len(refusals) > 80
    assert not any("\n" in refusal for refusal in refusals)


def test_foreign_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="is no checkpoint of parsenet"):
        load_checkpoint(path)
    save_file({"weight": torch.zeros(2)}, path, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="is no checkpoint of parsenet"):
        load_checkpoint(path)


def test_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "later.safetensors"
    metadata = {"format": "parsenet-checkpoint", "version": "2", "checkpoint": "{}"}
    save_file({"weight": torch.zeros(2)}, path, metadata=metadata)
    with pytest.raises(CheckpointError, match="has version '2'; this software reads 1"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "its metadata lacks 'variant'"),
        ("{", "its metadata is damaged: Expecting"),
        ("[]", "its metadata is damaged: list indices"),
        ("[" * 100_000, "its metadata is damaged"),
    ],
)
def test_damaged_metadata_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "damaged.safetensors"
    metadata = {"format": "parsenet-checkpoint", "version": "1", "checkpoint": text}
    save_file({"weight": torch.zeros(2)}, path, metadata=metadata)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variant": "unet"}, "its model cannot be built: no variant 'unet'"),
        ({"options": {"depth": 3}}, "its model cannot be built: parsenet has no keyword 'depth'"),
        ({"options": {"width": "wide"}}, "its model cannot be built: width must be"),
        ({"options": {"local": 5}}, "its model cannot be built: "),
        ({"options": {"context": []}}, "its model cannot be built: "),
        ({"options": 3}, "its metadata is damaged"),
        ({"mean": [1, 2]}, "its metadata is damaged: not enough values"),
        ({"std": [1, 2, -1]}, "its metadata is damaged: std must be three numbers above zero"),
        ({"std": [1, 2, "x"]}, "its metadata is damaged: could not convert"),
        ({"classes": []}, "its metadata is damaged: classes must be names"),
        ({"classes": ["one", "two"]}, r"score.bias is float32 \(3,\), parsenet has float32 \(2,\)"),
        ({"drop": "fc7_norm.gamma"}, "lacks 1 tensor, first 'fc7_norm.gamma', of parsenet"),
        ({"add": "fc8.weight"}, "has 1 tensor, first 'fc8.weight', that parsenet has not"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    path: Path, changes: dict[str, Any], message: str
) -> None:
    rewrite(path, **changes)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_checkpoint(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
