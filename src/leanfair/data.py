"""Labelled images in memory, split three ways: train, calibration and test share no image.

The calibration part decides between candidates, so it is held out of training; the test part only
measures. Where the data comes with a test part that one is kept, else one is drawn.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from leanfair.errors import InputError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
IMAGE_COLUMNS = ("image", "img")
LABEL_COLUMNS = ("label", "labels", "fine_label")
TEST_NAMES = ("test", "val", "valid", "validation")
SUFFIXES = frozenset(".png .jpg .jpeg .bmp .gif .webp .tif .tiff .ppm .pgm".split())
GREY_MODES = ("1", "L", "LA")

Encoded: TypeAlias = "bytes | Path | Image.Image"


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
            raise InputError(f"Each std must be above 0, not {min(self.std)}.")
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
        draw = torch.randint(0, 2 * self.pad + 1, shape, generator=generator, device=generator.device)
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
        return replace(self, pixels=self.pixels[index], labels=self.labels[index])


@dataclass(frozen=True)
class Splits:
    """A data set in three parts without a common image. `classes`: the name of each label.

    `fingerprint` is a hash of every image, label and setting of the three parts, so that a run can
    tell its data. `dropped` training images were left out because they are equal, pixel by pixel,
    to an image of the test or calibration part.
    """

    name: str
    classes: tuple[str, ...]
    train: Images
    calibration: Images
    test: Images
    fingerprint: str
    dropped: int


def load(
    source: str | Path,
    *,
    calibration: int | None = None,
    seed: int = 0,
    size: int | None = None,
    channels: int | None = None,
    test_share: float = 0.25,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    augment: bool = True,
    flip: bool | None = None,
) -> Splits:
    """Read labelled images and split them, stratified by class and determined by `seed`.

    `source` is "digits" (scikit-learn's 8x8 digits), a folder with train.parquet and test.parquet,
    one .parquet file, or a folder of images: one sub-folder a class, or train/ and test/ (or val/)
    that hold such. A parquet needs a column of encoded images (`image` or `img`) and one of integer
    labels (`label`, `labels` or `fine_label`); `split`, `index` and class names in its metadata are
    heeded. Without a test part, `test_share` of the images becomes one.

    `calibration`: how many images are held out of train; by default 1000, or a sixth of train if
    that is less. `size`: the side in pixels that images are resized to (bicubic); needed only if
    they differ. `channels`: 1 or 3; by default as the images are. `mean` and `std`: by default
    ImageNet's for three channels, those of the training part for one. `augment` concerns train
    alone: random crops of the image padded by an eighth of its side and, with `flip` (by default for
    three channels, never for digits), mirror images.

    Raises InputError on data that cannot be read or split so.
    """
    _check_settings(calibration, size, channels, test_share)
    listing = _list_source(source)
    _check_classes(listing)
    pixels = _decode(listing, size, channels)
    digests = _digests(pixels)
    generator = torch.Generator().manual_seed(seed)
    test = _test_rows(listing, test_share, generator)
    train, held, dropped = _train_rows(listing, digests, test, calibration, generator)

    colour = pixels.shape[1] == 3
    own = (IMAGENET_MEAN, IMAGENET_STD) if colour else _mean_std(pixels[train])
    images = Images(
        pixels,
        listing.labels,
        tuple(mean) if mean is not None else own[0],
        tuple(std) if std is not None else own[1],
        flip=flip if flip is not None else colour and source != "digits",
        pad=max(1, round(min(pixels.shape[2:]) / 8)),
    )
    return Splits(
        name=source if source == "digits" else Path(source).resolve().stem,
        classes=listing.classes,
        train=replace(images.subset(train), augment=augment),
        calibration=images.subset(held),
        test=images.subset(test),
        fingerprint=_fingerprint(images, listing.classes, digests, (train, held, test)),
        dropped=dropped,
    )


def check_labels(labels: Tensor, classes: int, what: str) -> None:
    """Raise InputError, naming the first row and value, unless every one of `labels`, integers [n],
    lies in 0..classes-1. `what` names the data."""
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise InputError(f"The labels of {what} must be integers, not {labels.dtype}.")
    wrong = ((labels < 0) | (labels >= classes)).nonzero()
    if len(wrong):
        row = int(wrong[0, 0])
        raise InputError(
            f"Row {row} of {what} has label {int(labels[row])}, but with {classes} classes "
            f"a label lies in 0..{classes - 1}."
        )


def _check_settings(
    calibration: int | None, size: int | None, channels: int | None, test_share: float
) -> None:
    if calibration is not None and (not isinstance(calibration, int) or calibration <= 0):
        raise InputError(f"calibration must be a whole number above 0, not {calibration}.")
    if size is not None and (not isinstance(size, int) or size <= 0):
        raise InputError(f"size must be a whole number of pixels above 0, not {size}.")
    if channels not in (None, 1, 3):
        raise InputError(f"channels must be 1 (grey) or 3 (colour), not {channels}.")
    if not 0 < test_share < 1:
        raise InputError(f"test_share must lie between 0 and 1, not {test_share}.")


# ---- what is there ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Listing:
    """Images not yet decoded: where each is from, its label, the class names, and which rows are
    the test part (None where the source has no such part)."""

    items: list[Encoded]
    places: list[str]
    labels: Tensor
    classes: tuple[str, ...]
    test: Tensor | None = None


def _list_source(source: str | Path) -> _Listing:
    if isinstance(source, str) and source == "digits":
        return _list_digits()
    path = Path(source)
    if path.is_file():
        if path.suffix != ".parquet":
            raise InputError(f"{path} is not a .parquet file: give one, or a folder of images.")
        return _list_parquet(path)
    if not path.is_dir():
        raise InputError(
            f"There is no data set at {path}: give digits, a .parquet file or a folder that exists."
        )
    parts = {"train.parquet", "test.parquet"} & {child.name for child in path.iterdir()}
    if len(parts) == 1:
        absent = {"train.parquet", "test.parquet"} - parts
        raise InputError(f"{path} has {parts.pop()} but no {absent.pop()}: both are needed.")
    if parts:
        return _joined(_list_parquet(path / "train.parquet"), _list_parquet(path / "test.parquet"))
    return _list_folder(path)


def _joined(train: _Listing, test: _Listing) -> _Listing:
    """Both as one listing, with the classes of `train`, and the rows of `test` as its test part."""
    if all(name.isdecimal() for name in test.classes):
        check_labels(test.labels, len(train.classes), "the test part")
    elif test.classes != train.classes:
        raise InputError("The test part names other classes than the training part.")
    count = len(train.labels) + len(test.labels)
    return _Listing(
        train.items + test.items,
        train.places + test.places,
        torch.cat([train.labels, test.labels]),
        train.classes,
        torch.arange(len(train.labels), count),
    )


def _list_digits() -> _Listing:
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)  # scikit-learn's scale is 0..16
    items: list[Encoded] = [Image.fromarray(image) for image in pixels]
    places = [f"digit {row}" for row in range(len(items))]
    names = tuple(str(name) for name in digits.target_names)
    return _Listing(items, places, torch.from_numpy(digits.target.astype(np.int64)), names)


def _list_folder(path: Path) -> _Listing:
    folders = {child.name for child in _visible_folders(path)}
    test = next((name for name in TEST_NAMES if name in folders), None)
    if "train" in folders and test:
        train = _list_classes(path / "train")
        return _joined(train, _list_classes(path / test, train.classes))
    if "train" in folders:
        raise InputError(f"{path} has train/ but no test/ or val/ beside it: add one.")
    return _list_classes(path)


def _list_classes(path: Path, classes: tuple[str, ...] | None = None) -> _Listing:
    names = tuple(child.name for child in _visible_folders(path))
    if not names:
        raise InputError(
            f"{path} holds no data: it needs train.parquet and test.parquet, "
            "or a sub-folder of images for each class."
        )
    if classes and not set(names) <= set(classes):
        strange = min(set(names) - set(classes))
        raise InputError(f"{path} has a class {strange!r} that the training part lacks.")
    items: list[Encoded] = []
    labels: list[int] = []
    for name in names:
        files = sorted(file for file in (path / name).rglob("*") if file.suffix.lower() in SUFFIXES)
        if not files:
            raise InputError(f"{path / name} holds no image: add some, or remove the folder.")
        items += files
        labels += [(classes or names).index(name)] * len(files)
    return _Listing(items, [str(file) for file in items], torch.tensor(labels), classes or names)


def _visible_folders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))
