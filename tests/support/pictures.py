"""Small images, written as data sets have them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from leanfair.data.images import Images, Splits


def noise(seed: int, count: int, side: int = 6, channels: int = 3) -> np.ndarray:
    shape = (count, side, side, channels) if channels > 1 else (count, side, side)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def table(pixels: np.ndarray, labels: Any, image: str = "image", label: str = "label") -> pa.Table:
    return pa.table({image: [encoded(p) for p in pixels], label: labels})


def folder(root: Path, classes: dict[str, np.ndarray]) -> Path:
    for name, pixels in classes.items():
        (root / name).mkdir(parents=True)
        for number, image in enumerate(pixels):
            Image.fromarray(image).save(root / name / f"{number:03}.png")
    return root


def contents(images: Images) -> set[bytes]:
    return {image.numpy().tobytes() for image in images.pixels}


def assert_disjoint(splits: Splits) -> None:
    train, held, test = map(contents, (splits.train, splits.calibration, splits.test))
    assert train
    assert held
    assert test
    assert not train & held
    assert not train & test
    assert not held & test


def parts_of(splits: Splits) -> tuple[Images, Images, Images]:
    return splits.train, splits.calibration, splits.test
