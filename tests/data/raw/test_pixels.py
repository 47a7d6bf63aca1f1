"""Decoding: every kind of 8-bit image, the shape that is asked, and what is broken by its place."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from leanfair.data.raw.pixels import EIGHT_BIT_MODES, GREY_MODES, decode
from leanfair.errors import InputError

GREY = Image.new("L", (4, 4), 7)
RED = Image.new("RGB", (4, 4), (9, 0, 0))


@pytest.mark.parametrize("mode", EIGHT_BIT_MODES)
def test_grey_stays_grey_and_all_else_is_colour(mode: str) -> None:
    image = Image.new("RGB", (4, 4), (9, 9, 9)).convert("RGBA" if mode == "PA" else mode)
    depth = 1 if image.mode in GREY_MODES else 3
    assert decode([image], ["a"]).shape == (1, depth, 4, 4)


def test_grey_images_come_in_colour_where_that_is_asked_or_others_are() -> None:
    for channels in (None, 3):
        pixels = decode([GREY, RED], ["a", "b"], channels=channels)
        assert pixels[:, :, 0, 0].tolist() == [[7, 7, 7], [9, 0, 0]]
    assert decode([GREY], ["a"], channels=3).shape == (1, 3, 4, 4)
    assert decode([RED], ["a"], channels=1).shape == (1, 1, 4, 4)


def test_images_are_shaped_as_asked() -> None:
    wide = Image.new("L", (8, 4))

    def cropped(image: Image.Image) -> Image.Image:
        return image.crop((0, 0, 2, 3))

    assert decode([GREY, wide], ["a", "b"], size=5).shape == (2, 1, 5, 5)
    assert decode([GREY, wide], ["a", "b"], shaping=cropped).shape == (2, 1, 3, 2)
    assert decode([GREY, wide], ["a", "b"], size=5, shaping=cropped).shape == (2, 1, 5, 5)
    with pytest.raises(InputError, match=r"a: 4x4, b: 8x4"):
        decode([GREY, wide], ["a", "b"])


def test_what_cannot_be_read_is_told_by_its_place() -> None:
    file = io.BytesIO()
    RED.save(file, "PNG")
    assert decode([file.getvalue()], ["a"]).shape == (1, 3, 4, 4)
    deep = Image.fromarray(np.zeros((4, 4), np.uint16))
    for item, told in (
        (None, "no image in b"),
        (file.getvalue()[:40], "b is broken"),
        (deep, "8 bits"),
    ):
        with pytest.raises(InputError, match=told):
            decode([RED, item], ["a", "b"])
