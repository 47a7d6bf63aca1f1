"""Labelled images in memory, split three ways: train, calibration and test share no image.

The calibration part decides between candidates, so it is held out of training; the test part only
measures. Where the data comes with a test part that one is kept, else one is drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from leanfair.data.batches import check_held_out
from leanfair.data.image_files import (
    Listing,
    check_labels,
    list_source,
    named_as,
)
from leanfair.data.raw.image_set import Images as Images
from leanfair.data.raw.pixels import Shaping, decode
from leanfair.data.splits import outside, stratified, without
from leanfair.errors import InputError

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "Images", "Splits", "check_labels", "load"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Splits:
    """A data set in three parts without a common image. `classes`: the name of each label.

    `fingerprint` is a hash of the images and labels of each part, the class names and the
    normalisation, so that a run can tell its data. `dropped` training images were left out because
    they are equal, pixel by pixel, to an image of the test or calibration part.
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
    label2id: Mapping[str, int] | None = None,
    shaping: Shaping | None = None,
    notes: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> Splits:
    """Read labelled images and split them, stratified by class and determined by `seed`.

    `source` is "digits" (scikit-learn's 8x8 digits), a folder with train.parquet and test.parquet,
    one .parquet file, or a folder of images: one sub-folder a class, or train/ and test/ (or val/)
    that hold such; a valid/ (or val/) beside both is the calibration part. A parquet needs a column
    of encoded images (`image` or `img`) and one of integer labels (`label`, `labels` or
    `fine_label`); `split`, `index` and class names in its metadata are heeded. Without a test part,
    `test_share` of the images becomes one.

    `calibration`: how many images are held out of train; by default 1000, or a sixth of train if
    that is less. `size`: the side in pixels that images are resized to (bicubic); needed only if
    they differ. `channels`: 1 or 3; by default as the images are. `mean` and `std`: by default
    ImageNet's for three channels, those of the training part for one. `augment` concerns train
    alone: random crops of the image padded by an eighth of its side and, with `flip` (by default
    for three channels, but not for digits), mirror images. `label2id`: the numbers of classes by
    their names, as a model has them; without it, or where no class is called so, classes are
    numbered in the order of their names. `shaping`: how an image is resized and cropped, instead of
    `size`. `notes`: what was assumed so far; what is assumed here is added. `keep`: other columns
    of a parquet file to keep.

    Raises InputError on data that cannot be read or split so.
    """
    _check_settings(calibration, size, channels, test_share)
    listing = list_source(source, keep)
    if label2id:
        listing = named_as(listing, label2id)
    _check_classes(listing)
    pixels = decode(listing.items, listing.places, size, channels, shaping)
    digests = _digests(pixels)
    generator = torch.Generator().manual_seed(seed)
    test = _test_rows(listing, test_share, generator)
    train, held, dropped = _train_rows(listing, digests, test, calibration, generator)

    colour = pixels.shape[1] == 3
    if mean is None or std is None:
        own = (IMAGENET_MEAN, IMAGENET_STD) if colour else _mean_std(pixels[train])
        mean, std = own[0] if mean is None else mean, own[1] if std is None else std
    images = Images(
        pixels,
        listing.labels,
        tuple(mean),
        tuple(std),
        flip=flip if flip is not None else colour and source != "digits",
        pad=max(1, round(min(pixels.shape[2:]) / 8)),
        classes=listing.classes,
        notes=(*notes, *_in_doubt(listing.classes, label2id)),
        columns=listing.columns,
    )
    return Splits(
        name=Path(source).resolve().name.removesuffix(".parquet"),
        classes=listing.classes,
        train=replace(images.subset(train), augment=augment),
        calibration=images.subset(held),
        test=images.subset(test),
        fingerprint=_fingerprint(images, listing.classes, digests, (train, held, test)),
        dropped=dropped,
    )


def _in_doubt(classes: Sequence[str], label2id: Mapping[str, int] | None) -> list[str]:
    """What is not known about the numbers of classes."""
    if label2id and not set(classes) & set(label2id):
        return [
            f"The classes of the data ({', '.join(classes[:3])}, ...) are not called as those of "
            f"the model ({', '.join(list(label2id)[:3])}, ...): they were numbered by their names."
        ]
    numbers = [int(name) for name in classes if name.isdecimal()]
    if label2id or len(numbers) < len(classes) or numbers == sorted(numbers):
        return []
    return [
        f"The classes are named by numbers, and were numbered in the order of text "
        f"({', '.join(classes[:4])}, ...), as torchvision does; the model names no classes."
    ]


def _check_settings(
    calibration: int | None, size: int | None, channels: int | None, test_share: float
) -> None:
    check_held_out(calibration)
    if size is not None and (not isinstance(size, int) or size <= 0):
        raise InputError(f"size must be a whole number of pixels above 0, not {size}.")
    if channels not in (None, 1, 3):
        raise InputError(f"channels must be 1 (grey) or 3 (colour), not {channels}.")
    if not 0 < test_share < 1:
        raise InputError(f"test_share must lie between 0 and 1, not {test_share}.")


def _check_classes(listing: Listing) -> None:
    """Enough of each class that is there: one for train, one for calibration, one for test."""
    if len(_present(listing.labels)) < 2:
        name = listing.classes[int(listing.labels[0])]
        raise InputError(f"All images are of one class ({name!r}): give at least two classes.")
    rows = outside(listing.test, len(listing.labels))
    if listing.test is None:
        _require(listing, rows, 3, "for train, calibration and test")
    else:
        _require(listing, rows, 2, "outside the test part, for train and calibration")


def _require(listing: Listing, rows: Tensor, needed: int, why: str) -> None:
    """Raise InputError where `rows` hold fewer than `needed` images of a class that is there."""
    counts = listing.labels[rows].bincount(minlength=len(listing.classes))
    for label in _present(listing.labels).tolist():
        if counts[label] < needed:
            raise InputError(
                f"Class {listing.classes[label]!r} has {_images(int(counts[label]))}, "
                f"but needs at least {needed} {why}: add some, or leave the class out."
            )


def _present(labels: Tensor) -> Tensor:
    """The labels that occur, ascending."""
    return labels.bincount().nonzero().squeeze(1)


def _images(count: int) -> str:
    return "a single image" if count == 1 else f"{count} images"


def _test_rows(listing: Listing, share: float, generator: torch.Generator) -> Tensor:
    if listing.test is not None:
        return listing.test
    present = len(_present(listing.labels))
    total = max(present, round(share * len(listing.labels)))
    most = len(listing.labels) - 2 * present
    if total > most:
        raise InputError(
            f"test_share={share} leaves too little to train on: at most {most} "
            f"of the {len(listing.labels)} images can be the test part."
        )
    return torch.sort(stratified(listing.labels, total, 2, generator)).values


def _train_rows(
    listing: Listing,
    digests: NDArray[np.bytes_],
    test: Tensor,
    calibration: int | None,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, int]:
    """The rows of train and calibration, and how many were dropped as equal to another part's."""
    pool = outside(test, len(listing.labels))
    kept = without(pool, test, digests)
    _require(listing, kept, 2, "once those equal to a test image are left out")
    if listing.calibration is not None:
        return _with_calibration(listing, digests, test, calibration, generator)
    present = len(_present(listing.labels[kept]))
    most = len(kept) - present
    wanted = calibration or min(1000, max(present, len(kept) // 6))
    if wanted > most:
        raise InputError(
            f"calibration={wanted} leaves a class without a training image: "
            f"at most {most} of the {len(kept)} images can be held out."
        )
    held = kept[stratified(listing.labels[kept], wanted, 1, generator)]
    rest = outside(torch.cat([held, test]), len(listing.labels))
    train = without(rest, torch.cat([held, test]), digests)
    _require(listing, train, 1, "once those equal to a calibration image are left out")
    return train, held, len(pool) - len(held) - len(train)


def _with_calibration(
    listing: Listing,
    digests: NDArray[np.bytes_],
    test: Tensor,
    wanted: int | None,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, int]:
    """The same where the data come with a calibration part."""
    assert listing.calibration is not None
    given = without(listing.calibration, test, digests)
    most = len(given)
    count = min(wanted or 1000, most)
    if (wanted is not None and wanted > most) or not most:
        raise InputError(
            f"calibration={wanted} is more than the {_images(most)} of the calibration part that "
            f"are no test images: ask for fewer, or add some."
        )
    held = given[stratified(listing.labels[given], count, 0, generator)]
    pool = outside(torch.cat([listing.calibration, test]), len(listing.labels))
    train = without(pool, torch.cat([listing.calibration, test]), digests)
    _require(listing, train, 1, "once those equal to an image of another part are left out")
    return train, held, len(pool) - len(train)


def _mean_std(pixels: Tensor) -> tuple[tuple[float], tuple[float]]:
    """Of one-channel uint8 pixels, exactly, on the 0..1 scale."""
    counts = pixels.flatten().bincount(minlength=256).double()
    levels = torch.arange(256, dtype=torch.float64) / 255
    mean = (counts * levels).sum() / counts.sum()
    variance = (counts * (levels - mean) ** 2).sum() / counts.sum()
    if variance == 0:
        raise InputError(
            "Every pixel of the training images has the same value: "
            "add other images, or give mean and std."
        )
    return (float(mean),), (float(variance.sqrt()),)


def _digests(pixels: Tensor) -> NDArray[np.bytes_]:
    """128 bits of each image's pixels: equal images have equal digests, others differ."""
    array = pixels.numpy()
    return np.array([hashlib.blake2b(image, digest_size=16).digest() for image in array], "S16")


def _fingerprint(
    images: Images,
    classes: tuple[str, ...],
    digests: NDArray[np.bytes_],
    parts: tuple[Tensor, ...],
) -> str:
    shape = tuple(images.pixels.shape[1:])
    whole = hashlib.sha256(repr((classes, shape, images.mean, images.std)).encode())
    for rows in parts:
        whole.update(len(rows).to_bytes(8, "little"))
        whole.update(images.labels[rows].numpy().astype("<i8").tobytes())
        whole.update(digests[rows.numpy()].tobytes())
    return whole.hexdigest()[:16]
