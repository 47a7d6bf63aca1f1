"""Decoding images: encoded bytes, files or images of PIL to pixels in memory."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from leanfair.errors import InputError

GREY_MODES = ("1", "L", "LA")
EIGHT_BIT_MODES = (*GREY_MODES, "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV")

Encoded: TypeAlias = "bytes | Path | Image.Image | None"
Shaping: TypeAlias = "Callable[[Image.Image], Image.Image]"
"""How a model wants an image resized and cropped."""


def decode(
    items: Sequence[Encoded],
    places: Sequence[str],
    size: int | None = None,
    channels: int | None = None,
    shaping: Shaping | None = None,
) -> Tensor:
    """The pixels, uint8 [n, channels, height, width], of `items`, which are in `places`.

    Images are resized (bicubic) to `size` pixels a side, or as `shaping` does; without either they
    must be equal. `channels`
    is 1 or 3; without it 1 where every image is grey. Transparency is ignored. Raises InputError
    naming the file or row of the first image that is broken.
    """
    arrays: list[npt.NDArray[np.uint8]] = []
    for item, place in zip(items, places, strict=True):
        array = _pixels(item, place, size, channels, shaping)
        if arrays and array.shape[:2] != arrays[0].shape[:2]:
            raise InputError(
                f"The images differ in size ({places[0]}: {_size(arrays[0])}, "
                f"{place}: {_size(array)}): give a size in pixels to bring all to."
            )
        arrays.append(array)
    depth = channels or (1 if all(array.ndim == 2 for array in arrays) else 3)
    pixels = np.empty((len(arrays), depth, *arrays[0].shape[:2]), dtype=np.uint8)
    for row, array in enumerate(arrays):
        pixels[row] = array if array.ndim == 2 else array.transpose(2, 0, 1)
    return torch.from_numpy(pixels)


def _size(array: npt.NDArray[np.uint8]) -> str:
    return f"{array.shape[1]}x{array.shape[0]}"


_BROKEN = (
    Image.DecompressionBombError,
    AssertionError,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What decoders of images raise on broken bytes."""


def _pixels(
    item: Encoded,
    place: str,
    size: int | None,
    channels: int | None,
    shaping: Shaping | None = None,
) -> npt.NDArray[np.uint8]:
    """One image: [height, width] where it is grey, else [height, width, 3]."""
    if item is None:
        raise InputError(f"There is no image in {place}: remove it or fill it in.")
    try:
        image = item if isinstance(item, Image.Image) else Image.open(_opened(item))
        image.load()
    except _BROKEN as error:
        raise InputError(
            f"The image in {place} is broken: replace or remove it ({error})."
        ) from error
    if image.mode not in EIGHT_BIT_MODES:
        raise InputError(
            f"The image in {place} has pixels of kind {image.mode}: save it with 8 bits a channel."
        )
    grey = channels == 1 or (channels is None and image.mode in GREY_MODES)
    image = image.convert("L" if grey else "RGB")
    if size and image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    elif shaping is not None and not size:
        image = shaping(image)
    return np.asarray(image)


def _opened(item: bytes | Path) -> io.BytesIO:
    return io.BytesIO(item if isinstance(item, bytes) else item.read_bytes())
