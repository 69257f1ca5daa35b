"""`auto` takes delta where it can, checks it, and never changes engine in silence."""

import pytest
import torch
from torch import nn

import erf
from erf.engines import choose
from erf.engines.delta import DeltaEngine
from erf.engines.engine import Reading
from erf.memory import parse_memory

IMAGE = torch.randn(3, 40, 40, generator=torch.Generator().manual_seed(1))
SETTINGS = {"patch": 8, "stride": 8, "draws": 2}


def chain():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 4, 3, padding=1))


class Undecided(nn.Module):
    """Looks at its input before it decides what to do, so it has no graph."""

    def __init__(self):
        super().__init__()
        self.body = chain()

    def forward(self, x):
        return self.body(x) if x.sum() > -1e9 else x


class Wrong(DeltaEngine):
    """A delta engine with a mistake of five percent."""

    def measure(self, *arguments):
        for reading in super().measure(*arguments):
            values = tuple(value * 1.05 for value in reading.values)
            yield Reading(reading.patches, reading.draws, values)


def test_auto_takes_delta_and_records_the_check():
    result = erf.probe(chain(), IMAGE, "2", engine="auto", **SETTINGS)
    engine = result.provenance["engine"]
    assert result.engine.name == engine["name"] == "delta"
    assert result.engine.exact
    assert result.settings.engine == engine["requested"] == "auto"
    assert engine["check"]["agrees"]
    assert engine["check"]["patches"] == 9
    assert 0 < engine["check"]["difference"] < 1e-4
    dense = erf.probe(chain(), IMAGE, "2", engine="dense", **SETTINGS)
    assert result.discrepancy == pytest.approx(dense.discrepancy, rel=1e-4, abs=1e-5)
    far = dense.discrepancy[0, 0]
    assert result.discrepancy[0, 0] == 0 <= far < 1e-6


def test_auto_says_why_when_there_is_no_graph():
    result = erf.probe(Undecided(), IMAGE, "body.2", engine="auto", **SETTINGS)
    engine = result.provenance["engine"]
    assert engine["name"] == "dense"
    why, taken = engine["notes"]
    assert "Undecided cannot be exported" in why
    assert "read as (n, channels, rows, cols)" in taken
    assert result.theory is None


def test_delta_without_a_graph_is_an_error():
    with pytest.raises(erf.ExportError, match="Undecided cannot be exported"):
        erf.probe(Undecided(), IMAGE, "body.2", engine="delta", **SETTINGS)


def test_auto_does_not_trust_an_engine_that_differs(monkeypatch):
    monkeypatch.setattr(choose, "DeltaEngine", Wrong)
    result = erf.probe(chain(), IMAGE, "2", engine="auto", **SETTINGS)
    engine = result.provenance["engine"]
    assert engine["name"] == "dense"
    (note,) = engine["notes"]
    assert "delta differs from dense by 5.0e-02 of the peak on 9 patches" in note
    assert not engine["check"]["agrees"]
    dense = erf.probe(chain(), IMAGE, "2", engine="dense", **SETTINGS)
    assert result.discrepancy == pytest.approx(dense.discrepancy)


def test_the_theoretical_field_comes_with_the_result():
    theory = erf.probe(chain(), IMAGE, "2", unit=(0, 20), **SETTINGS).theory
    assert theory.size == (5, 5)
    assert theory.box == erf.Box(0, 18, 3, 23)
    assert theory.unclipped == erf.Box(-2, 18, 3, 23)
    assert theory.status == "exact"


def test_a_whole_layer_keeps_the_theory_of_every_unit():
    influence = erf.probe(chain(), IMAGE, "2", unit="all", **SETTINGS)
    for unit in ((0, 0), (0, 20), (39, 39)):
        alone = erf.probe(chain(), IMAGE, "2", unit=unit, **SETTINGS)
        assert isinstance(alone, erf.UnitResult)
        assert influence.theory.unit(unit) == alone.theory


@pytest.mark.parametrize(
    ("text", "size"),
    [("4 GiB", 2**32), ("512MiB", 2**29), ("1.5 GiB", 3 * 2**29), ("2097152", 2**21)],
)
def test_memory_is_read_as_people_write_it(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "lots", "4 GB", "-1 GiB", "4 gib"])
def test_anything_else_is_refused(text):
    with pytest.raises(erf.SettingError, match="is not a number of MiB or GiB"):
        parse_memory(text)


def test_a_budget_below_a_megabyte_is_refused():
    with pytest.raises(erf.SettingError, match="memory '4 KiB' must be from 1 MiB to 1024 TiB"):
        parse_memory("4 KiB")
