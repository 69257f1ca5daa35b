"""Attention in windows, its queries, keys and values leading as in SAM: float64 through dense."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

import erf
from erf.geometry import PatchGrid, Target
from erf.graph import export
from strategies.engines import both, worst_error

HEADS, WIDTH, WINDOW = 3, 12, 4


class Windows(nn.Module):
    """One layer of attention within windows of 4x4, with decomposed relative positions."""

    def __init__(self, *, relative: bool, fused: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.queries = nn.Conv2d(3, WIDTH, 2, stride=2), nn.Linear(WIDTH, 3 * WIDTH)
        self.height = nn.Parameter(torch.randn(WINDOW, WINDOW, WIDTH // HEADS))
        self.relative, self.fused, self.out = relative, fused, nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        x = self.embed(image).permute(0, 2, 3, 1)
        n, rows, cols, c = x.shape
        down, across = rows // WINDOW, cols // WINDOW
        x = x.view(n, down, WINDOW, across, WINDOW, c).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(-1, WINDOW, WINDOW, c)
        qkv = self.queries(x).reshape(len(x), WINDOW**2, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.reshape(3, len(x) * HEADS, WINDOW**2, -1).unbind(0)
        bias = torch.zeros(())
        if self.relative:
            square = q.reshape(-1, WINDOW, WINDOW, WIDTH // HEADS)
            bias = torch.einsum("bhwc,hkc->bhwk", square, self.height)[..., None]
            bias = bias + torch.einsum("bhwc,wkc->bhwk", square, self.height)[..., None, :]
            bias = bias.reshape(-1, WINDOW**2, WINDOW**2)
        if self.fused:
            x = scaled_dot_product_attention(q, k, v, attn_mask=bias)
        else:
            x = (q @ k.transpose(-2, -1) + bias).softmax(-1) @ v
        x = x.view(-1, HEADS, WINDOW, WINDOW, WIDTH // HEADS)
        x = x.permute(0, 2, 3, 1, 4).reshape(n, down, across, WINDOW, WINDOW, c)
        x = x.permute(0, 1, 3, 2, 4, 5).reshape(n, rows, cols, c)
        return self.out(x.permute(0, 3, 1, 2))


FORMS = {
    "plain": {"relative": False},
    "relative": {"relative": True},
    "fused": {"relative": True, "fused": True},
}


@pytest.mark.parametrize("form", FORMS)
def test_queries_that_lead_are_no_images(form: str) -> None:
    model, size = Windows(**FORMS[form]).double().eval(), (16, 24)
    graph = export(model, (1, 3, *size))
    image = torch.randn(3, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    targets, grid = [Target("out"), Target("out", (5, 1))], PatchGrid(size, 3, 3)
    patches = [0, 13, len(grid) - 1]
    with torch.no_grad():
        found, truth, _ = both(model, image, targets, grid, patches=patches, draws=1, graph=graph)
        activation = float(model(image[None]).norm(dim=1).max())
    for mine, theirs in zip(found, truth, strict=True):
        assert worst_error(mine, theirs, activation) <= 1e-9
    theory = erf.theoretical_field(model, "out", image_size=size)
    assert (theory.status, theory.box((5, 1))) == ("exact", erf.Box(8, 0, 16, 8))
