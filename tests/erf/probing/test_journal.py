"""A probe that was interrupted goes on, and gives the bits of one that was not."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import zarr

import erf
from erf import LayerResult, UnitResult
from erf.geometry import PatchGrid
from erf.probing.journal import MOST_BLOCKS, split_rows
from strategies.interrupted_probes import IMAGE, SETTINGS, Gate, network, probe, probe_apart
from strategies.killing import kill, run_apart, start


def stop() -> None:
    raise KeyboardInterrupt


def assert_same_bits(one: UnitResult | LayerResult, other: UnitResult | LayerResult) -> None:
    assert one.settings == other.settings
    assert one.draws == other.draws
    for name in ("discrepancy", "standard_error", "samples"):
        before, after = getattr(one, name, None), getattr(other, name, None)
        assert (before is None) == (after is None)
        assert before is None or np.array_equal(before, after), name


@pytest.mark.parametrize("unit", [(12, 9), "all"])
def test_an_interrupted_probe_goes_on_where_it_stopped(unit: object, tmp_path: Path) -> None:
    with Gate():
        whole = probe(tmp_path / "whole", unit)
    with Gate(24, action=stop) as first, pytest.raises(KeyboardInterrupt):
        probe(tmp_path / "journal", unit)
    with Gate() as second:
        again = probe(tmp_path / "journal", unit)
    assert_same_bits(again, whole)
    assert again.discrepancy.max() > 0
    assert {12, 16, 20} <= first.asked < {*range(0, 24, 4)} | {24}
    assert {24, 28} <= second.asked
    assert first.asked.isdisjoint(second.asked)


def test_a_finished_journal_measures_nothing_again(tmp_path: Path) -> None:
    with Gate() as first:
        one = probe(tmp_path / "journal", "all")
    with Gate() as second:
        other = probe(tmp_path / "journal", "all")
    assert first.asked
    assert not second.asked
    assert_same_bits(one, other)


def test_a_journal_changes_the_numbers_by_rounding_alone(tmp_path: Path) -> None:
    with Gate():
        kept, plain = probe(tmp_path / "journal", "all"), probe(None, "all")
    np.testing.assert_allclose(kept.discrepancy, plain.discrepancy, rtol=1e-4, atol=1e-9)


def test_as_many_draws_as_needed_go_on_too(tmp_path: Path) -> None:
    """Rounds of draws: the last is interrupted, those before it are not taken again."""
    auto = {"draws": erf.until(0.004, limit=16)}
    with Gate() as gate:
        whole = probe(tmp_path / "whole", (12, 9), **auto)
    assert whole.draws > 4
    calls = gate.count
    with Gate(calls=calls * 9 // 10, action=stop), pytest.raises(KeyboardInterrupt):
        probe(tmp_path / "journal", (12, 9), **auto)
    assert len(list(zarr.open_group(tmp_path / "journal", mode="r").group_keys())) > 1
    with Gate() as rest:
        assert_same_bits(probe(tmp_path / "journal", (12, 9), **auto), whole)
    assert 0 < rest.count < calls // 2


def test_a_block_that_was_not_marked_is_measured_again(tmp_path: Path) -> None:
    with Gate():
        whole = probe(tmp_path / "journal", "all")
    kept = zarr.open_group(tmp_path / "journal", mode="r+")["draws-0-3"]
    assert kept["done"][:].all()
    kept["done"][2] = False
    kept["sum_0"][18:27] = np.nan
    with Gate() as gate:
        assert_same_bits(probe(tmp_path / "journal", "all"), whole)
    assert gate.asked == {8}


@pytest.mark.parametrize("unit", [pytest.param((12, 9), marks=pytest.mark.slow), "all"])
def test_a_killed_probe_goes_on_to_the_same_bits(unit: object, tmp_path: Path) -> None:
    run_apart(probe_apart, tmp_path / "whole", tmp_path / "whole.zarr", unit, None)
    process = start(probe_apart, tmp_path / "journal", tmp_path / "result.zarr", unit, 24)
    done = tmp_path / "journal" / "draws-0-3" / "done" / "c" / "5"
    for _ in range(3000):
        if done.exists():
            break
        time.sleep(0.1)
    kill(process)
    assert done.exists()
    assert not (tmp_path / "result.zarr").exists()
    run_apart(probe_apart, tmp_path / "journal", tmp_path / "result.zarr", unit, None)
    assert_same_bits(erf.open(tmp_path / "result.zarr"), erf.open(tmp_path / "whole.zarr"))


def test_a_folder_of_something_else_is_refused_in_words(tmp_path: Path) -> None:
    with Gate():
        probe(tmp_path / "journal", (12, 9))
        with pytest.raises(erf.StoreError, match=r"another probe: settings was .*'seed': 0.*, not"):
            probe(tmp_path / "journal", (12, 9), seed=1)
        with pytest.raises(erf.StoreError, match=r"image was .* remove it or choose another place"):
            erf.probe(
                network(), 2 * IMAGE, "4", unit=(12, 9), journal=tmp_path / "journal", **SETTINGS
            )
        (tmp_path / "notes").mkdir()
        (tmp_path / "notes" / "a.txt").write_text("keep me")
        with pytest.raises(erf.StoreError, match="notes is there already and is no journal"):
            probe(tmp_path / "notes", (12, 9))
        erf.save(probe(None, (12, 9)), tmp_path / "result.zarr")
        with pytest.raises(erf.StoreError, match="is a Zarr group, but no journal of a probe"):
            probe(tmp_path / "result.zarr", (12, 9))
        shutil.rmtree(tmp_path / "journal")
        probe(tmp_path / "journal", (12, 9), seed=1)
    assert (tmp_path / "notes" / "a.txt").read_text() == "keep me"


def test_blocks_are_whole_rows_and_few() -> None:
    for rows in (8, 40, 260, 1000):
        grid = PatchGrid((rows, 24), 8, 8)
        blocks = split_rows(grid)
        assert 1 <= len(blocks) <= MOST_BLOCKS
        covered = np.concatenate([np.arange(len(grid))[block] for block in blocks])
        np.testing.assert_array_equal(covered, np.arange(len(grid)))
        assert all(block.start % grid.shape[1] == 0 for block in blocks)
