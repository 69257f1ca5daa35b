"""Cases that sum, accumulate, normalise or transform."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.oracle.case import of


def sequences(x: Tensor, part: nn.Module) -> Tensor:
    """Rows of the map as sequences, the steps of which are its columns."""
    n, c, h, w = x.shape
    return part(x.permute(0, 2, 3, 1).reshape(n * h, w, c))[0].view(n, h, w, -1).permute(0, 3, 1, 2)


def all_steps(x: Tensor, part: nn.Module) -> Tensor:
    """The whole map as one sequence."""
    return part(x.flatten(2).transpose(1, 2))[0].transpose(1, 2).unflatten(2, x.shape[2:])


def squeeze(x: Tensor, part: nn.Module) -> Tensor:
    """Squeeze and excitation."""
    return x * part(x.mean((2, 3))).sigmoid()[:, :, None, None]


def separable_attention(x: Tensor) -> Tensor:
    """MobileViTv2's: sums over patches of one place within its patch, and is broadcast to them."""
    n, c, h, w = x.shape
    y = x.reshape(n, c, h // 2, 2, w, 1).permute(0, 1, 3, 5, 2, 4).reshape(n, c, 2, -1)
    context = (y * y[:, :1].softmax(-1)).sum(-1, keepdim=True)
    y = ((y + 2).sigmoid() * context).view(n, c, 2, 1, h // 2, w)
    return y.permute(0, 1, 4, 2, 5, 3).reshape(n, c, h, w)


def mixer(x: Tensor, part: nn.Module) -> Tensor:
    """MLP-Mixer's: all positions of a channel mixed by weights."""
    return x + part(x.flatten(2)).view(x.shape)


def fourier_block(x: Tensor) -> Tensor:
    """LaMa's: a convolution between a transform and its inverse, beside the map itself."""
    z = torch.fft.rfft2(x, norm="ortho")
    z = torch.complex(z.real * 0.5, z.imag * 0.3)
    return x + torch.fft.irfft2(z, s=x.shape[-2:], norm="ortho")


def fourier_of_rows(x: Tensor) -> Tensor:
    """A transform along columns alone: rows stay apart."""
    z = torch.fft.rfft(x, dim=3)
    return torch.fft.irfft(z * torch.linspace(0.1, 1, z.shape[-1]), n=x.shape[3], dim=3)


def global_response(x: Tensor) -> Tensor:
    """ConvNeXt v2's: each channel's norm over the map against the others'."""
    norm = x.norm(2, (2, 3), keepdim=True)
    return x * (norm / (norm.mean(1, keepdim=True) + 1e-6)) + x


MIXING = [
    of("mean of rows", lambda x: x - x.mean(2, keepdim=True)),
    of("sum of columns", lambda x: x.sum(3).unsqueeze(3)),
    of("amax", lambda x: x.amax((2, 3), keepdim=True)),
    of("maximum over channels", lambda x: x.max(1, keepdim=True).values),
    of("variance", lambda x: x.var((2, 3), keepdim=True)),
    of("standard deviation of channels", lambda x: x.std(1, keepdim=True)),
    of("norm", lambda x: functional.normalize(x, dim=1)),
    of("norm over rows", lambda x: functional.normalize(x, dim=2)),
    of("logsumexp", lambda x: x.logsumexp(3, keepdim=True)),
    of("product", lambda x: x.prod(3, keepdim=True)),
    of("cumsum of rows", lambda x: x.cumsum(2)),
    of("cumsum of channels", lambda x: torch.cat([x, x.roll(1, 2)], 1).cumsum(1)[:, :3]),
    of("cumsum of flat positions", lambda x: x.flatten(2).cumsum(2).view(x.shape)),
    of("cumprod", lambda x: x.cumprod(3)),
    of("logcumsumexp", lambda x: x.logcumsumexp(2)),
    of("integral image", lambda x: x.cumsum(2).cumsum(3)[:, :, 1:] - x.cumsum(2)[:, :, :-1] / 2),
    of("diff", lambda x: x.diff(dim=2)),
    of("softmax over channels", lambda x: x.softmax(1)),
    of("softmax over rows", lambda x: x.softmax(2)),
    of("softmax over all", lambda x: x.flatten(2).softmax(2).view(x.shape) * x),
    of("layer normalisation", lambda x: functional.layer_norm(x, x.shape[1:])),
    of(
        "layer normalisation of channels",
        lambda x, p: p(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2),
        lambda: nn.LayerNorm(4),
    ),
    of("group normalisation", lambda x, p: p(x), lambda: nn.GroupNorm(2, 4)),
    of("instance normalisation", lambda x, p: p(x), lambda: nn.InstanceNorm2d(4, affine=True)),
    of("batch normalisation", lambda x, p: p(x), lambda: nn.BatchNorm2d(4)),
    of("local response normalisation", lambda x: functional.local_response_norm(x, 3)),
    of("global response", global_response),
    of("squeeze and excitation", squeeze, lambda: nn.Linear(4, 4)),
    of("lstm", sequences, lambda: nn.LSTM(4, 3, batch_first=True)),
    of("gru", sequences, lambda: nn.GRU(4, 3, 2, batch_first=True)),
    of("both directions", sequences, lambda: nn.LSTM(4, 3, batch_first=True, bidirectional=True)),
    of("rnn over the map", all_steps, lambda: nn.RNN(4, 3, batch_first=True)),
    of("mixer", mixer, lambda: nn.Linear(30, 30)),
    of("matrix product of rows", lambda x: x @ x.transpose(2, 3) @ x),
    of("matrix product of a constant", lambda x: torch.randn(6, 6, dtype=x.dtype) @ x),
    of("triangular constant", lambda x: torch.ones(6, 6, dtype=x.dtype).tril() @ x),
    of("einsum of channels", lambda x: torch.einsum("nchw,nchw->nhw", x, x).unsqueeze(1)),
    of("einsum over rows", lambda x: torch.einsum("nchw,ncgw->nhgw", x, x.flip(2))),
    of("einsum of a gram", lambda x: torch.einsum("nchw,ndhw->ncd", x, x)[..., None]),
    of(
        "bilinear of two vectors",
        lambda x, p: p(x.mean((2, 3)), x.amax((2, 3))),
        lambda: nn.Bilinear(4, 4, 3),
    ),
    of(
        "outer product of rows and columns",
        lambda x: x.mean(3, keepdim=True) * x.mean(2, keepdim=True),
    ),
    of("separable attention", separable_attention),
    of("fft", lambda x: torch.fft.irfft2(torch.fft.rfft2(x) * 0.5, s=x.shape[-2:])),
    of("real part of fft", lambda x: torch.fft.fft2(x).real),
    of("fft of rows alone", fourier_of_rows),
    of("fourier block", fourier_block),
    of("fft as a layer, then local", lambda x: torch.fft.fftn(x, dim=(1,)).real),
    of("complex", lambda x: torch.complex(x, x.roll(1, 2)).abs()),
    of(
        "view_as_complex",
        lambda x: (
            torch.view_as_real(
                torch.view_as_complex(x.unflatten(1, (2, 2)).movedim(2, -1).contiguous()) * 1j
            )
            .movedim(-1, 2)
            .flatten(1, 2)
        ),
    ),
    of("distance of rows", lambda x: torch.cdist(x[:, 0], x[:, 1]).unsqueeze(1)),
    of(
        "cosine similarity",
        lambda x: functional.cosine_similarity(x, x.roll(1, 3), dim=1).unsqueeze(1),
    ),
    of("cross product", lambda x: torch.linalg.cross(x[:, :3], x[:, 1:].flip(2), dim=1)),
    of("trace of a gram", lambda x: x * torch.einsum("nchw,nchw->n", x, x)[:, None, None, None]),
    of("addcmul", lambda x: torch.addcmul(x, x.flip(2), x.flip(3))),
    of("lerp", lambda x: torch.lerp(x, x.flip(3), 0.3)),
]
