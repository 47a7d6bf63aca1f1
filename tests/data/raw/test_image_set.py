"""A set of images keeps what it knows of itself in every part of it."""

from __future__ import annotations

import torch

from leanfair.data.raw.image_set import Images


def test_a_part_knows_the_classes_and_what_was_assumed() -> None:
    chance = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 255, (6, 1, 4, 4), generator=chance, dtype=torch.uint8)
    labels = torch.arange(6) % 2
    whole = Images(pixels, labels, (0.5,), (0.2,), classes=("a", "b"), notes=("as it was",))
    part = whole.subset([1, 3])
    assert (part.classes, part.notes) == (("a", "b"), ("as it was",))
    image, label = part[0]
    assert label == 1
    assert torch.allclose(image, (pixels[1].float() / 255 - 0.5) / 0.2)
