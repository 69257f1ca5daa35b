"""Networks that read another photo's context, against the same head run by hand."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import erf
import parsenet
from cli import main
from parsenet import ModelError, Scores, build, open_dataset
from parsenet.context import given, listening, pooling, shares, through, vector_for
from parsenet.evaluation import evaluate_photos
from parsenet.input_space import IMAGENET
from parsenet.scenes import CLASSES
from parsenet.shipment import open_checkpoint
from strategies.checkpoints import write_checkpoint

PHOTO = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def network(fusion="late", **options):
    torch.manual_seed(0)
    return build(
        "parsenet", classes=4, width=1 / 64, fusion=fusion, dropout=False, **options
    ).eval()


@pytest.mark.parametrize("fusion", ["early", "late"])
@pytest.mark.parametrize("normalize", [True, False])
@torch.no_grad()
def test_a_given_vector_is_what_the_head_reads(fusion, normalize):
    """The network's own layers, called one by one with another pooled vector."""
    net = network(fusion, normalize=normalize)
    other = torch.rand(net.channels["fc7"], 1, 1)
    with given(net, other):
        found = net(PHOTO)
    assert torch.equal(net(PHOTO), net(PHOTO))
    fc7 = net.trunk(PHOTO, "fc7")["fc7"]
    names = dict(net.named_children())

    def path(name, x):
        for suffix in ("_norm", "_norm_score", "_score"):
            module = names.get(f"{name}{suffix}")
            x = x if module is None else module(x)
        return x

    maps = [path("fc7", fc7), path("pool6_1x1", other[None]).expand(-1, -1, *fc7.shape[2:])]
    fused = net.fusion_score(torch.cat(maps, 1)) if fusion == "early" else maps[0] + maps[1]
    torch.testing.assert_close(found, net.score(net.upscore(fused), PHOTO))
    assert not torch.equal(found, net(PHOTO))
    assert not pooling(net)._forward_hooks


@torch.no_grad()
def test_what_is_heard_is_the_mean_of_the_layer():
    net = network()
    with listening(net) as heard:
        net(PHOTO)
    torch.testing.assert_close(heard[0], net.trunk(PHOTO, "fc7")["fc7"].mean((2, 3), keepdim=True))


def test_whose_vector_is_given():
    vectors = torch.arange(5.0).view(5, 1, 1, 1)
    assert [vector_for(k, vectors, "swapped").item() for k in range(5)] == [2, 3, 4, 0, 1]
    assert all(vector_for(k, vectors, "own").item() == k for k in range(5))
    assert vector_for(3, vectors, "mean").item() == 2
    with pytest.raises(ModelError, match="cannot be swapped: there is but one photo"):
        vector_for(0, vectors[:1], "swapped")
    with pytest.raises(ModelError, match="context must be one of own, swapped, mean, not 'none'"):
        vector_for(0, vectors, "none")
    with pytest.raises(ModelError, match="the network has no global context"):
        pooling(network("none"))


@pytest.mark.parametrize("context", ["own", "swapped", "mean"])
def test_each_photo_is_scored_with_the_vector_it_is_given(context):
    net, data = network(), parsenet.datasets.SceneDataset("val", count=4)
    net = build("parsenet", classes=len(CLASSES), width=1 / 64, dropout=False).eval()
    found = evaluate_photos(net, data, IMAGENET, context=context)
    tensors = [IMAGENET.tensor(data[k][0])[None] for k in range(4)]
    with torch.no_grad():
        pooled = [net.trunk(x, "fc7")["fc7"].mean((2, 3), keepdim=True) for x in tensors]
        for k, x in enumerate(tensors):
            mean = sum(pooled) / 4
            vector = {"own": pooled[k], "swapped": pooled[(k + 2) % 4], "mean": mean}[context]
            with given(net, vector[0]):
                called = net(x)[0].argmax(0)
            label = torch.from_numpy(data[k][1])
            expected = Scores.none(len(CLASSES)).with_pixels(called, label).confusion
            assert (found.confusions[k] == expected).all()
    assert found.names == data.names


def run(*words):
    return CliRunner().invoke(main, ["evaluate", *map(str, words), "--data", "scenes"])


def test_the_command_says_whether_the_shipped_network_uses_its_context():
    done = run("late", "--limit", 4, "--context", "swapped", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["beside"]["title"] == "with the photos' own context"
    own, swapped = found["beside"]["mean_iou"], found["mean_iou"]
    assert found["difference"]["difference"] == pytest.approx(swapped - own)
    assert swapped < own
    total = np.sum([photo["confusion"] for photo in found["photos"]], axis=0)
    assert total.tolist() == found["confusion"]
    trained = open_checkpoint("late")
    data = open_dataset("scenes", None, "val")
    truth = parsenet.evaluate(trained.model, data, trained.input_space, limit=4)
    assert own == pytest.approx(truth.mean_iou)


def test_two_checkpoints_are_compared_by_photo(tmp_path):
    write_checkpoint(tmp_path / "other.safetensors", CLASSES)
    done = run("late", "--limit", 3, "--against", tmp_path / "other.safetensors")
    assert done.exit_code == 0, done.output
    assert "95 % over 3 photos" in done.output
    assert "the other checkpoint: mean IoU" in done.output
    assert "paired by photo; p = " in done.output


def test_what_cannot_be_asked_is_one_line():
    done = run("none", "--limit", 2, "--context", "mean")
    assert done.exit_code == 2
    assert "the network has no global context: no layer 'pool6_1x1'" in done.output
    done = run("late", "--limit", 2, "--group", "(")
    assert done.exit_code == 2
    assert "group '(' is no pattern" in done.output


@pytest.mark.parametrize("fusion", ["early", "late"])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("local", [["fc7"], ["fc7", "conv5_3"]])
@torch.no_grad()
def test_changes_by_the_two_ways_add_up_to_the_whole_one(fusion, normalize, local):
    """Scores are linear in what is fused: the copies' changes are parts of the network's."""
    net = network(fusion, normalize=normalize, local=local).double()
    photo = PHOTO.double()
    changed = photo.clone()
    changed[:, :, 5:20, 9:30] += 2
    clean = net(photo)
    parts = {}
    for way in ("both", "context", "local"):
        copy = through(net, photo[0], way)
        torch.testing.assert_close(copy(photo), clean)
        parts[way] = copy(changed.repeat(2, 1, 1, 1))[:1] - clean
    torch.testing.assert_close(parts["both"], net(changed) - clean)
    torch.testing.assert_close(parts["context"] + parts["local"], parts["both"])
    # Through the context every position of a map changes alike, before it is enlarged.
    inner = parts["context"][..., 12:-12, 12:-12]
    assert inner.abs().max() > 0
    torch.testing.assert_close(inner, inner[..., :1, :1].expand_as(inner))


def test_ways_that_are_none():
    with pytest.raises(ModelError, match="through must be one of both, context, local, not 'air'"):
        through(network(), PHOTO[0], "air")
    with pytest.raises(ModelError, match="the network has no global context"):
        through(network("none"), PHOTO[0], "context")


def test_shares_add_up_and_are_even_where_the_ways_are():
    rng = np.random.default_rng(0)
    both, context, local = rng.uniform(0, 1, (3, 4, 5))
    by_context, directly = shares(both, context, local)
    np.testing.assert_allclose(by_context + directly, both)
    np.testing.assert_allclose(by_context - directly, context - local)


def test_the_command_draws_both_ways(tmp_path):
    words = ["context", "late", "--patch", "64", "--draws", "1", "--image-size", "128"]
    done = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    assert "by way of the context" in done.output
    found = {
        way: erf.open(tmp_path / "run" / f"{way}.zarr") for way in ("both", "context", "local")
    }
    outside = found["local"].discrepancy[0, 0], found["context"].discrepancy[0, 0]
    assert outside[1] > 0
    maps = np.load(tmp_path / "run" / "shares.npz")
    total = maps["context"] + maps["local"]
    np.testing.assert_allclose(total, found["both"].discrepancy, rtol=1e-5)
    assert (tmp_path / "run" / "ways.png").stat().st_size > 1000
