"""What processing does, against Pillow and counts by hand."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from leanfair.evaluation.robustness.corruptions.digital import (
    contrast,
    elastic_transform,
    jpeg_compression,
    pixelate,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.random((2, 20, 16, 3)).astype(np.float32)


def test_contrast_keeps_means_and_scales_deviations() -> None:
    found = contrast(IMAGES, 0.3, [])
    assert np.allclose(found.mean(axis=(1, 2)), IMAGES.mean(axis=(1, 2)), atol=1e-5)
    assert np.allclose(found.std(axis=(1, 2)), 0.3 * IMAGES.std(axis=(1, 2)), atol=1e-5)


def test_pixels_are_those_of_pillow_s_box() -> None:
    found = pixelate(IMAGES[:, :, :, :1], 0.5, [])
    for ours, image in zip(found, IMAGES, strict=True):
        grey = Image.fromarray(image[:, :, 0])
        wanted = grey.resize((8, 10), Image.Resampling.BOX).resize(
            (16, 20), Image.Resampling.NEAREST
        )
        assert np.allclose(ours[:, :, 0], np.asarray(wanted), atol=1e-5)
    assert pixelate(IMAGES, 0.75, []).mean() == pytest.approx(IMAGES.mean(), abs=1e-5)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_jpeg_is_what_pillow_writes_and_reads(channels: int) -> None:
    levels = (255 * IMAGES[:1, :, :, :channels]).round() / 255
    found = jpeg_compression(levels.astype(np.float32), 40, [])[0]
    parts = [levels[0]] if channels == 3 else [levels[0, :, :, c] for c in range(channels)]
    for number, part in enumerate(parts):
        file = io.BytesIO()
        Image.fromarray((255 * part).round().astype(np.uint8)).save(file, "JPEG", quality=40)
        wanted = np.asarray(Image.open(file)) / 255
        ours = found if channels == 3 else found[:, :, number]
        assert np.allclose(ours, wanted, atol=1e-6)


def test_an_elastic_sheet_moves_what_it_shows_and_keeps_its_values() -> None:
    rngs = [np.random.default_rng(n) for n in range(2)]
    found = elastic_transform(IMAGES, 0.1, rngs)
    assert np.abs(found - IMAGES).mean() > 0.02
    assert found.min() >= IMAGES.min()
    assert found.max() <= IMAGES.max()
