"""Channels of unlike reach, written over in place: a later split takes its own."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from erf.graph import export
from erf.theoretical.analyse import analyse


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.first, self.last = (
            nn.Conv2d(2, 4, 3, padding=1),
            nn.Identity(),
            nn.Identity(),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        wide = functional.max_pool2d(x, 3, stride=1, padding=1)
        y = torch.cat([x, wide], dim=1)
        y[:, :2] *= 2
        self.first(y[:, :4])
        return self.last(y[:, 4:])


def test_a_split_takes_its_own_channels():
    first, last = analyse(export(Net(), (1, 2, 12, 10)), ["first", "last"])
    assert (first.size, first.status) == ((3, 3), "exact")
    assert (last.size, last.status) == ((5, 5), "exact")
