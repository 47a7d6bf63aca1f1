"""Weather: snow, frost, fog and glare, all of them drawn and none from a photograph."""

from __future__ import annotations

import math

import numpy as np

from leanfair.evaluation.robustness.corruptions.drawing import (
    Floats,
    Rngs,
    convolved,
    scale_of,
    smooth_field,
    streak,
)

ICE = (0.87, 0.93, 1.0)
"""The colour of frost in red, green and blue."""


def snow(images: Floats, cover: tuple[float, float, float], rngs: Rngs) -> Floats:
    """Flakes over a share of the picture (1), streaks of a length in pixels of an image of 32 (2),
    before a world that is whitened by a share (3)."""
    share, length, white = cover
    pale = np.maximum(images, 0.5 + 0.5 * images.mean(axis=3, keepdims=True))
    world = (1 - white) * images + white * pale
    far = length * scale_of(images)
    flakes = [_flakes(rng, images.shape[1], images.shape[2], share, far) for rng in rngs]
    return np.asarray(world + np.stack(flakes)[..., None], np.float32)


def _flakes(rng: np.random.Generator, height: int, width: int, share: float, far: float) -> Floats:
    angle = rng.uniform(math.pi / 4, 3 * math.pi / 4)
    depth = np.clip((rng.random((height, width)) - (1 - share)) / share, 0.0, 1.0)
    layer = np.sqrt(depth).astype(np.float32)[None, :, :, None]
    fallen = convolved(layer, streak(far, angle))[0, :, :, 0]
    return np.asarray(np.clip(2.0 * fallen, 0.0, 1.0), np.float32)


def frost(images: Floats, ice: tuple[float, float], rngs: Rngs) -> Floats:
    """What is seen through, a share (1), a pane with needles of ice of a strength (2)."""
    through, strength = ice
    needles = np.stack([_needles(rng, *images.shape[1:3]) for rng in rngs])[..., None]
    channels = images.shape[3]
    colour = np.asarray(ICE if channels == 3 else (1.0,) * channels, np.float32)
    return np.asarray(through * images + strength * needles * colour, np.float32)


def _needles(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Ice [height, width] in 0..1: ridges, where a smooth field crosses its middle, in two sizes,
    on a pale ground."""
    ridges = [1 - np.abs(2 * smooth_field(rng, height, width, power) - 1) for power in (1.6, 0.9)]
    ground = smooth_field(rng, height, width, 2.0)
    return np.asarray(
        np.clip(0.55 * ridges[0] ** 4 + 0.35 * ridges[1] ** 3 + 0.4 * ground, 0, 1), np.float32
    )


def fog(images: Floats, cloud: tuple[float, float], rngs: Rngs) -> Floats:
    """Clouds of a strength (1) whose waves fall off with a power (2) of their number."""
    strength, power = cloud
    height, width = images.shape[1:3]
    clouds = np.stack([smooth_field(rng, height, width, power) for rng in rngs])[..., None]
    brightest = images.max(axis=(1, 2, 3), keepdims=True)
    return np.asarray(
        (images + strength * clouds) * (brightest / (brightest + strength + 1e-12)), np.float32
    )


def brightness(images: Floats, more: float, rngs: Rngs) -> Floats:
    """The value, as in hue, saturation and value, raised by `more`."""
    value = images.max(axis=3, keepdims=True)
    raised = np.minimum(1.0, value + more)
    factor = raised / np.maximum(value, 1e-6)
    return np.asarray(np.where(value > 1e-6, images * factor, raised), np.float32)
