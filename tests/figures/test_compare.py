"""Several fields side by side: one scale, signed differences, bars as long as the sizes."""

from functools import partial

import numpy as np
import pytest

import erf
from figures import compare_figure
from figures.compare import profile_band
from figures.naming import titles
from strategies.results import gaussian_result
from strategies.tidy import assert_tidy


@pytest.fixture(scope="module")
def results():
    return [
        gaussian_result(name="parsenet-none", tail=0),
        gaussian_result(name="parsenet-late", tail=0.03, sigma=(30, 30), seed=1),
    ]


@pytest.fixture(scope="module")
def measurements(results):
    return [erf.measure(result) for result in results]


@pytest.fixture(scope="module")
def figure(results, measurements):
    return compare_figure(results)


def titled(figure, title):
    return next(axes for axes in figure.axes if axes.get_title(loc="left") == title)


def shares(result):
    return result.discrepancy / result.discrepancy.max()


def test_all_fields_share_one_colour_scale(figure):
    meshes = [titled(figure, name).collections[0] for name in ("parsenet-none", "parsenet-late")]
    assert meshes[0].get_clim() == meshes[1].get_clim() == (0.01, 1)
    assert meshes[0].get_cmap() == meshes[1].get_cmap()


def test_the_difference_is_signed_and_its_scale_symmetric(figure, results):
    mesh = titled(figure, "parsenet-late − parsenet-none").collections[0]
    shown = np.asarray(mesh.get_array()).reshape(results[0].grid.shape)
    clean = [erf.measures.Field.of(result).clean for result in results]
    expected = clean[1] / clean[1].max() - clean[0] / clean[0].max()
    np.testing.assert_allclose(shown, expected)
    low, high = mesh.get_clim()
    assert -low == high == np.abs(expected).max()
    assert mesh.get_cmap()(0.5)[:3] == pytest.approx((0.97, 0.97, 0.97), abs=0.02)


def test_bars_are_as_long_as_the_sides_and_carry_their_intervals(figure, measurements):
    axes = titled(figure, "side of the square of equal area")
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == [measurement.side for measurement in measurements]
    lines = next(a for a in axes.collections if a.get_gid() == "interval").get_segments()
    for line, measurement in zip(lines, measurements, strict=True):
        np.testing.assert_allclose(line[:, 0], measurement.interval("side"))
    assert [t.get_text() for t in axes.texts] == [f"{w:.0f} px" for w in widths]


def test_the_caption_names_each_share(figure, measurements):
    text = " ".join(t.get_text() for t in figure.texts).replace("\N{NO-BREAK SPACE}", " ")
    for name, measurement in zip(("parsenet-none", "parsenet-late"), measurements, strict=True):
        assert f"{name} {100 * measurement.share_of_image:.0f} %" in text


def test_the_band_covers_the_known_profile_of_a_gaussian():
    result = gaussian_result(sigma=(30, 30), tail=0, theory=None, draws=16)
    field = erf.measures.Field.of(result)
    radius, mean, half = profile_band(field)
    peak = result.discrepancy.max() / 3.0
    near = radius < 60
    truth = np.exp(-(radius**2) / (2 * 30**2)) / peak
    np.testing.assert_allclose(mean[near], truth[near], rtol=0.1)
    assert (half > 0).all()
    assert (half[near] < 0.2).all()


def test_without_one_grid_differences_are_left_out(measurements, results):
    other = gaussian_result(name="other", size=(200, 208))
    figure = compare_figure([results[0], other])
    assert not any("−" in axes.get_title(loc="left") for axes in figure.axes)
    assert titled(figure, "mean share of the peak").lines


@pytest.mark.parametrize("width", ["column", "page"])
@pytest.mark.parametrize("count", [2, 3])
def test_nothing_is_cut_off_or_overlaps(width, count):
    results = [gaussian_result(name=f"parsenet-variant-{i}", seed=i) for i in range(count)]
    assert_tidy(compare_figure(results, by=partial(erf.measure, resamples=0), width=width))


def test_titles_tell_results_apart():
    same = [gaussian_result(name="a"), gaussian_result(name="a", layer="conv5_3")]
    assert titles(same) == ("a fc7@7,6", "a conv5_3@7,6")
    assert titles([same[0], same[0]]) == ("1: a fc7@7,6", "2: a fc7@7,6")


@pytest.mark.parametrize("count", [1, 7])
def test_too_few_or_too_many_are_refused(count, results, measurements):
    with pytest.raises(erf.SettingError, match=f"{count} results cannot be compared; give 2 to 6"):
        compare_figure(results[:1] * count)


def test_the_band_is_students_interval_of_each_rings_mean():
    result = gaussian_result(theory=None, draws=5)
    field = erf.measures.Field.of(result)
    rows, cols = result.grid.centers
    distance = np.hypot(rows[:, None] - field.center[0], cols - field.center[1])
    step = max(*np.diff(field.cells.row_edges), *np.diff(field.cells.col_edges))
    areas, peak = result.grid.areas, result.discrepancy.max()
    radius, mean, half = profile_band(field)
    t = 2.7764451  # of 4 degrees of freedom, 95 %, from a printed table
    for middle, level, spread in zip(radius, mean, half, strict=True):
        ring = (distance >= middle - step / 2) & (distance < middle + step / 2)
        draws = [(s * areas)[ring].sum() / areas[ring].sum() for s in result.samples]
        assert level == pytest.approx(np.mean(draws) / peak)
        assert spread == pytest.approx(t * np.std(draws, ddof=1) / np.sqrt(5) / peak, rel=1e-6)


def test_the_band_that_is_drawn_is_that_interval(figure, results):
    axes = titled(figure, "mean share of the peak")
    bands = [each for each in axes.collections if each.get_gid() == "band"]
    for band, line, result in zip(bands, axes.lines, results, strict=True):
        radius, mean, half = profile_band(erf.measures.Field.of(result))
        np.testing.assert_allclose(line.get_xdata(), radius)
        np.testing.assert_allclose(line.get_ydata(), mean)
        corners = band.get_paths()[0].vertices
        for x, low, high in zip(radius, mean - half, mean + half, strict=True):
            here = corners[np.isclose(corners[:, 0], x), 1]
            assert (here.min(), here.max()) == pytest.approx((low, high))


def test_a_mapping_gives_the_names(results):
    figure = compare_figure(dict(zip(("a", "b"), results, strict=True)))
    assert titled(figure, "a")
    assert titled(figure, "b − a")
