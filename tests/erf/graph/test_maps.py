"""Layers laid out as maps, against coordinates that NumPy moves about the same way."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from erf.errors import LayerError
from erf.graph import Axis, Layout, as_map, export, is_plain, map_layout
from erf.model import observe_maps

SHAPE = (2, 6, 8, 12)


@given(st.data())
def test_a_map_survives_views_and_permutations(data: st.DataObject) -> None:
    """Pieces of dimensions in any order, some joined: the map comes back, channels in some order,
    for a batch that is not the exported one."""
    layout = Layout.plain(SHAPE)
    pieces = [[2], [2, 3], [4, 2], [3, 4]]
    cut = [size for dim in pieces for size in dim]
    order = data.draw(st.permutations(range(len(cut))))
    shape = [cut[place] for place in order]
    layout = layout.reshape(cut).permute(order).settled()
    batch = data.draw(st.integers(1, 3))
    image = np.arange(batch * 6 * 8 * 12, dtype=np.float32).reshape(batch, 6, 8, 12)
    moved = image.reshape(batch, *cut[1:]).transpose(order)
    joined = data.draw(st.integers(0, len(shape) - 2))
    merged = [*shape[:joined], shape[joined] * shape[joined + 1], *shape[joined + 2 :]]
    layout = layout.reshape(merged)
    sizes = list(moved.shape)
    moved = moved.reshape(*sizes[:joined], sizes[joined] * sizes[joined + 1], *sizes[joined + 2 :])
    found = as_map(torch.from_numpy(np.ascontiguousarray(moved)), layout).numpy()
    assert found.shape == image.shape
    np.testing.assert_array_equal(np.sort(found, axis=1), image)


def test_a_part_of_the_rows_is_a_part_of_the_map() -> None:
    layout = Layout.plain(SHAPE).permute((0, 2, 3, 1))
    window = torch.randn(5, 3, 2, 6)
    assert torch.equal(as_map(window, layout), window.permute(0, 3, 1, 2))
    assert not is_plain(layout)
    assert is_plain(Layout.plain(SHAPE))


class Net(nn.Module):
    """A convolution whose map is then looked at in some other form."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 2, stride=2)
        self.form, self.layer = form, nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        x = self.conv(image)
        n, c, rows, cols = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        forms = {
            "last": lambda: x.permute(0, 2, 3, 1),
            "tokens": lambda: tokens,
            "windows": lambda: (
                x.view(n, c, rows // 2, 2, cols // 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, c)
            ),
            "class": lambda: torch.cat([tokens.mean(1, keepdim=True), tokens], 1),
            "sorted": lambda: torch.cat([tokens[:, :7].flip(1), tokens[:, 7:]], 1),
            "vector": lambda: x.mean((2, 3)),
            "unknown": lambda: torch.fft.rfft(x.permute(0, 2, 3, 1), dim=2).real,
            "fixed": lambda: torch.ones(n, 2, 2, 2),
        }
        self.layer(y := forms[self.form]())
        return y


@pytest.mark.parametrize("batch", [1, 3])
def test_tokens_with_a_class_token_are_their_grid(batch: int) -> None:
    net, image = Net("class"), torch.randn(batch, 3, 8, 12)
    graph = export(net, (1, 3, 8, 12))
    seen = observe_maps(net, image, ["layer"], graph)["layer"]
    assert torch.equal(seen, net.conv(image))
    node = graph.layer("layer")
    assert torch.equal(as_map(graph.run(image, [node])[node], node.layout), net.conv(image))


def test_a_vector_is_a_map_of_one_unit() -> None:
    net, image = Net("vector"), torch.randn(3, 3, 8, 12)
    seen = observe_maps(net, image, ["layer"], export(net, (1, 3, 8, 12)))["layer"]
    assert torch.equal(seen, net(image)[:, :, None, None])


@pytest.mark.parametrize("form", ["last", "tokens", "windows"])
def test_a_known_order_is_read(form: str) -> None:
    net, image = Net(form), torch.randn(3, 3, 8, 12)
    layout = map_layout(export(net, (1, 3, 8, 12)), "layer")
    assert layout.map_size == (4, 6)
    with torch.no_grad():
        assert torch.equal(as_map(net(image), layout), net.conv(image))
    assert layout.size(Axis.CHANNEL) == 4


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("sorted", r"'layer' puts out shape 2x24x4, not a map"),
        ("unknown", r"'layer' puts out shape .* is not known after aten\."),
        ("fixed", "'layer' does not depend on the image"),
    ],
)
def test_an_unknown_order_is_refused(form: str, words: str) -> None:
    graph = export(Net(form), (1, 3, 8, 12))
    with pytest.raises(LayerError, match=words):
        map_layout(graph, "layer")
