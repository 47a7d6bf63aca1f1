"""Each side is given the data as it takes them."""

from __future__ import annotations

from dataclasses import replace

import torch

from leanfair.comparison.pair import Pixels, Side, seen_by
from leanfair.data.batches import iterate
from leanfair.data.raw.image_set import Images
from tests.support.nets import samples, tiny


def images() -> Images:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (6, 1, 8, 8), generator=generator, dtype=torch.uint8)
    return Images(pixels, torch.arange(6) % 4, (0.5,), (0.25,))


def test_images_are_normalised_as_the_side_says() -> None:
    side = Side("A", tiny(), pixels=Pixels((0.1,), (0.4,)))
    (batch,) = iterate(seen_by(side, images()))
    assert isinstance(batch.inputs, torch.Tensor)
    torch.testing.assert_close(batch.inputs, (images().pixels / 255 - 0.1) / 0.4)


def test_augmentation_is_off() -> None:
    side = Side("A", tiny(), pixels=Pixels((0.1,), (0.4,)))
    seen = seen_by(side, replace(images(), augment=True))
    assert isinstance(seen, Images)
    assert not seen.augment


def test_other_data_and_sides_without_pixels_stay_as_they_are() -> None:
    data = samples(4)
    assert seen_by(Side("A", tiny(), pixels=Pixels((0.1,), (0.4,))), data) is data
    own = images()
    assert seen_by(Side("A", tiny()), own) is own
