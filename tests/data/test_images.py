"""Data sets: what is read, how it is split, how images come out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from leanfair.data.batches import iterate
from leanfair.data.images import IMAGENET_MEAN, IMAGENET_STD, Images, check_labels, load
from leanfair.errors import InputError
from tests.support.pictures import (
    assert_disjoint,
    folder,
    noise,
    parts_of,
    table,
)
from tests.support.places import SHARED

CIFAR = SHARED / "data/cifar10"


def some_images(count: int = 20, channels: int = 3, side: int = 8, **options: Any) -> Images:
    pixels = torch.from_numpy(noise(1, count, side, channels)).reshape(count, side, side, channels)
    half = (0.5,) * channels
    return Images(
        pixels.permute(0, 3, 1, 2).contiguous(), torch.arange(count) % 4, half, half, **options
    )


def test_digits_are_sklearns_scaled_to_bytes() -> None:
    from sklearn.datasets import load_digits

    splits = load("digits")
    found = {p.numpy().tobytes() for part in parts_of(splits) for p in part.pixels}
    whole = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
    assert found == {image.tobytes() for image in whole}
    assert splits.train.pixels.max() == 255
    assert not splits.train.flip


def test_the_fingerprint_tells_pixels_labels_and_normalisation(tmp_path: Path) -> None:
    def fingerprint(pixels: np.ndarray, labels: np.ndarray, **options: Any) -> str:
        pq.write_table(table(pixels, labels), tmp_path / "a.parquet")
        return load(tmp_path / "a.parquet", **options).fingerprint

    pixels, labels = noise(0, 24), np.arange(24) % 2
    changed, swapped = pixels.copy(), labels.copy()
    changed[7, 0, 0, 0] ^= 1
    swapped[[0, 1]] = 1, 0
    base = fingerprint(pixels, labels)
    assert base == fingerprint(pixels, labels)
    variants = {
        fingerprint(changed, labels),
        fingerprint(pixels, swapped),
        fingerprint(pixels, labels, calibration=5),
        fingerprint(pixels, labels, mean=(0, 0, 0)),
    }
    assert len(variants | {base}) == 5


# ---- images -----------------------------------------------------------------------------------


def test_take_equals_getitem_and_the_formula_without_augmentation() -> None:
    images = replace(some_images(), mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    generator = torch.Generator().manual_seed(0)
    state = generator.get_state()
    rows = torch.tensor([4, 0, 19, 4])
    taken, labels = images.take(rows, generator)
    assert taken.dtype == torch.float32
    assert labels.dtype == torch.int64
    mean, std = torch.tensor(images.mean), torch.tensor(images.std)
    for image, label, row in zip(taken, labels, rows.tolist(), strict=True):
        single, single_label = images[row]
        assert torch.equal(image, single)
        assert int(label) == single_label == int(images.labels[row])
        expected = (images.pixels[row] / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
        torch.testing.assert_close(image, expected)
    assert torch.equal(generator.get_state(), state)  # nothing was drawn


def _crops(image: Tensor, pad: int, flip: bool) -> list[Tensor]:
    channels, height, width = image.shape
    padded = torch.zeros(channels, height + 2 * pad, width + 2 * pad)
    padded[:, pad : pad + height, pad : pad + width] = image
    shifts = range(2 * pad + 1)
    crops = [padded[:, t : t + height, l : l + width] for t in shifts for l in shifts]  # noqa: E741
    return crops + [crop.flip(-1) for crop in crops] if flip else crops


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(("height", "width", "pad"), [(5, 5, 1), (4, 7, 2), (3, 3, 0)])
def test_augmented_images_are_the_crops_of_the_padded_image_each_as_often(
    flip: bool, height: int, width: int, pad: int
) -> None:
    pixels = torch.from_numpy(noise(2, 3 * 2 * height * width, 1, 1)).reshape(3, 2, height, width)
    plain = Images(pixels, torch.arange(3), (0.4, 0.5), (0.2, 0.3), pad=pad, flip=flip)
    augmented = replace(plain, augment=True)
    rows = torch.arange(3).repeat(1000)
    taken, labels = augmented.take(rows, torch.Generator().manual_seed(0))
    assert torch.equal(labels, rows)
    mirrored = 0.0
    for row in range(3):
        twins = torch.stack(_crops(plain[row][0], pad, flip)).flatten(1)
        mine = taken[rows == row].flatten(1)
        equal = (mine[:, None] == twins[None]).all(2)
        assert equal.any(1).all()
        counts = equal.double().sum(0)
        expected = len(mine) / len(twins)
        assert (counts - expected).abs().max() < 6 * expected**0.5
        mirrored += float(counts[len(twins) // 2 :].sum())
    if flip:
        assert abs(mirrored / 3000 - 0.5) < 0.05  # five standard errors


def test_the_generator_determines_the_augmentation() -> None:
    images = some_images(augment=True, flip=True)
    rows = torch.arange(20)
    first, again, other = (
        images.take(rows, torch.Generator().manual_seed(seed))[0] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_images_are_a_dataset_for_loaders_and_for_iterate() -> None:
    images = some_images()
    loaded = list(DataLoader(images, batch_size=8))
    batches = list(iterate(images, 8))
    assert [len(x) for x, _ in loaded] == [8, 8, 4]
    for (x, y), batch in zip(loaded, batches, strict=True):
        assert torch.equal(x, batch.inputs)
        assert torch.equal(y, batch.labels)
    assert len(list(images)) == 20  # iteration ends, by IndexError
    assert images[-1][1] == int(images.labels[-1])


def test_a_subset_has_the_rows_asked_for_in_their_order() -> None:
    images = some_images(augment=True, flip=True, pad=2)
    part = images.subset([5, 1, 1])
    assert torch.equal(part.pixels, images.pixels[[5, 1, 1]])
    assert torch.equal(part.labels, images.labels[[5, 1, 1]])
    assert (part.augment, part.flip, part.pad) == (True, True, 2)


def test_only_train_is_augmented() -> None:
    splits = load("digits")
    assert [part.augment for part in parts_of(splits)] == [True, False, False]
    assert not load("digits", augment=False).train.augment


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pixels": torch.zeros(20, 3, 8, 8)}, "uint8"),
        ({"labels": torch.zeros(19, dtype=torch.int64)}, r"int64 tensor \[20\]"),
        ({"labels": torch.zeros(20)}, "int64"),
        ({"mean": (0.5,)}, "mean must be 3 finite numbers"),
        ({"mean": (0.5, float("nan"), 0.5)}, "mean must be 3 finite numbers"),
        ({"std": (0.5, 0.0, 0.5)}, "above 0"),
        ({"pad": -1}, "pad must be 0 or more"),
    ],
)
def test_images_that_do_not_fit_together_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(some_images(), **change)


# ---- what is read -----------------------------------------------------------------------------


def test_one_grey_channel_is_normalised_by_the_training_part() -> None:
    splits = load("digits")
    values = splits.train.pixels.double() / 255
    assert splits.train.mean == pytest.approx((float(values.mean()),))
    assert splits.train.std == pytest.approx((float(values.std(correction=0)),))
    assert splits.test.mean == splits.train.mean
    assert splits.calibration.std == splits.train.std


def test_colour_is_normalised_as_imagenet_unless_told(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"a": noise(0, 8), "b": noise(1, 8)})
    assert (load(root).train.mean, load(root).train.std) == (IMAGENET_MEAN, IMAGENET_STD)
    told = load(root, mean=(0.1, 0.2, 0.3), std=(1, 2, 3)).test
    assert (told.mean, told.std) == ((0.1, 0.2, 0.3), (1, 2, 3))


def test_training_images_without_any_contrast_are_refused_unless_normalised_by_hand(
    tmp_path: Path,
) -> None:
    two = np.stack([np.full((4, 4), level, np.uint8) for level in (7, 9)])
    folder(tmp_path / "train", {"a": two, "b": two})
    folder(tmp_path / "test", {"a": noise(0, 2, 4, 1), "b": noise(1, 2, 4, 1)})
    messages = set()
    for seed in range(20):  # both classes hold out the same image, or each another
        with pytest.raises(InputError) as caught:
            load(tmp_path, seed=seed)
        messages.add(str(caught.value).split(":")[0])
        if "same value" in str(caught.value):
            assert len(load(tmp_path, seed=seed, mean=(0.5,), std=(0.5,)).train) == 2
    assert {"Every pixel of the training images has the same value"} < messages
    assert all("same value" in text or "equal to a calibration image" in text for text in messages)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"calibration": 0}, "calibration must be a whole number above 0, not 0"),
        ({"calibration": -5}, "calibration must"),
        ({"calibration": 2.5}, "calibration must"),
        ({"calibration": 1340}, "calibration=1340 leaves a class .* at most 1338 of the 1348"),
        ({"size": 0}, "size must"),
        ({"channels": 2}, "channels must be 1"),
        ({"test_share": 0.0}, "test_share must"),
        ({"test_share": 1.0}, "test_share must"),
        ({"test_share": float("nan")}, "test_share must"),
        ({"test_share": 0.999}, "test_share=0.999 leaves too little"),
        ({"mean": (0.5, 0.5)}, "mean must be 1 finite"),
        ({"std": (float("nan"),)}, "std must be 1 finite"),
    ],
)
def test_bad_settings_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load("digits", **options)


def test_check_labels_names_the_first_row_and_value() -> None:
    check_labels(torch.tensor([0, 9, 3]), 10, "the data")
    check_labels(torch.tensor([], dtype=torch.int64), 10, "the data")
    with pytest.raises(InputError, match=r"Row 1 of the test data has label 10, .* in 0\.\.9"):
        check_labels(torch.tensor([0, 10, -1]), 10, "the test data")
    with pytest.raises(InputError, match="Row 2 of x has label -1"):
        check_labels(torch.tensor([0, 1, -1]), 2, "x")
    with pytest.raises(InputError, match="labels of x must be integers, not torch"):
        check_labels(torch.tensor([0.0, float("nan")]), 2, "x")


# ---- the real thing ---------------------------------------------------------------------------

needs_cifar = pytest.mark.skipif(
    not (CIFAR / "train.parquet").is_file(),
    reason="CIFAR-10 is not in shared/data/cifar10 beside the repository",
)


@pytest.mark.real
@needs_cifar
def test_cifar10_is_read_whole_in_its_order_and_split_by_class() -> None:
    splits = load(CIFAR)
    assert_disjoint(splits)
    assert splits.classes[0] == "airplane"
    assert splits.classes[9] == "truck"
    assert (len(splits.calibration), len(splits.test)) == (1000, 10_000)
    assert len(splits.train) + splits.dropped == 49_000
    assert splits.calibration.labels.bincount().tolist() == [100] * 10
    # The first labels of the original test_batch: the column `index` has put the rows in order.
    assert splits.test.labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    images, _ = splits.train.take(torch.arange(128), torch.Generator())
    assert images.shape == (128, 3, 32, 32)
    assert splits.train.pad == 4


@pytest.mark.real
@needs_cifar
def test_lossless_cifar10_keeps_its_own_test_part() -> None:
    path = CIFAR / "lossless_subset.parquet"
    splits = load(path)
    assert_disjoint(splits)
    assert len(splits.test) == 1017
    assert sum(len(part) for part in parts_of(splits)) + splits.dropped == 6414
