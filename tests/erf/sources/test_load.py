"""Names that lead to models, against the libraries that make them."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

import erf
from erf.sources import IMAGENET, Choice, Init
from erf.sources import load as loading

SMALL = "def build(width=4):\n    import torch\n    return torch.nn.Conv2d(3, width, 3)\n"


def test_a_torchvision_model_has_the_same_random_weights_each_time() -> None:
    one, two = erf.load_model("resnet18"), erf.load_model("torchvision:resnet18")
    assert one.random
    assert not one.input_space.known
    assert one.weights_sha256 == two.weights_sha256
    assert not one.model.training


def test_loading_does_not_move_the_global_random_state() -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    erf.load_model("squeezenet1_1")
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", ["fcn_resnet50", "lraspp_mobilenet_v3_large"])
def test_nothing_is_downloaded_that_was_not_asked_for(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a download")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", refuse)
    assert erf.load_model(name).random


def test_weights_that_are_a_download_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("<urlopen error no route>")

    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", fail)
    for name, weights in (("resnet18", "DEFAULT"), ("ResNet18_Weights.IMAGENET1K_V1", None)):
        with pytest.raises(erf.SourceError, match=r"are a download .*--weights FILE"):
            erf.load_model(name, weights=weights)


def test_the_input_space_comes_from_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    state = torchvision.models.resnet18(weights=None).state_dict()
    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", lambda *_, **__: state)
    loaded = erf.load_model("resnet18", weights="IMAGENET1K_V1")
    assert not loaded.random
    assert loaded.input_space.known
    assert loaded.input_space.mean == pytest.approx(IMAGENET.mean)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet5O", "did you mean resnet50"),
        ("torchvision:nothing", "torchvision has no model 'nothing'"),
        ("x.pth", "x.pth: no such file"),
        ("x.pt2", "is no readable exported program"),
        ("os.path:nothing_there", "os.path has no 'nothing_there'"),
        ("no_such_module:f", "importing no_such_module raised ModuleNotFoundError"),
        ("./nowhere.py:f", "nowhere.py: no such file"),
        ("", "is neither a file nor a model"),
    ],
)
def test_refusals(name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(erf.SourceError, match=words) as caught:
        erf.load_model(name)
    assert "\n" not in str(caught.value)


def test_weights_that_torchvision_does_not_have() -> None:
    with pytest.raises(erf.SourceError, match=r"no weights 'V9'.*IMAGENET1K_V1, DEFAULT"):
        erf.load_model("resnet18", weights="V9")


def test_a_function_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(SMALL)
    loaded = erf.load_model(f"{tmp_path}/net.py:build", arguments={"width": 6})
    assert isinstance(loaded.model, nn.Conv2d)
    assert loaded.model.out_channels == 6
    assert "ran its code" in loaded.notes[0]
    assert (loaded.random, loaded.label) == (None, "build (weights as given)")
    again = erf.load_model(f"{tmp_path}/net.py:build", arguments={"width": 6})
    assert loaded.weights_sha256 == again.weights_sha256
    with pytest.raises(erf.SourceError, match=r"net\.py:build raised TypeError"):
        erf.load_model(f"{tmp_path}/net.py:build", arguments={"depth": 1})
    (tmp_path / "net2.py").write_text("build = lambda: 3\n")
    with pytest.raises(erf.SourceError, match="returned a int, not a torch module"):
        erf.load_model(f"{tmp_path}/net2.py:build")


def test_a_name_without_a_colon_imports_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("trap", "trap.py"):
        with pytest.raises(erf.SourceError):
            erf.load_model(name)
    assert "trap" not in sys.modules


def test_an_offer_of_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    class Space:
        mean, std, channel_order = (1.0,), (2.0,), "rgb"

    class Found:
        model, name, input_space, random = nn.Conv2d(1, 2, 3), "theirs", Space, False

    class Offer:
        names = staticmethod(lambda: ["theirs"])
        load = staticmethod(lambda name: Found if name == "theirs" else None)

    monkeypatch.setattr("erf.sources.offers.offers", lambda: (Offer,))
    loaded = erf.load_model("theirs")
    assert loaded.input_space == erf.InputSpace((1.0,), (2.0,))
    assert "theirs" in erf.model_names()
    assert erf.load_model("resnet18").name == "resnet18"


def test_an_offer_that_takes_weights_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    class Space:
        mean, std, channel_order = (1.0,), (2.0,), "rgb"

    class Offer:
        names = staticmethod(lambda: ["theirs"])
        load = staticmethod(lambda name: None)

        @staticmethod
        def begin(name: str, file: str, space: str) -> object | None:
            known = {"model": nn.Conv2d(1, 2, 3), "name": name, "input_space": Space}
            notes = (f"{file} as {space}",)
            return (
                types.SimpleNamespace(**known, random=None, notes=notes) if name[0] == "t" else None
            )

    monkeypatch.setattr("erf.sources.offers.offers", lambda: (Offer,))
    loaded = erf.load_model("theirs", weights=Init("a.weights", "grey"), dtype="float64")
    assert loaded.notes == ("a.weights as grey",)
    assert loaded.label == "theirs (weights as given)"
    assert loaded.model.weight.dtype == torch.float64
    assert Choice(init="a").load("theirs").notes == ("a as ",)
    with pytest.raises(erf.SourceError, match="resnet18: takes no initial weights"):
        erf.load_model("resnet18", weights=Init("a"))
    with pytest.raises(erf.SourceError, match="--init says itself"):
        Choice(init="a", partial=True).load("theirs")
    with pytest.raises(erf.SourceError, match="--weights and --init both"):
        Choice(init="a", weights="b").load("theirs")
    with pytest.raises(erf.SourceError, match="--init-input caffe is of no weights"):
        Choice(init_input="caffe").load("theirs")


def test_our_own_names_come_in_by_the_entry_point() -> None:
    loaded = erf.load_model("late")
    assert (loaded.name, loaded.random) == ("parsenet-late", False)
    assert erf.load_model("fcn32s", arguments=None).random
    assert {"late", "parsenet", "resnet18"} <= set(erf.model_names())


def test_every_source_says_what_it_is() -> None:
    for name in loading.SOURCES:
        assert loading.SOURCES.find(name).summary


def test_timm_with_a_tag_means_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    timm = pytest.importorskip("timm")
    asked: list[tuple[str, bool]] = []
    real = timm.create_model

    def create(name: str, pretrained: bool, **arguments: object) -> nn.Module:
        asked.append((name, pretrained))
        return real(name.partition(".")[0], pretrained=False, **arguments)

    monkeypatch.setattr(timm, "create_model", create)
    plain, trained = erf.load_model("timm:resnet18"), erf.load_model("timm:resnet18.a1_in1k")
    assert asked == [("resnet18", False), ("resnet18.a1_in1k", True)]
    assert plain.random
    assert not trained.random
    assert trained.input_space.known
    with pytest.raises(erf.SourceError, match="timm:resnet18 has no weights 'a9'"):
        erf.load_model("timm:resnet18.a9")
    with pytest.raises(erf.SourceError, match="timm has no model 'resnet1'"):
        erf.load_model("timm:resnet1")


def test_timm_mean_is_its_own_and_a_fixed_size_is_told() -> None:
    pytest.importorskip("timm")
    loaded = erf.load_model("timm:vit_tiny_patch16_224")
    assert loaded.size == (224, 224)
    assert loaded.input_space.mean == (127.5, 127.5, 127.5)
    other = erf.load_model("timm:vit_tiny_patch16_224", image_size=(96, 96))
    assert other.size == (96, 96)
    assert erf.load_model("timm:resnet18").size is None


def test_a_folder_of_timm_without_its_description(tmp_path: Path) -> None:
    with pytest.raises(erf.SourceError, match=r"no config\.json there"):
        erf.load_model(f"local-dir:{tmp_path}")


def test_a_pipe_is_no_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "net.pth")
    with pytest.raises(erf.SourceError):
        erf.load_model("resnet18", weights=tmp_path / "net.pth")
