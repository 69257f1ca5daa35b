"""ParseNet's head on others' networks, against the same layers run by hand; trained and probed."""

import json

import pytest
import timm
import torch
import torchvision
from click.testing import CliRunner
from torch.nn import functional as F

from cli import main
from parsenet import ModelError, build, load_checkpoint, load_weights, transplant
from parsenet.backbone import make_backbone
from parsenet.freezing import freeze_trunk, kept_features
from parsenet.pretrained import weights_for

SMALL = "timm:test_convnext"
PHOTO = torch.randn(2, 3, 96, 128, generator=torch.Generator().manual_seed(0))


def network(backbone, local, fusion="late", **options):
    torch.manual_seed(0)
    options = {"dropout": False, "context": local[-1], **options}
    net = build("backbone", classes=4, backbone=backbone, local=local, fusion=fusion, **options)
    return net.eval()


def by_hand(net, blobs, fusion):
    """The head's own tensors, put together with functions alone."""

    def normalize(x, name):
        if not net.normalize:
            return x
        return F.normalize(x, dim=1) * net.get_parameter(f"{name}_norm.gamma").view(1, -1, 1, 1)

    like = blobs[net.finest]
    maps = {name.replace(".", "_"): blobs[name] for name in net.local}
    maps = {name: normalize(x, name) for name, x in maps.items()}
    if net.context:
        pooled = blobs[net.context].mean((2, 3), keepdim=True)
        maps["pool6_1x1"] = normalize(pooled, "pool6_1x1")
    suffix = "_norm_score" if net.normalize else "_score"
    if fusion != "early":
        for name, x in maps.items():
            layer = net.get_submodule(name + suffix)
            maps[name] = F.conv2d(x, layer.weight, layer.bias)
    size = like.shape[2:]
    grown = [
        x.expand(-1, -1, *size)
        if name == "pool6_1x1"
        else F.interpolate(x, size, mode="bilinear", align_corners=False)
        for name, x in maps.items()
    ]
    score = net.fusion_score(torch.cat(grown, 1)) if fusion == "early" else sum(grown)
    return F.interpolate(score, PHOTO.shape[2:], mode="bilinear", align_corners=False)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(
    ("fusion", "local"),
    [
        ("none", ["layer3"]),
        ("late", ["layer4"]),
        ("late", ["layer2", "layer4"]),
        ("early", ["layer3", "layer2"]),
    ],
)
@torch.no_grad()
def test_scores_are_those_of_the_heads_layers(fusion, local, normalize):
    net = network("resnet18", local, fusion, normalize=normalize)
    assert net.finest == min(local)  # the earlier a layer of a ResNet, the finer
    x, blobs = PHOTO, {}
    for name, child in net.backbone.named_children():
        if name == "avgpool":
            break
        x = blobs[name] = child(x)
    torch.testing.assert_close(net(PHOTO), by_hand(net, blobs, fusion), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_timms_layers_are_read_by_their_paths():
    net = network(SMALL, ["stages.3"])
    theirs = timm.create_model("test_convnext").eval()
    theirs.load_state_dict(net.backbone.state_dict())
    x = theirs.stem(PHOTO)
    for stage in theirs.stages:
        x = stage(x)
    blobs = {"stages.3": x}
    torch.testing.assert_close(net(PHOTO), by_hand(net, blobs, "late"), rtol=1e-4, atol=1e-5)
    assert set(dict(net.named_children())) >= {"stages_3_norm", "pool6_1x1", "pool6_1x1_norm_score"}


def run(*words):
    return CliRunner().invoke(main, list(map(str, words)))


def test_a_head_is_trained_on_scenes_scored_and_probed(tmp_path, monkeypatch):
    monkeypatch.setattr("parsenet.training.trained.SCORED_SCENES", 2)
    where = ["--backbone", SMALL, "--local", "stages.3", "--context", "stages.3"]
    few = ["--iterations", 2, "--batch-size", 2, "--size", 96, "--workers", 0]
    done = run("train", *where, *few, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    path = tmp_path / "run" / "backbone-late.safetensors"
    assert load_checkpoint(path).options["backbone"] == SMALL
    done = run("evaluate", path, "--data", "scenes", "--limit", 2, "--context", "mean", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["beside"]["title"] == "with the photos' own context"
    probing = ["--image-size", 64, "--patch", 32, "--draws", 1, "--out", tmp_path / "p"]
    done = run("probe", path, "--layer", "score", *probing)
    assert done.exit_code == 0, done.output
    assert "delta" in done.output


def test_a_frozen_backbone_keeps_its_features(tmp_path):
    net = network(SMALL, ["stages.2", "stages.3"]).train()
    freeze_trunk(net)
    expected = net(PHOTO)
    with kept_features(net, tmp_path):
        for _ in range(2):
            torch.testing.assert_close(net(PHOTO), expected, rtol=1e-5, atol=1e-5)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2


def test_weights_of_the_backbone_come_by_its_librarys_names(tmp_path):
    theirs = torchvision.models.resnet18(weights=None)
    torch.save({"model": theirs.state_dict()}, tmp_path / "r18.pth")
    net = network("resnet18", ["layer4"])
    report = transplant(net, weights_for(net, tmp_path / "r18.pth"))
    assert torch.equal(net.backbone.layer3[1].conv1.weight, theirs.layer3[1].conv1.weight)
    assert torch.equal(net.backbone.bn1.running_var, theirs.bn1.running_var)
    assert all("backbone" not in name for name in report.fresh)
    assert load_weights  # the same file is of no VGG-16: see test_files


@pytest.mark.parametrize(
    ("name", "local", "words"),
    [
        ("resnet7", ["layer4"], "no backbone 'resnet7': name one of torchvision's, or timm:NAME"),
        ("timm:resnet7", ["layer4"], "no backbone 'timm:resnet7': timm has no model 'resnet7'"),
        ("timm:hf-hub:a/b", ["x"], "name one of torchvision's, or timm:NAME"),
        ("resnet18", [], "name local layers of the backbone; it begins with conv1, bn1"),
        ("resnet18", ["layer9"], "the backbone has no layer 'layer9'"),
        ("resnet18", ["fc"], r"layer 'fc' of the backbone gives \(1, 1000\), no map"),
    ],
)
def test_what_is_no_backbone(name, local, words):
    with pytest.raises(ModelError, match=words):
        build("backbone", classes=2, backbone=name, local=local)
    assert make_backbone("resnet18") is not None
