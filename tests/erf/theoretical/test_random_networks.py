"""Rules against NaN probing, which knows no rules, on random networks."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erf.graph import export
from erf.theoretical import nan_boxes
from erf.theoretical.analyse import analyse
from strategies.networks import RandomNetwork, networks

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def check_boxes(network: RandomNetwork, layer: str) -> None:
    graph = export(network.model, (1, network.channels, *network.image_size))
    field = analyse(graph, [layer])[0]
    truth = nan_boxes(network.model, layer, network.image_size, channels=network.channels)
    assert field.status != "upper_bound", field.reasons
    np.testing.assert_array_equal(field.boxes(), truth)


@settings(max_examples=30, deadline=None, suppress_health_check=QUIET, print_blob=True)
@given(network=networks(), data=st.data())
def test_boxes_equal_nan_probing(network: RandomNetwork, data: st.DataObject):
    check_boxes(network, data.draw(st.sampled_from(network.layers)))


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, suppress_health_check=QUIET, print_blob=True)
@given(network=networks(), data=st.data())
def test_boxes_equal_nan_probing_many(network: RandomNetwork, data: st.DataObject):
    check_boxes(network, data.draw(st.sampled_from(network.layers)))
