"""Files: their formats, and the same bytes every time."""

import pytest

import erf
from figures import field_figure, save
from strategies.results import gaussian_result

STARTS = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}


@pytest.mark.parametrize("suffix", STARTS)
def test_the_same_result_gives_the_same_bytes(tmp_path, suffix):
    result = gaussian_result()
    written = [
        save(field_figure(result), tmp_path / f"{name}{suffix}", dpi=60).read_bytes()
        for name in ("one", "two")
    ]
    assert written[0].startswith(STARTS[suffix])
    assert written[0] == written[1]


def test_an_unknown_format_is_refused(tmp_path):
    result = gaussian_result()
    figure = field_figure(result)
    with pytest.raises(erf.SettingError, match=r"'a.bmp' must end in one of .png, .pdf, .svg"):
        save(figure, tmp_path / "a.bmp")
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    def fail(figure, path, **settings):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    (tmp_path / "a.png").write_bytes(b"mine")
    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(erf.StoreError, match="No space left"):
        save(Figure(), tmp_path / "a.png")
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"mine"
