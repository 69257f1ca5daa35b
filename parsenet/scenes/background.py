"""Soft procedural backgrounds: smooth noise in a few kindred colours under a quiet pattern."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Float32

from parsenet.scenes.color import oklch

Plane = Float32[np.ndarray, "size size"]
Column = Float32[np.ndarray, "size 1"]
Row = Float32[np.ndarray, "1 size"]
Pattern = Callable[[np.random.Generator, Plane], Plane]


@lru_cache(maxsize=64)
def spline(size: int, cells: int) -> Float32[np.ndarray, "size knots"]:
    """Return the weights of a uniform cubic B-spline with `cells` intervals over `size` pixels."""
    position = (np.arange(size) + 0.5) * cells / size
    knot = np.arange(cells + 3) - 1
    t = np.abs(position[:, None] - knot)
    near = 2 / 3 - t**2 + t**3 / 2
    far = (2 - np.clip(t, 1, 2)) ** 3 / 6
    return np.where(t < 1, near, far).astype(np.float32)


def smooth_noise(random: np.random.Generator, size: int, *, cells: int, octaves: int = 3) -> Plane:
    """Return a smooth random plane with values in 0..1: octaves of a spline over random knots."""
    splines = [spline(size, cells * 2**octave) for octave in range(octaves)]
    rows = []
    # Not `@`: products this small gain nothing from BLAS, whose threads then spin on cores that a
    # training needs.
    for octave, weights in enumerate(splines):
        knots = random.standard_normal((weights.shape[1],) * 2, dtype=np.float32)
        rows.append(np.einsum("rk,kl->rl", weights, 0.45**octave * knots))
    across = np.ascontiguousarray(np.concatenate(splines, axis=1).T)
    plane = np.einsum("rl,lc->rc", np.concatenate(rows, axis=1), across)
    plane -= plane.min()
    plane /= plane.max()
    return plane


def grid(size: int) -> tuple[Column, Row]:
    """Return the rows and columns of all pixel centres, in shares of the side."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    return axis[:, None], axis[None]


def turned(random: np.random.Generator, size: int) -> tuple[Plane, Plane]:
    """Return the pixel grid turned by a random angle."""
    angle = np.float32(random.uniform(0, np.pi))
    row, col = grid(size)
    return row * np.cos(angle) - col * np.sin(angle), row * np.sin(angle) + col * np.cos(angle)


def plain(random: np.random.Generator, noise: Plane) -> Plane:
    """Return no pattern at all."""
    return np.zeros_like(noise)


def stripes(random: np.random.Generator, noise: Plane) -> Plane:
    """Return bands that the noise bends."""
    across, _ = turned(random, len(noise))
    count = np.float32(random.uniform(5, 12))
    return np.sin(2 * np.pi * (count * across + 1.5 * noise))


def dots(random: np.random.Generator, noise: Plane) -> Plane:
    """Return a turned lattice of round dots."""
    across, along = turned(random, len(noise))
    pitch = np.float32(random.uniform(9, 16))
    wave = np.cos(2 * np.pi * pitch * across) + np.cos(2 * np.pi * pitch * along)
    return 2 * np.clip(2 * wave - 1.2, 0, 1) - 0.5


def contours(random: np.random.Generator, noise: Plane) -> Plane:
    """Return the terraces of a relief map of the noise."""
    levels = np.float32(random.integers(5, 10))
    height = noise * levels
    step = height - np.floor(height)
    return (np.floor(height) % 2) - 0.5 + 0.6 * step


def ripples(random: np.random.Generator, noise: Plane) -> Plane:
    """Return rings around a point, as on water."""
    row, col = grid(len(noise))
    top, left = random.uniform(-0.3, 1.3, 2).astype(np.float32)
    count = np.float32(random.uniform(6, 12))
    return np.sin(2 * np.pi * (count * np.hypot(row - top, col - left) + 0.7 * noise))


PATTERNS: tuple[Pattern, ...] = (plain, stripes, dots, contours, ripples)


def background(random: np.random.Generator, size: int) -> Float32[np.ndarray, "3 size size"]:
    """Return a random background in sRGB, 0..1: muted, so that objects stand out."""
    hue = random.uniform(0, 360)
    lightness = random.uniform(0.6, 0.93)
    tones = [
        oklch(
            float(np.clip(lightness + random.uniform(-0.1, 0.08), 0, 1)),
            random.uniform(0.025, 0.06),
            hue + random.uniform(-50, 50),
        )
        for _ in range(3)
    ]
    noise = smooth_noise(random, size, cells=int(random.integers(1, 4)))
    veil = smooth_noise(random, size, cells=2, octaves=2)
    pattern = PATTERNS[random.integers(len(PATTERNS))](random, noise)
    image = tones[0] + noise * (tones[1] - tones[0])
    image += veil * (tones[2] - image)
    grain = random.standard_normal((size, size), dtype=np.float32)
    image *= 1 + 0.035 * pattern * (1 - 0.6 * veil) + 0.012 * grain
    return image
