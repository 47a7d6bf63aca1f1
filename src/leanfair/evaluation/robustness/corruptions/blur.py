"""Blur: a lens out of focus, frosted glass, movement, and movement towards what is seen. Lengths
are in pixels of an image of 32."""

from __future__ import annotations

import math

import numpy as np

from leanfair.evaluation.robustness.corruptions.drawing import (
    Floats,
    Rngs,
    along_both,
    convolved,
    disk,
    each,
    magnified,
    scale_of,
    streak,
    warped,
)

ZOOMS = 9
"""Magnifications whose mean a zoom blur is."""


def defocus_blur(images: Floats, radius: float, rngs: Rngs) -> Floats:
    """A disk of that radius for each point."""
    return convolved(images, disk(radius * scale_of(images)))


def glass_blur(images: Floats, distance: float, rngs: Rngs) -> Floats:
    """Each pixel from up to that distance beside it, at random, twice; then slightly blurred."""
    shape, far = (4, *images.shape[1:3]), distance * scale_of(images)
    moves = far * each(rngs, lambda rng: rng.uniform(-1.0, 1.0, shape))
    seen = warped(images, moves[:, 0], moves[:, 1])
    seen = warped(seen, moves[:, 2], moves[:, 3])
    return convolved(seen, disk(far / 2))


def motion_blur(images: Floats, length: float, rngs: Rngs) -> Floats:
    """A movement of that length, at an angle of up to 45 degrees to the horizon."""
    far = length * scale_of(images)
    angles = [rng.uniform(-math.pi / 4, math.pi / 4) for rng in rngs]
    moved = [
        convolved(image[None], streak(far, angle))
        for image, angle in zip(images, angles, strict=True)
    ]
    return np.concatenate(moved)


def zoom_blur(images: Floats, most: float, rngs: Rngs) -> Floats:
    """The mean over magnifications from 1 to `most`."""
    _, height, width, _ = images.shape
    factors = np.linspace(1.0, most, ZOOMS)
    seen = [along_both(images, magnified(height, f), magnified(width, f)) for f in factors]
    return np.asarray(np.mean(seen, axis=0), np.float32)
