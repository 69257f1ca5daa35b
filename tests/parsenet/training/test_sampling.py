from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset

from parsenet.errors import TrainingError
from parsenet.training.sampling import Iterations, SampleOrder, Share


@given(length=st.integers(1, 50), seed=st.integers(0, 2**63), epoch=st.integers(0, 2**40))
def test_an_epoch_shows_every_image_once(length, seed, epoch):
    order = SampleOrder(length, seed)
    shown = [order.index(epoch * length + place) for place in range(length)]
    assert sorted(shown) == list(range(length))


def test_seed_and_epoch_decide():
    orders = {
        tuple(SampleOrder(100, seed).index(100 * epoch + k) for k in range(100))
        for seed in range(5)
        for epoch in range(5)
    }
    assert len(orders) == 25


def test_order_of_earlier_releases_stays_as_it_is():
    """Recorded once: a change would break resuming with, and repeating, earlier trainings."""
    order = SampleOrder(10, 1)
    assert [order.index(k) for k in range(10)] == [2, 0, 1, 4, 5, 6, 7, 8, 3, 9]
    assert [order.index(k) for k in (10**15, 7)] == [7, 8]


def test_every_place_gets_every_image_equally_often():
    """Of 4000 epochs of 5 images, each place shows each image in 800 ± 5 standard deviations."""
    shown = np.array([SampleOrder(5, 3).index(k) for k in range(20_000)]).reshape(4000, 5)
    counts = np.array([np.bincount(column, minlength=5) for column in shown.T])
    assert abs(counts - 800).max() < 5 * np.sqrt(4000 * 0.2 * 0.8)


def test_an_endless_set_is_shown_in_order():
    order = SampleOrder(None, 5)
    assert [order.index(k) for k in (0, 7, 2**50)] == [0, 7, 2**50]


@pytest.mark.parametrize("processes", [1, 2, 4, 8])
def test_processes_share_out_the_same_iteration(processes):
    shares = [Share(8, rank, processes) for rank in range(processes)]
    blocks = [list(share.samples(5)) for share in shares]
    assert [len(block) for block in blocks] == [8 // processes] * processes
    assert list(chain(*blocks)) == list(range(40, 48))


class Row(Dataset[int]):
    def __getitem__(self, k: int) -> int:
        return k


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gets_one_iteration_after_the_other(workers):
    loader = DataLoader(
        Row(),
        batch_sampler=Iterations(Share(6, 1, 2), 2, 5),
        num_workers=workers,
        collate_fn=list,
        multiprocessing_context="fork" if workers else None,
    )
    assert len(loader) == 3
    assert list(loader) == [[15, 16, 17], [21, 22, 23], [27, 28, 29]]


def test_errors():
    with pytest.raises(TrainingError, match=r"a data set must have at least 1 image .*, has 0"):
        SampleOrder(0, 0)
    with pytest.raises(TrainingError, match="seed must not be below 0, is -1"):
        SampleOrder(5, -1)
    with pytest.raises(TrainingError, match="sample must not be below 0, is -3"):
        SampleOrder(5, 0).index(-3)
    with pytest.raises(
        TrainingError, match="8 images an iteration cannot be shared out evenly amo"
    ):
        Share(8, 0, 3)
