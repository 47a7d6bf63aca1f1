"""What several corruptions are made with: random fields, point spreads, resizing and warping.

Images are float32 [n, height, width, channels] in 0..1. `rngs` has one generator an image, so that
an image gets the same whatever stands beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Rngs: TypeAlias = Sequence[np.random.Generator]

SIDE = 32
"""The side of the images, in pixels, for which lengths are given."""


def scale_of(images: Floats) -> float:
    """How many pixels are one pixel of an image whose shorter side has 32."""
    return float(min(images.shape[1:3])) / SIDE


def each(rngs: Rngs, draw: Callable[[np.random.Generator], NDArray[np.float64]]) -> Floats:
    """What `draw` gives for each image, [n, ...]."""
    return np.stack([draw(rng) for rng in rngs]).astype(np.float32)


def smooth_field(rng: np.random.Generator, height: int, width: int, power: float) -> Floats:
    """A random field [height, width] from 0 to 1 in which waves of f periods a picture have an
    amplitude in proportion to f^-power: clouds for a power about 2, grain for 0."""
    spectrum = np.fft.rfft2(rng.standard_normal((height, width)))
    rows, columns = np.fft.fftfreq(height) * height, np.fft.rfftfreq(width) * width
    periods = np.hypot(rows[:, None], columns[None, :])
    periods[0, 0] = np.inf
    field = np.fft.irfft2(spectrum * periods**-power, s=(height, width))
    low, high = field.min(), field.max()
    return np.asarray((field - low) / max(high - low, 1e-12), np.float32)


def point_spread(
    rows: NDArray[np.float64], columns: NDArray[np.float64], weights: object
) -> Floats:
    """A kernel [k, k] in which the points (rows, columns), in pixels from its middle, are shared
    out among their four neighbours: a spread of less than a pixel is one, too."""
    reach = math.ceil(max(1e-9, np.abs(rows).max(), np.abs(columns).max())) + 1
    kernel = np.zeros((2 * reach + 1,) * 2)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, right = rows - top, columns - left
    share = np.broadcast_to(np.asarray(weights, float), rows.shape)
    for y, by_row in ((0, 1 - down), (1, down)):
        for x, by_column in ((0, 1 - right), (1, right)):
            spot = top + y + reach, left + x + reach
            np.add.at(kernel, spot, share * by_row * by_column)
    return np.asarray(kernel / kernel.sum(), np.float32)


def convolved(images: Floats, kernel: Floats) -> Floats:
    """`images` convolved with `kernel`; what lies outside of an image is its mirror image."""
    from scipy.signal import fftconvolve

    reach = len(kernel) // 2
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    found = fftconvolve(padded, kernel[None, :, :, None], mode="valid", axes=(1, 2))
    return np.asarray(found, np.float32)


def disk(radius: float) -> Floats:
    """The point spread of a lens out of focus: a disk of `radius` pixels."""
    line = np.linspace(-radius, radius, 41)
    rows, columns = (part.ravel() for part in np.meshgrid(line, line, indexing="ij"))
    inside = np.hypot(rows, columns) <= radius
    return point_spread(rows[inside], columns[inside], 1.0)


def streak(length: float, angle: float) -> Floats:
    """The point spread of a movement by `length` pixels, at `angle` in radians, that slows down."""
    along = np.linspace(0.0, length, max(16, math.ceil(4 * length)))
    weights = np.exp(-0.5 * (2 * along / max(length, 1e-9)) ** 2)
    return point_spread(along * math.sin(angle), along * math.cos(angle), weights)


def warped(images: Floats, down: Floats, right: Floats) -> Floats:
    """Each pixel from a place `down` and `right` of its own, [n, height, width] in pixels, between
    four neighbours; a place outside is the nearest one inside."""
    n, height, width, _ = images.shape
    y = np.clip(np.arange(height)[:, None] + down, 0, height - 1)
    x = np.clip(np.arange(width)[None, :] + right, 0, width - 1)
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    bottom, far = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    low, near = (y - top)[..., None], (x - left)[..., None]
    image = np.arange(n)[:, None, None]
    above = images[image, top, left] * (1 - near) + images[image, top, far] * near
    below = images[image, bottom, left] * (1 - near) + images[image, bottom, far] * near
    return np.asarray(above * (1 - low) + below * low, np.float32)


def along_both(images: Floats, rows: Floats, columns: Floats) -> Floats:
    """`images` with their rows and columns mapped by the matrices [new, old]."""
    return np.asarray(np.einsum("ah,nhwc,bw->nabc", rows, images, columns, optimize=True))


def by_area(new: int, old: int) -> Floats:
    """A matrix [new, old] that resizes a line of pixels: a new pixel is the mean of the old ones
    that it covers, by the shares of it that they take."""
    edges, ends = np.arange(new + 1) * (old / new), np.arange(old + 1)
    low = np.maximum(edges[:-1, None], ends[None, :-1])
    high = np.minimum(edges[1:, None], ends[None, 1:])
    return np.asarray(np.clip(high - low, 0, None) * (new / old), np.float32)


def magnified(side: int, factor: float) -> Floats:
    """A matrix [side, side] that magnifies a line of pixels about its middle."""
    place = (np.arange(side) - (side - 1) / 2) / factor + (side - 1) / 2
    low = np.clip(np.floor(place).astype(int), 0, max(0, side - 2))
    made = np.zeros((side, side), np.float32)
    made[np.arange(side), low] += 1 - (place - low)
    made[np.arange(side), np.minimum(low + 1, side - 1)] += place - low
    return made
