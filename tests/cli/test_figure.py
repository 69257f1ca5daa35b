"""``erf figure``: every kind of figure from saved results, and what is refused."""

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure
from PIL import Image

import cli
import erf
import figures
from parsenet.scenes import CLASSES
from strategies.checkpoints import write_checkpoint
from strategies.results import gaussian_result, influence_result, photo


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setattr(cli, "COMMANDS", tuple(dict.fromkeys((*cli.COMMANDS, "figure"))))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(cli.main, ["figure", *map(str, words)])


@pytest.fixture
def results(tmp_path):
    names = ("none", "late")
    for seed, name in enumerate(names):
        erf.save(gaussian_result(name=name, seed=seed), tmp_path / f"{name}.zarr")
    return [tmp_path / f"{name}.zarr" for name in names]


@pytest.fixture
def layer(tmp_path):
    return erf.save(influence_result(units=(5, 4)), tmp_path / "layer.zarr")


def test_field_writes_the_file_it_names(run, results, tmp_path):
    done = run("field", results[0], "--width", "column", "--dpi", 100)
    assert done.output == "figure  field.png\n"
    with Image.open(tmp_path / "field.png") as image:
        assert image.size[0] == 350


@pytest.mark.parametrize("suffix", ["pdf", "svg"])
def test_field_writes_for_papers(run, results, tmp_path, suffix):
    done = run("field", results[0], "--out", tmp_path / f"new/a.{suffix}", "--contour", "peak:0.2")
    assert done.exit_code == 0, done.output
    assert (tmp_path / f"new/a.{suffix}").stat().st_size > 1000


def test_place_draws_a_folder_of_units_and_refuses_one(run, tmp_path):
    for row in (2, 7, 12):
        erf.save(gaussian_result(unit=(row, 6)), tmp_path / f"units/{row},6.zarr")
    done = run("place", "units", "--dpi", 60)
    assert done.output == "figure  place.png\n"
    with Image.open(tmp_path / "place.png") as image:
        assert np.asarray(image.convert("L")).std() > 10
    done = run("place", "units/7,6.zarr", "--out", "one.png")
    assert done.exit_code == 2
    assert "fc7: 1 unit shows no difference of place; probe units such as grid:5" in done.output
    assert not (tmp_path / "one.png").exists()


def test_a_unit_of_a_layer_is_drawn(run, layer):
    assert run("field", layer, "--unit", "3,1", "--dpi", 60).exit_code == 0


def test_a_layer_without_a_unit_is_refused(run, layer):
    done = run("field", layer)
    assert done.exit_code == 2
    assert "holds 5x4 units: name one" in done.output


def test_an_unknown_unit_is_refused(run, layer, results):
    assert "outside layer 'fc7', which has 5x4 units" in run("field", layer, "--unit", "9,9").output
    done = run("field", results[0], "--unit", "1,1")
    assert "result is of fc7@7,6 alone" in done.output


def test_nothing_is_overwritten(run, results, tmp_path):
    (tmp_path / "field.png").write_text("mine")
    done = run("field", results[0])
    assert done.exit_code == 2
    assert "field.png: exists already" in done.output
    assert (tmp_path / "field.png").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "a.bmp"], "must end in one of .pdf, .png, .svg"),
        (["--width", "broad"], "none of column, page or 2 to 40 inches"),
        (["--contour", "mass:7"], "neither mass:SHARE nor peak:SHARE"),
    ],
)
def test_bad_options_are_one_line(run, results, tmp_path, words, message):
    done = run("field", results[0], *words)
    assert done.exit_code == 2
    assert message in done.output
    assert not list(tmp_path.glob("*.png"))


def test_compare_names_results(run, results):
    done = run("compare", *results, "--name", "a", "--name", "b", "--dpi", 60)
    assert done.exit_code == 0, done.output
    done = run("compare", *results, "--name", "a", "--out", "c.png")
    assert done.exit_code == 2
    assert "1 names for 2 results; each needs its own" in done.output


def test_depth_is_drawn_of_layers(run, tmp_path):
    for layer in ("fc7", "conv3_3"):
        erf.save(gaussian_result(layer=layer), tmp_path / f"{layer}.zarr")
    done = run("depth", "conv3_3.zarr", "fc7.zarr", "--dpi", 100)
    assert done.output == "figure  depth.png\n"
    with Image.open(tmp_path / "depth.png") as image:
        assert image.size[0] == 350


def test_a_figure_of_a_users_own_is_a_command(run, layer, results):
    drawn = []

    @figures.figure("peaks", width="column")
    def peaks(results, *, width):
        """The largest discrepancy of each result."""
        drawn.append(([f"{each.model_name} {each.target}" for each in results], width))
        return Figure()

    try:
        assert "The largest discrepancy of each result." in run("--help").output
        assert run("peaks", layer).exit_code == 2
        done = run("peaks", results[1], results[0], "--width", "5")
        assert done.output == "figure  peaks.png\n"
        done = run("peaks", layer, "--unit", "3,1", "--out", "b.png")
        assert done.output == "figure  b.png\n"
    finally:
        figures.FIGURES.remove("peaks")
    assert drawn == [(["late fc7@7,6", "none fc7@7,6"], "5"), (["ParseNet fc7@3,1"], "column")]
    assert "No such command 'peaks'" in run("peaks", layer).output


def test_growth_takes_the_iteration_from_the_path(run, tmp_path, monkeypatch):
    for iteration in (100, 20):
        result = gaussian_result(sigma=(iteration / 4 + 10, iteration / 4 + 10))
        erf.save(result, tmp_path / "late" / f"{iteration}.zarr")
    from figures import growth_figure

    drawn = []
    monkeypatch.setattr(
        "figures.growth_figure", lambda runs, **k: drawn.append(runs) or growth_figure(runs, **k)
    )
    done = run("growth", "late", "--dpi", 60)
    assert done.exit_code == 0, done.output
    sides = {probe.iteration: probe.side for probe in drawn[0]["late"]}
    assert set(sides) == {20, 100}
    assert sides[20] < sides[100]


def test_growth_needs_numbers(run, results, tmp_path):
    done = run("growth", tmp_path)
    assert done.exit_code == 2
    assert "names no iteration" in done.output


def test_training_draws_losses_and_scores(run, tmp_path):
    lines = ['{"iteration": 1, "loss": 2.0}', '{"iteration": 2, "loss": 1.0, "mean_iou": 0.5}', ""]
    (tmp_path / "late").mkdir()
    (tmp_path / "late/metrics.jsonl").write_text("\n".join(lines))
    done = run("training", "late", "--dpi", 60)
    assert done.exit_code == 0, done.output
    assert run("training", "early").exit_code == 2


@pytest.fixture
def checkpoint(tmp_path):
    write_checkpoint(tmp_path / "net.safetensors", CLASSES)
    return tmp_path / "net.safetensors"


@pytest.fixture
def image(tmp_path):
    Image.fromarray(photo((64, 80))).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_scales_draws_norms_before_and_after(run, checkpoint, image):
    done = run("scales", checkpoint, "--image", image, "--positions", 20, "--dpi", 60)
    assert done.exit_code == 0, done.output


def test_feature_norms_are_those_of_the_network(checkpoint, image):
    import torch

    from parsenet import feature_norms
    from parsenet.shipment import open_checkpoint

    opened = open_checkpoint(str(checkpoint))
    picture = photo((64, 80))
    before, after = feature_norms(opened, picture, positions=10_000, seed=0)
    assert set(before) == set(after) >= {"fc7"}
    seen = {}
    opened.model.get_submodule("fc7_norm").register_forward_hook(
        lambda _, inputs, output: seen.update(before=inputs[0], after=output)
    )
    with torch.no_grad():
        opened.model.eval()(opened.input_space.tensor(picture)[None])
    for found, name in ((before, "before"), (after, "after")):
        truth = (seen[name][0].double() ** 2).sum(0).sqrt().flatten()
        np.testing.assert_allclose(np.sort(found["fc7"]), np.sort(truth), rtol=1e-5)


def test_segmentation_draws_truth_and_predictions(run, checkpoint, image, tmp_path):
    Image.fromarray(np.zeros((64, 80), np.uint8)).save(tmp_path / "truth.png")
    done = run("segmentation", image, checkpoint, "--truth", "truth.png", "--dpi", 60)
    assert done.exit_code == 0, done.output
    again = run("segmentation", image, checkpoint, checkpoint, "--out", "b.png")
    assert "two checkpoints are called net" in again.output
    wrong = run("segmentation", image, checkpoint, "--truth", image, "--out", "b.png")
    assert "labels must be indices (mode P, L, 1 or I;16), not RGB" in wrong.output
