"""A data set of images in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from leanfair.errors import InputError


@dataclass(frozen=True, eq=False)
class Images(Dataset[tuple[Tensor, int]]):
    """A map-style torch Dataset of images, fully in memory.

    `pixels`: uint8 [n, channels, height, width]. `labels`: int64 [n]. `mean`, `std`: one a channel,
    on the scale where a pixel lies in 0..1; an image comes out as (pixel / 255 - mean) / std. With
    `augment` it is then padded by `pad` pixels of zeros on each side (which are pixels of mean
    colour: He et al. 2016, arXiv 1512.03385, section 4.2, subtract the mean first), cropped at
    random to its size and, with `flip`, mirrored left to right every other time. Raises InputError
    where these do not fit together.
    """

    pixels: Tensor = field(repr=False)
    labels: Tensor = field(repr=False)
    mean: tuple[float, ...]
    std: tuple[float, ...]
    augment: bool = False
    flip: bool = False
    pad: int = 4
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What was assumed about the images, in sentences."""
    columns: Mapping[str, tuple[Any, ...]] = field(default_factory=dict, repr=False)
    """Other columns of the data, one value an image."""

    def __post_init__(self) -> None:
        if self.pixels.dtype != torch.uint8 or self.pixels.ndim != 4:
            raise InputError(
                "Pixels must be a uint8 tensor [n, channels, height, width], "
                f"not {self.pixels.dtype} {list(self.pixels.shape)}."
            )
        if self.labels.dtype != torch.int64 or self.labels.shape != self.pixels.shape[:1]:
            raise InputError(
                f"Labels must be an int64 tensor [{len(self.pixels)}], one an image, "
                f"not {self.labels.dtype} {list(self.labels.shape)}."
            )
        channels = int(self.pixels.shape[1])
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != channels or not all(np.isfinite(values)):
                raise InputError(f"{name} must be {channels} finite numbers, one a channel.")
        if min(self.std) <= 0:
            raise InputError(f"Each std must be above 0, not {min(self.std)}: give others.")
        if self.pad < 0:
            raise InputError(f"pad must be 0 or more pixels, not {self.pad}.")

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Image `index`, float32 [channels, height, width], and its label. Augmentation draws from
        torch's default generator, which a DataLoader seeds for each of its workers."""
        row = torch.tensor([range(len(self))[index]])
        images, labels = self.take(row, torch.default_generator)
        return images[0], int(labels[0])

    def take(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Images float32 [m, channels, height, width] and labels int64 [m] of `rows`, int64 [m].

        Only augmentation draws from `generator`.
        """
        device = self.pixels.device
        rows = rows.to(device)
        std = torch.tensor(self.std, device=device).view(-1, 1, 1)
        mean = torch.tensor(self.mean, device=device).view(-1, 1, 1)
        images = self.pixels[rows].float().mul_(1 / (255 * std)).sub_(mean / std)
        if self.augment:
            images = self._augmented(images, generator)
        return images, self.labels[rows]

    def _augmented(self, images: Tensor, generator: torch.Generator) -> Tensor:
        count, _, height, width = images.shape
        shape = (2, count)
        draw = torch.randint(
            0, 2 * self.pad + 1, shape, generator=generator, device=generator.device
        )
        top, left = draw.to(images.device)
        # Every possible crop as a view: the indices below copy one of them for each image.
        crops = F.pad(images, (self.pad,) * 4).unfold(2, height, 1).unfold(3, width, 1)
        images = crops[torch.arange(count, device=images.device), :, top, left]
        if not self.flip:
            return images
        mirrored = torch.rand(count, generator=generator, device=generator.device) < 0.5
        return torch.where(mirrored.to(images.device).view(-1, 1, 1, 1), images.flip(-1), images)

    def subset(self, rows: Tensor | Sequence[int]) -> Images:
        """The images of `rows`, in that order, with the same settings."""
        index = torch.as_tensor(rows, dtype=torch.int64, device=self.pixels.device)
        chosen = index.tolist()
        columns = {name: tuple(held[i] for i in chosen) for name, held in self.columns.items()}
        return replace(self, pixels=self.pixels[index], labels=self.labels[index], columns=columns)
