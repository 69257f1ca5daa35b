"""A probe that was interrupted goes on, and gives the bits of one that was not."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

import erf
from erf import LayerResult, UnitResult
from erf.geometry import PatchGrid
from erf.probing.journal import MOST_BLOCKS, Journal, split_rows
from erf.probing.tally import LayerTally
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
    assert len(list((tmp_path / "journal").glob("draws-*"))) > 1
    with Gate() as rest:
        assert_same_bits(probe(tmp_path / "journal", (12, 9), **auto), whole)
    assert 0 < rest.count < calls // 2


def test_a_block_that_is_missing_is_measured_again(tmp_path: Path) -> None:
    with Gate():
        whole = probe(tmp_path / "journal", "all")
    kept = tmp_path / "journal" / "draws-0-3"
    assert len(list(kept.iterdir())) == 14
    (kept / "02.npz").unlink()
    with Gate() as gate:
        assert_same_bits(probe(tmp_path / "journal", "all"), whole)
    assert gate.asked == {8}


@pytest.mark.parametrize("unit", [pytest.param((12, 9), marks=pytest.mark.slow), "all"])
def test_a_killed_probe_goes_on_to_the_same_bits(unit: object, tmp_path: Path) -> None:
    run_apart(probe_apart, tmp_path / "whole", tmp_path / "whole.zarr", unit, None)
    process = start(probe_apart, tmp_path / "journal", tmp_path / "result.zarr", unit, 24)
    done = tmp_path / "journal" / "draws-0-3" / "05.npz"
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
        with pytest.raises(erf.StoreError, match="and is no journal of a probe of this version"):
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


def test_a_damaged_block_is_measured_again(tmp_path: Path) -> None:
    """Every byte of one in turn: what is restored is what was kept, or nothing is."""
    grid = PatchGrid((24, 24), 8, 8)
    record = Journal(tmp_path / "journal", grid, {})
    tally = LayerTally(grid.shape, (2, 1))
    tally.add(np.arange(9), np.zeros(9, np.int64), np.random.default_rng(0).random((9, 2, 1)))
    record.keep(1, range(0, 1), [tally])
    (place,) = (tmp_path / "journal" / "draws-0-1").iterdir()
    whole, wanted, lost = place.read_bytes(), tally.cut(slice(3, 6), range(0, 1)), 0
    for at in range(len(whole)):
        for content in (whole[:at], whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :]):
            place.write_bytes(content)
            empty = LayerTally(grid.shape, (2, 1))
            if not record.restore(1, range(0, 1), [empty]):
                lost += 1
                assert not empty.cut(slice(0, 9), range(0, 1))["sum"].any()
                continue
            for name, values in empty.cut(slice(3, 6), range(0, 1)).items():
                assert np.array_equal(values, wanted[name])
    assert lost > len(whole)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b'{"format": "erf-probe journal"}'])
def test_a_note_that_says_nothing_is_no_journal(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal.json").write_bytes(content)
    with pytest.raises(erf.StoreError, match="is no journal of a probe of this version"):
        Journal(tmp_path, PatchGrid((24, 24), 8, 8), {})
    assert (tmp_path / "journal.json").read_bytes() == content
