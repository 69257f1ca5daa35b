import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.multiprocessing import Manager, start_processes

from parsenet import Checkpoint, build
from parsenet.errors import CheckpointError, DatasetError
from parsenet.evaluation import check_classes, evaluate, my_share
from parsenet.input_space import InputSpace
from parsenet.palette import voc_palette
from parsenet.prediction import call_pixels, inference, predict
from parsenet.scores import Scores

PLAIN = InputSpace((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


class Reader(nn.Module):
    """Calls each pixel by its red grey level: the test writes predictions into images."""

    def __init__(self, classes: int):
        super().__init__()
        self.levels = nn.Parameter(torch.arange(classes).float())

    def forward(self, image: Tensor) -> Tensor:
        return -(image[:, :1] - self.levels[:, None, None]).abs()


class Images:
    """Pairs of what the reader will say and what is true."""

    title, split, palette, names = "images", "val", voc_palette(), ()

    def __init__(self, classes, pairs):
        self.classes = tuple(f"class {k}" for k in range(classes))
        self.pairs = [tuple(np.array(part, np.uint8) for part in pair) for pair in pairs]

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        said, true = self.pairs[index]
        return np.stack([said, 0 * said, 0 * said], axis=-1), true


TWO = Images(
    4,
    [
        ([[0, 0, 1], [1, 2, 2]], [[0, 0, 0], [1, 2, 255]]),
        ([[3, 0, 1, 1]], [[2, 2, 1, 255]]),
    ],
)
# By hand: of 8 pixels that are not void,
# true 0: 2 called 0, 1 called 1; true 1: 2 called 1; true 2: 1 each called 0, 2 and 3.
TABLE = [[2, 1, 0, 0], [0, 2, 0, 0], [1, 0, 1, 1], [0, 0, 0, 0]]


def test_the_confusion_table_is_that_of_all_pixels_of_all_images():
    assert evaluate(Reader(4), TWO, PLAIN).confusion.tolist() == TABLE


def test_the_scores_are_those_counted_by_hand():
    scores = evaluate(Reader(4), TWO, PLAIN)
    assert scores.pixel_accuracy == pytest.approx(5 / 8)
    assert scores.accuracy[:3] == pytest.approx([2 / 3, 1, 1 / 3])
    assert scores.mean_accuracy == pytest.approx((2 / 3 + 1 + 1 / 3) / 3)
    # Unions: 3 + 3 - 2, 2 + 3 - 2, 3 + 1 - 1. Class 3 is called once but never true: no mean of it.
    assert scores.iou[:3] == pytest.approx([2 / 4, 2 / 3, 1 / 3])
    assert np.isnan(scores.iou[3])
    assert np.isnan(scores.accuracy[3])
    assert scores.mean_iou == pytest.approx((2 / 4 + 2 / 3 + 1 / 3) / 3)
    assert scores.weighted_iou == pytest.approx((3 * 2 / 4 + 2 * 2 / 3 + 3 * 1 / 3) / 8)


def test_scores_are_those_of_the_whole_set_and_no_mean_over_images():
    whole = evaluate(Reader(4), TWO, PLAIN)
    one = evaluate(Reader(4), TWO, PLAIN, limit=1)
    assert one.confusion.tolist() == [[2, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    other = evaluate(Reader(4), Images(4, TWO.pairs[1:]), PLAIN)
    assert whole.mean_iou != pytest.approx((one.mean_iou + other.mean_iou) / 2)
    assert (one + other).confusion.tolist() == whole.confusion.tolist()


def test_an_image_of_void_counts_nothing():
    void = Images(2, [([[0, 1]], [[255, 255]])])
    scores = evaluate(Reader(2), void, PLAIN)
    assert scores.confusion.sum() == 0
    assert np.isnan([scores.pixel_accuracy, scores.mean_iou, scores.weighted_iou]).all()


def test_progress_is_told_of_each_image():
    seen = []
    evaluate(Reader(4), TWO, PLAIN, on_image=lambda: seen.append(1))
    assert len(seen) == 2


def test_images_go_whole_and_at_their_own_size_through_the_model():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 5, padding=2), nn.Dropout(0.9))
    space = InputSpace((104.0, 117.0, 123.0), (1.0, 2.0, 3.0), "bgr")
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (37, 61, 3), dtype=np.uint8)
    bgr = (image[..., ::-1].astype(np.float32) - [104, 117, 123]) / [1, 2, 3]
    with torch.no_grad():
        score = model[0](torch.from_numpy(bgr.transpose(2, 0, 1)[None].astype(np.float32)))
    predicted = predict(model, image, space)
    assert predicted.shape == (37, 61)
    assert torch.equal(predicted, score.argmax(1)[0])
    assert len(predicted.unique()) == 4


def test_a_model_is_returned_in_the_modes_it_was_lent_in():
    model = build("parsenet", classes=4, width=1 / 64, batch_norm=True).train()
    frozen = next(m for m in model.modules() if isinstance(m, nn.BatchNorm2d)).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with inference(model):
        assert not any(module.training for module in model.modules())
        assert not torch.is_grad_enabled()
    with pytest.raises(RuntimeError):
        predict(model, np.zeros((24, 24, 2), np.uint8), PLAIN)
    predict(model, np.zeros((24, 24, 3), np.uint8), PLAIN)
    assert [m for m in model.modules() if not m.training] == [frozen]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_another_number_of_classes_is_refused():
    with pytest.raises(DatasetError) as caught:
        check_classes(("sky", "tree"), TWO)
    assert str(caught.value) == (
        "images has 4 classes (class 0, class 1, class 2, ...), the model 2 (sky, tree)"
    )
    check_classes(("a", "b", "c", "d"), TWO)


def share_and_score(rank: int, world: int, file: str, results) -> None:
    torch.set_num_threads(1)
    method = f"file://{file}"
    torch.distributed.init_process_group("gloo", init_method=method, rank=rank, world_size=world)
    try:
        results[rank] = (list(my_share(5)), evaluate(Reader(4), TWO, PLAIN).confusion.tolist())
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize("world", [2, 3])
def test_processes_share_the_images_and_all_know_the_whole(tmp_path, world):
    """With three processes one has no image at all."""
    assert list(my_share(5)) == [0, 1, 2, 3, 4]
    with Manager() as manager:
        results = manager.dict()
        arguments = (world, str(tmp_path / "meet"), results)
        start_processes(share_and_score, arguments, nprocs=world, start_method="fork")
        shares, tables = zip(*(results[rank] for rank in range(world)), strict=True)
    assert sorted(index for share in shares for index in share) == [0, 1, 2, 3, 4]
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert all(table == TABLE for table in tables)


def test_scores_add_up_on_the_cpu_in_64_bits():
    many = Scores(np.full((2, 2), 2**40, np.int64))
    assert (many + many).confusion[0, 0] == 2**41


def test_several_checkpoints_call_the_same_pixels():
    image = np.array([[[0, 0, 0], [1, 0, 0], [2, 0, 0]]], np.uint8)
    levels = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

    def reader(classes):
        return Checkpoint("reader", {}, classes, *levels, model=Reader(len(classes)))

    called, classes = call_pixels({"one": reader(("a", "b")), "two": reader(("a", "b"))}, image)
    assert classes == ("a", "b")
    assert {name: label.tolist() for name, label in called.items()} == {
        "one": [[0, 1, 1]],
        "two": [[0, 1, 1]],
    }
    with pytest.raises(CheckpointError, match="two: has other classes than one"):
        call_pixels({"one": reader(("a", "b")), "two": reader(("a", "c"))}, image)
    with pytest.raises(CheckpointError, match="no checkpoint to call pixels by"):
        call_pixels({}, image)
