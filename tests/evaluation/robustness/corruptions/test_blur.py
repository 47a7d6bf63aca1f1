"""Blur spreads, keeps the light and grows with the picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from leanfair.evaluation.robustness.corruptions.blur import (
    defocus_blur,
    glass_blur,
    motion_blur,
    zoom_blur,
)

CASES = [(defocus_blur, 1.5), (glass_blur, 1.0), (motion_blur, 6.0), (zoom_blur, 1.2)]


def dots(side: int) -> np.ndarray:
    image = np.zeros((1, side, side, 1), np.float32)
    image[:, side // 4 :: side // 2, side // 4 :: side // 2] = 1.0
    return image


@pytest.mark.parametrize(("blur", "strength"), CASES)
def test_a_plain_picture_stays_and_dots_spread(blur: Callable[..., Any], strength: float) -> None:
    rngs = [np.random.default_rng(0)]
    plain = np.full((1, 16, 12, 3), 0.3, np.float32)
    assert np.allclose(blur(plain, strength, rngs), 0.3, atol=1e-5)
    found = blur(dots(32), strength, rngs)
    assert (found > 1e-3).sum() > (dots(32) > 0).sum()


def test_lengths_grow_with_the_side() -> None:
    def lit(side: int) -> float:
        found = defocus_blur(dots(side), 2.0, [])
        return float((found > 1e-4).sum()) / side**2

    assert lit(64) == pytest.approx(lit(128), rel=0.35)
