"""Noise of cameras: of the electronics, of few photons, of pixels that failed."""

from __future__ import annotations

import numpy as np

from leanfair.evaluation.robustness.corruptions.drawing import Floats, Rngs, each


def gaussian_noise(images: Floats, deviation: float, rngs: Rngs) -> Floats:
    """Normal noise of that standard deviation."""
    shape = images.shape[1:]
    return images + deviation * each(rngs, lambda rng: rng.standard_normal(shape))


def shot_noise(images: Floats, photons: float, rngs: Rngs) -> Floats:
    """Poisson noise where a white pixel catches so many photons in the mean."""
    counts = [rng.poisson(photons * image) for image, rng in zip(images, rngs, strict=True)]
    return np.stack(counts).astype(np.float32) / photons


def impulse_noise(images: Floats, share: float, rngs: Rngs) -> Floats:
    """That share of the values, black or white instead."""
    shape = images.shape[1:]
    failed = each(rngs, lambda rng: rng.random(shape)) < share
    value = each(rngs, lambda rng: rng.random(shape)) < 0.5
    return np.where(failed, value, images).astype(np.float32)
