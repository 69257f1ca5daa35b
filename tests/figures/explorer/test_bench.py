"""The worker's work, without a worker: order, turns, cancelling, what is known already."""

import numpy as np
import pytest
from PIL import Image

import erf
import figures.explorer.bench
from erf.measures import measure
from figures.explorer.bench import Bench
from figures.explorer.messages import (
    Ask,
    Dropped,
    Foreseen,
    Grown,
    Keep,
    Kept,
    Leave,
    Opened,
    Place,
    Reached,
    Ready,
    Refused,
    Responded,
    Stop,
)
from figures.explorer.order import OfSubject, fitting, read_dropped
from figures.explorer.question import Manner, Question
from strategies.explorers import LAYER, SIZE, UNITS, order_in, random_subject, sigma_of, subject_of
from strategies.results import photo

HOSTILE = "<img src=x onerror=alert(1)>/../..\\$$x^2$$\u202e.png"


class Desk:
    """A bench and what it has published."""

    def __init__(self, order):
        self.heard = []
        self.bench = Bench(order, self.heard.append)
        self.number = 0

    def ask(self, question=None, *, tab=1, side=0, image=None, steps=None, **manner):
        self.number += 1
        manner = {"patch": 16, "draws": 2} | manner
        question = question or Question(layer=LAYER)
        question = Question(**{**vars(question), "manner": Manner(**manner)})
        self.bench.take(Ask(Place(tab, side, self.number), question, image))
        self.work(steps)

    def work(self, steps=None):
        while self.bench.busy and steps != 0:
            self.bench.step()
            steps = None if steps is None else steps - 1

    def take(self):
        """What was published since, by kind."""
        found, self.heard[:] = list(self.heard), []
        return found


def kinds(reports):
    return [type(report) for report in reports]


@pytest.fixture
def desk(tmp_path):
    return Desk(order_in(tmp_path))


def test_an_answer_comes_in_the_order_in_which_it_is_known(desk):
    desk.ask(Question(layer=LAYER, unit=(5, 6)))
    reports = desk.take()
    assert kinds(reports) == [Ready, Opened, Responded, Foreseen, Grown, Grown]
    ready, opened, responded, foreseen, *grown = reports
    assert ready.drops
    assert ready.sigma_unit == "grey levels"
    assert [layer.name for layer in opened.layers] == ["0", "1", "2"]
    assert np.array_equal(opened.levels, photo(SIZE))
    subject = subject_of(photo(SIZE))
    assert responded.box == subject.theory(LAYER).unit((5, 6)).box
    assert responded.activation.shape == UNITS
    assert foreseen.field.max() == 1
    assert [each.result.draws for each in grown] == [1, 2]
    settings = erf.Noise(patch=16, draws=erf.OneByOne(2), sigma=sigma_of(25.0), memory="1 GiB")
    truth = subject.probe(LAYER, settings, unit=(5, 6))
    assert np.array_equal(grown[-1].result.samples, truth.samples)
    assert grown[-1].measurement.to_json() == measure(truth).to_json()
    again = subject.probe(LAYER, grown[-1].result.settings, unit=(5, 6))
    assert np.array_equal(again.samples, truth.samples)


def test_a_new_question_ends_the_one_before_it(desk):
    desk.ask(Question(layer=LAYER, unit=(1, 1)), draws=50, patch=8, steps=6)
    desk.ask(Question(layer=LAYER, unit=(2, 2)), draws=50, patch=8, steps=6)
    desk.ask(Question(layer=LAYER, unit=(3, 3)), draws=2, patch=8)
    _, *reports = desk.take()
    last = max(index for index, each in enumerate(reports) if each.place.number == 2)
    assert all(each.place.number == 3 for each in reports[last + 1 :])
    assert max(each.result.draws for each in reports if isinstance(each, Grown)) < 50
    assert reports[-1].result.unit == (3, 3)


def test_what_is_known_is_not_measured_again(desk):
    desk.ask(draws=2)
    first = desk.take()[-1]
    desk.ask(draws=2, criterion="peak")
    reports = desk.take()
    assert kinds(reports) == [Responded, Grown]
    assert reports[-1].measurement.criterion == "peak:0.0455"
    found = measure(first.result, criterion="peak")
    assert reports[-1].measurement.to_json() == found.to_json()
    desk.ask(draws=4)
    reports = desk.take()
    assert [each.result.draws for each in reports[1:]] == [2, 3, 4]
    assert np.array_equal(reports[-1].result.samples[:2], first.result.samples)
    desk.ask(draws=2, sigma=30.0)
    assert kinds(desk.take()) == [Responded, Foreseen, Grown, Grown]


def test_tabs_and_sides_take_turns_and_do_not_disturb_each_other(tmp_path):
    desk = Desk(order_in(tmp_path, "make", "other"))
    desk.ask(Question(layer=LAYER, unit=(1, 1)), tab=1, steps=0)
    desk.ask(Question(model=1, layer=LAYER, unit=(1, 1)), tab=1, side=1, steps=0)
    desk.ask(Question(layer=LAYER, unit=(2, 2)), tab=2, steps=0)
    desk.work()
    found = {}
    for report in desk.take():
        if isinstance(report, Grown):
            found[report.place.tab, report.place.side] = report.result
    for (tab, side), result in found.items():
        subject = subject_of(photo(SIZE), seed=side)
        truth = subject.probe(LAYER, result.settings, unit=(tab, tab))
        assert np.array_equal(result.samples, truth.samples)
    assert len(found) == 3


def test_a_patch_shows_whom_it_reaches(desk):
    desk.ask(Question(layer=LAYER, patch=(2, 1)), draws=3)
    reached = [each for each in desk.take() if isinstance(each, Reached)]
    settings = erf.Noise(patch=16, draws=3, sigma=sigma_of(25.0))
    truth = subject_of(photo(SIZE)).probe(LAYER, settings, unit="all").discrepancy[2, 1]
    assert [each.draws for each in reached] == [1, 2, 3]
    assert reached[-1].field == pytest.approx(truth, rel=1e-3, abs=1e-6 * truth.max())


def test_the_gradient_is_one_answer(desk):
    desk.ask(method="gradient")
    *_, grown = desk.take()
    truth = subject_of(photo(SIZE)).probe(LAYER, erf.Gradient())
    assert np.array_equal(grown.result.samples, truth.samples)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (Question(layer="none"), "layer 'none' is not one of the model's 3 modules"),
        (Question(layer=LAYER, unit=(12, 0)), "unit 12,0 is outside layer '2'"),
        (Question(layer=LAYER, unit=(-1, -1)), "unit -1,-1 is outside layer '2'"),
        (Question(layer=LAYER, channel=6), "channel 6 is outside layer '2'"),
        (Question(layer=LAYER, patch=(99, 0)), "patch 99,0 is outside the grid"),
    ],
)
def test_what_cannot_be_answered_is_refused_and_the_next_question_is_answered(
    desk, question, words
):
    desk.ask(question)
    refused = [each for each in desk.take() if isinstance(each, Refused)]
    assert len(refused) == 1
    assert words in refused[0].words
    desk.ask()
    assert isinstance(desk.take()[-1], Grown)


def test_a_patch_larger_than_the_image_is_refused(desk):
    desk.ask(patch=81)
    assert "patch 81 is larger than the image (96x80)" in desk.take()[-1].words


def test_what_breaks_is_told_and_not_fatal(desk, monkeypatch, capsys):
    def broken(*_, **__):
        raise KeyError("gone")

    with monkeypatch.context() as changed:
        changed.setattr(figures.explorer.bench, "measure", broken)
        desk.ask()
    assert desk.take()[-1].words == "KeyError: 'gone'"
    assert "KeyError: 'gone'" in capsys.readouterr().err
    desk.ask(sigma=30.0)
    assert isinstance(desk.take()[-1], Grown)


def test_an_image_is_dropped_and_its_name_is_only_a_name(desk, tmp_path):
    Image.fromarray(photo((64, 100))).save(tmp_path / "dropped.png")
    image = Dropped(HOSTILE, (tmp_path / "dropped.png").read_bytes())
    desk.ask(image=image)
    _, opened, *_, grown = desk.take()
    assert opened.image_name == HOSTILE
    assert grown.result.image_size == (64, 100)
    assert grown.result.image_name == HOSTILE
    desk.ask(image=Dropped(HOSTILE, b"no image"))
    assert desk.take()[-1].words == f"{HOSTILE}: is no image that can be read"
    desk.ask(image=Dropped("x" * 300 + "\0.png", b""))
    assert "is no image that can be read" in desk.take()[-1].words
    desk.ask()
    assert np.array_equal(desk.take()[0].levels, photo(SIZE))


def test_a_subject_alone_keeps_its_image_and_its_unit_of_noise(tmp_path):
    desk = Desk(OfSubject(random_subject(), tmp_path))
    desk.ask(sigma=0.1)
    ready, *_, grown = desk.take()
    assert (ready.models, ready.sigma, ready.drops) == (("random",), 0.1, False)
    assert grown.result.settings.sigma == 0.1
    desk.ask(image=Dropped("a.png", b"x"))
    assert "how this model wants photos is not known" in desk.take()[-1].words


def test_a_large_photo_is_scaled_and_a_small_one_is_not(tmp_path):
    Image.new("RGB", (1600, 1200)).save(tmp_path / "large.png")
    Image.new("RGB", (640, 300)).save(tmp_path / "small.png")
    assert fitting(tmp_path / "large.png") == (480, 640)
    assert fitting(tmp_path / "small.png") is None
    assert fitting(tmp_path / "none.png") is None
    content = (tmp_path / "small.png").read_bytes()
    assert read_dropped(Dropped("a b.PNG", content), erf.read_photo).name == "a b.PNG"


@pytest.mark.parametrize("what", ["result", "page", "figure"])
def test_what_was_measured_is_kept_and_nothing_is_overwritten(tmp_path, what):
    desk = Desk(order_in(tmp_path, "make", "other"))
    keep = Keep(Place(1, -1, 1), what, 2)
    desk.bench.take(keep)
    desk.work()
    assert desk.take()[-1].words == "nothing has been measured yet: wait for the first draw"
    assert not (tmp_path / "kept").exists()
    desk.ask()
    desk.ask(Question(model=1, layer=LAYER), side=1)
    result = [each for each in desk.take() if isinstance(each, Grown)][-1].result
    for _ in range(2):
        desk.bench.take(keep)
        desk.work()
    first, second = desk.take()
    assert isinstance(first, Kept)
    if what == "figure":
        assert first.content.startswith(b"\x89PNG")
        assert first.name.endswith(".png")
        return
    names = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert len(names) == (4 if what == "result" else 2)
    assert first.words != second.words
    if what == "result":
        kept = [erf.open(tmp_path / "kept" / name) for name in names]
        assert any(np.array_equal(each.samples, result.samples) for each in kept)


def test_a_tab_that_leaves_takes_its_work_and_what_is_known_with_it(desk):
    desk.ask(draws=50, patch=8, steps=6)
    desk.ask(tab=2, draws=50, patch=8, steps=6)
    desk.take()
    desk.bench.take(Leave(1))
    desk.bench.take(Stop(2, 0))
    assert not desk.bench.busy
    assert not desk.bench._grown
    assert not desk.bench._results
