"""Cases of attention: by a fused operator or by hand, masked or not, over all or within parts."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.oracle.case import Case, of

CAUSAL = torch.ones(30, 30, dtype=torch.float64).tril()
PLACES = torch.stack(torch.meshgrid(torch.arange(6), torch.arange(5), indexing="ij"), -1)
APART = (PLACES.view(-1, 1, 2) - PLACES.view(1, -1, 2)).abs()
NEAR = APART.amax(-1) <= 1
BLOCKS = (PLACES.view(-1, 1, 2) // 2 == PLACES.view(1, -1, 2) // 2).all(-1)


def tokens(x: Tensor) -> Tensor:
    """Positions in one row, features last."""
    return x.flatten(2).transpose(1, 2)


def back(t: Tensor, x: Tensor) -> Tensor:
    """Tokens as the map that they were."""
    return t.transpose(1, 2).unflatten(2, x.shape[2:])


def fused(**settings: object) -> Callable[[Tensor], Tensor]:
    """PyTorch's operator."""

    def function(x: Tensor) -> Tensor:
        t = tokens(x)
        return back(functional.scaled_dot_product_attention(t, t, t, **settings), x)

    return function


def scores(x: Tensor) -> Tensor:
    """Of every position against every other."""
    return tokens(x) @ tokens(x).transpose(1, 2)


def by_hand(name: str, weigh: Callable[[Tensor], Tensor]) -> Case:
    """Scores, weighed somehow, times values."""
    return of(f"attention by hand, {name}", lambda x: back(weigh(scores(x)) @ tokens(x), x))


def multi_head(x: Tensor, part: nn.Module, mask: Tensor | None, weights: bool) -> Tensor:
    """PyTorch's module."""
    t = tokens(x)
    return back(part(t, t, t, attn_mask=mask, need_weights=weights)[0], x)


def two_heads(x: Tensor) -> Tensor:
    """Two heads, of which one looks back and the other around."""
    t = tokens(x).unflatten(2, (2, 2)).transpose(1, 2)
    mask = torch.stack([CAUSAL > 0, NEAR])
    out = functional.scaled_dot_product_attention(t, t, t, attn_mask=mask)
    return back(out.transpose(1, 2).flatten(2), x)


def criss_cross(x: Tensor) -> Tensor:
    """Each position looks along its row, then along its column."""
    n, c, h, w = x.shape
    t = x.permute(0, 2, 3, 1).reshape(n * h, w, c)
    t = functional.scaled_dot_product_attention(t, t, t)
    t = t.view(n, h, w, c).permute(0, 2, 1, 3).reshape(n * w, h, c)
    t = functional.scaled_dot_product_attention(t, t, t, is_causal=True)
    return t.view(n, w, h, c).permute(0, 3, 2, 1)


def windowed(x: Tensor) -> Tensor:
    """Attention within windows of two by two."""
    n, c, h, w = x.shape
    t = x.view(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, c)
    t = functional.scaled_dot_product_attention(t, t, t)
    return t.view(n, h // 2, w // 2, 2, 2, c).permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w)


def pooled_keys(x: Tensor) -> Tensor:
    """PVT's: keys and values of a smaller map."""
    t, k = tokens(x), tokens(functional.avg_pool2d(x, 2))
    return back(functional.scaled_dot_product_attention(t, k, k), x)


def cross_covariance(x: Tensor) -> Tensor:
    """XCiT's: channels against channels, normalised over all positions."""
    n, c, h, w = x.shape
    q = functional.normalize(tokens(x).view(n, h * w, 2, c // 2).permute(0, 2, 3, 1), dim=-1)
    return ((q @ q.transpose(-2, -1)).softmax(-1) @ q).reshape(n, c, h, w)


def linear_attention(x: Tensor) -> Tensor:
    """EfficientViT's: two branches side by side, split anew, one of them padded by a constant."""
    n, _, h, w = x.shape
    both = torch.cat([x, functional.avg_pool2d(x, 3, 1, 1)], 1)
    q, v = both.reshape(n, 2, 4, h * w).transpose(2, 3).chunk(2, -1)
    out = functional.softplus(q) @ (q.transpose(2, 3) @ functional.pad(v, (0, 1), value=1.0))
    return (out[..., :-1] / out[..., -1:]).transpose(2, 3).reshape(n, -1, h, w)


def with_class_token(x: Tensor) -> Tensor:
    """A vision transformer's: a class token before the others, dropped in the end."""
    t = tokens(x)
    t = torch.cat([t.new_ones(len(t), 1, 4), t], 1)
    return back(functional.scaled_dot_product_attention(t, t, t)[:, 1:], x)


def class_token_alone(x: Tensor) -> Tensor:
    """What the class token says, as a vector."""
    t = tokens(x)
    t = torch.cat([t.new_ones(len(t), 1, 4), t], 1)
    return functional.scaled_dot_product_attention(t, t, t)[:, 0]


def no_attention_yet(x: Tensor) -> Tensor:
    """A class token put before the others and taken away again, nothing mixed between."""
    t = torch.cat([tokens(x)[:, :1] * 0 + 1, tokens(x)], 1)
    return back(t[:, 1:], x)


def dense_readout(x: Tensor) -> Tensor:
    """DPT's: the class token beside every other, and a map again."""
    t = tokens(x)
    t = torch.cat([t.new_ones(len(t), 1, 4), t], 1)
    t = functional.scaled_dot_product_attention(t, t, t)
    both = torch.cat([t[:, 1:], t[:, :1].expand(-1, t.shape[1] - 1, -1)], -1)
    return back(both, x)


def self_similarity(x: Tensor) -> Tensor:
    """Scores as channels of a map."""
    return scores(x).transpose(1, 2).unflatten(2, x.shape[2:])


INF = float("inf")
ATTENTION = [
    of("attention", fused()),
    of("causal attention", fused(is_causal=True)),
    of("attention to neighbours", fused(attn_mask=NEAR)),
    of("attention within blocks", fused(attn_mask=BLOCKS)),
    of("attention to itself", fused(attn_mask=torch.eye(30).bool())),
    of(
        "attention, infinite numbers",
        fused(attn_mask=torch.zeros(30, 30, dtype=torch.float64).masked_fill(~NEAR, -INF)),
    ),
    of("attention, low numbers", fused(attn_mask=(1 - CAUSAL) * -1e9)),
    of("attention, biased", fused(attn_mask=CAUSAL * 0.1)),
    by_hand("softmax", lambda s: s.softmax(-1)),
    by_hand("softmax over queries", lambda s: s.softmax(1)),
    by_hand("causal fill", lambda s: s.masked_fill(CAUSAL == 0, -INF).softmax(-1)),
    by_hand(
        "lowest fill", lambda s: s.masked_fill(CAUSAL == 0, torch.finfo(s.dtype).min).softmax(-1)
    ),
    by_hand("added", lambda s: (s / 2 + torch.log(CAUSAL)).softmax(-1)),
    by_hand("chosen", lambda s: torch.where(NEAR, s, -INF).softmax(-1)),
    by_hand("multiplied", lambda s: s * CAUSAL),
    by_hand("multiplied after softmax", lambda s: s.softmax(-1) * CAUSAL),
    by_hand("cut", lambda s: s.tril()),
    by_hand("cut to a band", lambda s: s.tril(1).triu(-2) * 3),
    by_hand("relu of masked", lambda s: s.masked_fill(~NEAR, 0.0).relu()),
    by_hand("scaled by counts", lambda s: s / s.shape[-1]),
    by_hand("sigmoid of masked", lambda s: torch.sigmoid(s) * NEAR),
    of(
        "multi-head",
        lambda x, p: multi_head(x, p, None, True),
        lambda: nn.MultiheadAttention(4, 2, batch_first=True),
    ),
    of(
        "multi-head, masked",
        lambda x, p: multi_head(x, p, ~NEAR, False),
        lambda: nn.MultiheadAttention(4, 2, batch_first=True),
    ),
    of(
        "multi-head, masked, with weights",
        lambda x, p: multi_head(x, p, CAUSAL == 0, True),
        lambda: nn.MultiheadAttention(4, 2, batch_first=True),
    ),
    of(
        "transformer layer",
        lambda x, p: back(p(tokens(x), src_mask=CAUSAL == 0), x),
        lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, activation="gelu"),
    ),
    of("two heads with masks of their own", two_heads),
    of("rows, then columns causally", criss_cross),
    of("windowed attention", windowed, size=(6, 4)),
    of("pooled keys", pooled_keys, size=(6, 4)),
    of("channels against channels", cross_covariance),
    of("linear attention", linear_attention),
    of("class token", with_class_token),
    of("class token alone", class_token_alone),
    of("class token that nothing reads", no_attention_yet),
    of("dense readout", dense_readout),
    of("scores as channels", self_similarity),
]
