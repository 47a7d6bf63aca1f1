"""Noise has the moments that its parameter says."""

from __future__ import annotations

import numpy as np
import pytest

from leanfair.evaluation.robustness.corruptions.noise import (
    gaussian_noise,
    impulse_noise,
    shot_noise,
)

GREY = np.full((4, 40, 40, 3), 0.4, np.float32)


def rngs() -> list[np.random.Generator]:
    return [np.random.default_rng(n) for n in range(4)]


def test_gaussian_noise_has_its_deviation() -> None:
    found = gaussian_noise(GREY, 0.1, rngs())
    assert found.std() == pytest.approx(0.1, rel=0.03)
    assert found.mean() == pytest.approx(0.4, abs=0.005)


def test_shot_noise_has_the_variance_of_counted_photons() -> None:
    found = shot_noise(GREY, 50, rngs())
    assert found.var() == pytest.approx(0.4 / 50, rel=0.05)
    assert np.allclose(found * 50, np.rint(found * 50), atol=1e-4)


def test_impulse_noise_makes_its_share_black_or_white() -> None:
    found = impulse_noise(GREY, 0.07, rngs())
    assert (found == 0).mean() == pytest.approx(0.035, abs=0.005)
    assert (found == 1).mean() == pytest.approx(0.035, abs=0.005)
