"""What processing does: contrast, an elastic sheet, fewer pixels, and JPEG."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from leanfair.evaluation.robustness.corruptions.drawing import (
    Floats,
    Rngs,
    along_both,
    by_area,
    each,
    smooth_field,
    warped,
)


def contrast(images: Floats, left: float, rngs: Rngs) -> Floats:
    """That share of the difference of each channel from its mean."""
    mean = images.mean(axis=(1, 2), keepdims=True)
    return np.asarray((images - mean) * left + mean, np.float32)


def elastic_transform(images: Floats, most: float, rngs: Rngs) -> Floats:
    """Each point moved smoothly, by up to about that share of the shorter side."""
    height, width = images.shape[1:3]
    far = most * min(height, width)

    def moves(rng: np.random.Generator) -> np.ndarray:
        return np.stack([2 * smooth_field(rng, height, width, 2.0) - 1 for _ in range(2)])

    down, right = np.moveaxis(far * each(rngs, moves), 1, 0)
    return warped(images, down.astype(np.float32), right.astype(np.float32))


def pixelate(images: Floats, share: float, rngs: Rngs) -> Floats:
    """That share of the pixels a side, and as many as before again."""
    sides = images.shape[1:3]
    small = [max(1, int(share * side)) for side in sides]
    down = [by_area(few, side) for few, side in zip(small, sides, strict=True)]
    up = [by_area(side, few) for few, side in zip(small, sides, strict=True)]
    return along_both(along_both(images, *down), *up)


def jpeg_compression(images: Floats, quality: int, rngs: Rngs) -> Floats:
    """Written as JPEG of that quality and read; images of other than three channels channel by
    channel, in grey."""
    levels = np.rint(255 * np.clip(images, 0.0, 1.0)).astype(np.uint8)
    read = np.empty_like(levels)
    for number, image in enumerate(levels):
        if image.shape[2] == 3:
            read[number] = _through_jpeg(image, quality)
        else:
            for channel in range(image.shape[2]):
                read[number, :, :, channel] = _through_jpeg(image[:, :, channel], quality)
    return np.asarray(read / 255, np.float32)


def _through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    with io.BytesIO() as file:
        Image.fromarray(np.ascontiguousarray(image)).save(file, "JPEG", quality=quality)
        file.seek(0)
        return np.asarray(Image.open(file))
