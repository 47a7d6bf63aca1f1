"""Weather: where it is bright it stays so, and each does what its parameter says."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from leanfair.evaluation.robustness.corruptions.weather import brightness, fog, frost, snow

RNG = np.random.default_rng(0)
IMAGES = RNG.random((2, 16, 16, 3)).astype(np.float32)


def rngs() -> list[np.random.Generator]:
    return [np.random.default_rng(n) for n in range(2)]


def test_brightness_raises_the_value_and_keeps_hue_and_saturation() -> None:
    found = brightness(IMAGES, 0.2, rngs())
    for before, after in zip(IMAGES[0].reshape(-1, 3), found[0].reshape(-1, 3), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        wanted = colorsys.hsv_to_rgb(hue, saturation, min(1.0, value + 0.2))
        assert after == pytest.approx(wanted, abs=1e-4)
    assert np.allclose(brightness(np.zeros((1, 2, 2, 3), np.float32), 0.2, rngs()), 0.2)


def test_snow_and_frost_whiten_and_fog_flattens() -> None:
    dark = 0.2 * IMAGES
    assert snow(dark, (0.1, 3, 0.2), rngs()).mean() > dark.mean() + 0.05
    assert frost(dark, (0.9, 0.4), rngs()).mean() > dark.mean() + 0.05
    ramp = np.broadcast_to(np.linspace(0, 1, 16, dtype=np.float32)[:, None, None], (16, 16, 3))[
        None
    ]
    assert np.ptp(fog(ramp, (1.5, 1.8), rngs()[:1]).mean(axis=2)) < 0.8


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_frost_has_a_colour_only_where_there_are_three_channels(channels: int) -> None:
    black = np.zeros((1, 16, 16, channels), np.float32)
    found = frost(black, (1.0, 0.5), rngs()[:1])
    assert np.allclose(found, found[..., :1])
    blue = frost(np.zeros((1, 16, 16, 3), np.float32), (1.0, 0.5), rngs()[:1])
    assert blue[..., 2].mean() > blue[..., 0].mean()
