"""Data sets: what is read, how it is split, how images come out."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader

from leanfair.data.batches import iterate
from leanfair.data.images import IMAGENET_MEAN, IMAGENET_STD, Images, Splits, check_labels, load
from leanfair.errors import InputError
from tests.support.places import SHARED

CIFAR = SHARED / "data/cifar10"


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


def some_images(count: int = 20, channels: int = 3, side: int = 8, **options: Any) -> Images:
    pixels = torch.from_numpy(noise(1, count, side, channels)).reshape(count, side, side, channels)
    half = (0.5,) * channels
    return Images(
        pixels.permute(0, 3, 1, 2).contiguous(), torch.arange(count) % 4, half, half, **options
    )


# ---- the three parts --------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_parts_of_digits_share_no_image_and_keep_every_class(seed: int) -> None:
    splits = load("digits", seed=seed)
    assert_disjoint(splits)
    sizes = [len(part) for part in (splits.train, splits.calibration, splits.test)]
    assert sum(sizes) + splits.dropped == 1797
    assert sizes[2] == round(0.25 * 1797)
    assert 150 < sizes[1] < 250
    for part in (splits.train, splits.calibration, splits.test):
        share = part.labels.bincount(minlength=10) / len(part)
        assert torch.allclose(share, torch.full((10,), 0.1), atol=0.02)


def test_digits_are_sklearns_scaled_to_bytes() -> None:
    from sklearn.datasets import load_digits

    splits = load("digits")
    found = {p.numpy().tobytes() for part in _parts(splits) for p in part.pixels}
    whole = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
    assert found == {image.tobytes() for image in whole}
    assert splits.train.pixels.max() == 255
    assert not splits.train.flip


def _parts(splits: Splits) -> tuple[Images, Images, Images]:
    return splits.train, splits.calibration, splits.test


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(12, 30), min_size=2, max_size=5),
    colours=st.integers(2, 256),
    seed=st.integers(0, 2**32),
)
def test_parts_share_no_image_however_many_duplicates_there_are(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], colours: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("data") / "all.parquet"
    labels = np.repeat(np.arange(len(counts)), counts)
    levels = np.random.default_rng(seed).integers(0, colours, len(labels), dtype=np.uint8)
    pixels = np.broadcast_to(levels[:, None, None], (len(labels), 2, 2)).copy()
    pq.write_table(table(pixels, labels), path)
    try:
        splits = load(path, seed=seed)
    except InputError as error:
        if not any(words in str(error) for words in ("equal to a", "has the same value")):
            raise
        reject()  # so many twins that too little is left to train on
    assert_disjoint(splits)
    total = sum(len(part) for part in _parts(splits)) + splits.dropped
    assert total == len(labels)


def test_training_images_equal_to_a_test_image_are_dropped_and_counted(tmp_path: Path) -> None:
    train, test = noise(0, 40), noise(1, 20)
    train[[3, 30]] = test[[5, 6]]
    pq.write_table(table(train, np.arange(40) % 2), tmp_path / "train.parquet")
    pq.write_table(table(test, np.arange(20) % 2), tmp_path / "test.parquet")
    splits = load(tmp_path)
    assert splits.dropped == 2
    assert len(splits.test) == 20
    assert len(splits.train) + len(splits.calibration) == 38
    assert_disjoint(splits)


def test_a_training_twin_of_a_calibration_image_is_dropped(tmp_path: Path) -> None:
    train = np.concatenate([noise(0, 20)] * 2)
    pq.write_table(table(train, np.arange(40) % 2), tmp_path / "train.parquet")
    pq.write_table(table(noise(1, 10), np.arange(10) % 2), tmp_path / "test.parquet")
    splits = load(tmp_path, calibration=6)
    assert_disjoint(splits)
    assert splits.dropped == len(contents(splits.calibration)) * 2 - 6 > 0


def test_the_seed_determines_the_parts() -> None:
    first, again, other = (load("digits", seed=seed) for seed in (3, 3, 4))
    for part, same in zip(_parts(first), _parts(again), strict=True):
        assert torch.equal(part.pixels, same.pixels)
        assert torch.equal(part.labels, same.labels)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert contents(first.test) != contents(other.test)
    assert contents(first.calibration) != contents(other.calibration)


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


@pytest.mark.parametrize("calibration", [10, 57, 300])
def test_calibration_has_the_size_asked_for_and_every_class_in_its_share(calibration: int) -> None:
    splits = load("digits", calibration=calibration)
    counts = splits.calibration.labels.bincount(minlength=10)
    pool = counts + splits.train.labels.bincount(minlength=10)
    assert counts.sum() == calibration
    assert (counts >= 1).all()
    assert ((counts - pool * calibration / pool.sum()).abs() <= 1).all()


def test_any_prefix_of_calibration_is_balanced() -> None:
    labels = load("digits").calibration.labels
    for length in (20, 50, 100):
        counts = labels[:length].bincount(minlength=10)
        assert counts.max() - counts.min() <= 2


def test_rare_classes_are_in_every_part(tmp_path: Path) -> None:
    labels = [0] * 200 + [1] * 3 + [2] * 5
    pq.write_table(table(noise(0, 208), labels), tmp_path / "rare.parquet")
    splits = load(tmp_path / "rare.parquet")
    for part in _parts(splits):
        assert part.labels.unique().tolist() == [0, 1, 2]


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
    assert [part.augment for part in _parts(splits)] == [True, False, False]
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


def test_a_folder_of_classes_and_one_of_parts_hold_what_was_written(tmp_path: Path) -> None:
    cats, dogs = noise(0, 9), noise(1, 12)
    flat = load(folder(tmp_path / "flat", {"dog": dogs, "cat": cats}))
    assert flat.classes == ("cat", "dog")
    assert flat.name == "flat"
    assert_disjoint(flat)
    written = {(i.transpose(2, 0, 1).tobytes(), k) for k, c in enumerate((cats, dogs)) for i in c}
    assert {pair for part in _parts(flat) for pair in _pairs(part)} == written

    split = tmp_path / "split"
    folder(split / "train", {"cat": cats, "dog": dogs})
    folder(split / "val", {"dog": noise(2, 3)})  # a test part may lack a class
    (split / "train" / "cat" / "notes.txt").write_text("not an image")
    splits = load(split)
    assert {pair for part in _parts(splits)[:2] for pair in _pairs(part)} == written
    assert _pairs(splits.test) == {(i.transpose(2, 0, 1).tobytes(), 1) for i in noise(2, 3)}


def _pairs(images: Images) -> set[tuple[bytes, int]]:
    return {
        (p.numpy().tobytes(), int(k)) for p, k in zip(images.pixels, images.labels, strict=True)
    }


@pytest.mark.parametrize(
    ("image", "label"), [("image", "label"), ("img", "fine_label"), ("img", "labels")]
)
@pytest.mark.parametrize("struct", [False, True])
def test_parquet_is_read_in_either_layout(
    tmp_path: Path, image: str, label: str, struct: bool
) -> None:
    pixels = noise(0, 30)
    data: list[Any] = [encoded(p) for p in pixels]
    if struct:
        data = [{"bytes": raw, "path": f"{i}.png"} for i, raw in enumerate(data)]
    labels = pa.array(np.arange(30) % 3, pa.int8())
    names = json.dumps({"info": {"features": {label: {"names": ["x", "y", "z"]}}}})
    whole = pa.table({image: data, label: labels}).replace_schema_metadata({"huggingface": names})
    pq.write_table(whole, tmp_path / "set.parquet")
    splits = load(tmp_path / "set.parquet")
    assert splits.classes == ("x", "y", "z")
    assert splits.name == "set"
    expected = {(p.transpose(2, 0, 1).tobytes(), i % 3) for i, p in enumerate(pixels)}
    assert {pair for part in _parts(splits) for pair in _pairs(part)} == expected


def test_the_columns_split_and_index_are_heeded(tmp_path: Path) -> None:
    pixels = noise(0, 30)
    index = np.random.default_rng(0).permutation(30)
    split = np.where(index < 24, "train", "test")
    columns = {"index": pa.array(index), "split": pa.array(split)}
    data = table(pixels, np.arange(30) % 2)
    for name, column in columns.items():
        data = data.append_column(name, column)
    pq.write_table(data, tmp_path / "set.parquet")
    splits = load(tmp_path / "set.parquet")
    expected = torch.from_numpy(pixels[np.argsort(index)[24:]]).permute(0, 3, 1, 2)
    assert torch.equal(splits.test.pixels, expected)
    assert_disjoint(splits)


def test_mixed_sizes_and_colours_are_brought_to_what_is_asked(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", {"a": noise(0, 6, side=5), "b": noise(1, 6, side=9, channels=1)})
    with pytest.raises(InputError, match=r"differ in size .*5x5.*9x9.*give a size"):
        load(root)
    splits = load(root, size=7)
    assert splits.train.pixels.shape[1:] == (3, 7, 7)
    big = Image.open(root / "a" / "000.png").resize((7, 7), Image.Resampling.BICUBIC)
    expected = np.asarray(big).transpose(2, 0, 1).tobytes()
    assert expected in {c for part in _parts(splits) for c in contents(part)}
    grey = load(root, size=7, channels=1)
    assert grey.train.pixels.shape[1:] == (1, 7, 7)
    assert not grey.train.flip
    assert load("digits", size=16, channels=3).train.pixels.shape[1:] == (3, 16, 16)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_every_eight_bit_kind_of_pixel_is_read(tmp_path: Path, mode: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for number, pixels in enumerate(noise(0, 12)):
        image = Image.fromarray(pixels)
        image = image.convert("P").convert("PA") if mode == "PA" else image.convert(mode)
        image.save(tmp_path / "ab"[number % 2] / f"{number}.tif")
    assert load(tmp_path).train.pixels.shape[1] == (1 if mode in ("1", "L", "LA") else 3)


# ---- bad input --------------------------------------------------------------------------------


def _nowhere(root: Path) -> Path:
    return root / "nowhere"


def _empty(root: Path) -> Path:
    return root


def _text_file(root: Path) -> Path:
    (root / "a.csv").write_text("x")
    return root / "a.csv"


def _broken_parquet(root: Path) -> Path:
    (root / "a.parquet").write_bytes(b"PAR1 not really")
    return root / "a.parquet"


def _only_train_parquet(root: Path) -> Path:
    pq.write_table(table(noise(0, 4), [0, 1, 0, 1]), root / "train.parquet")
    return root


def _only_train_folder(root: Path) -> Path:
    folder(root / "train", {"a": noise(0, 4), "b": noise(1, 4)})
    return root


def _broken_file(root: Path) -> Path:
    folder(root, {"a": noise(0, 6), "b": noise(1, 6)})
    whole = (root / "b" / "003.png").read_bytes()
    (root / "b" / "003.png").write_bytes(whole[: len(whole) // 2])
    return root


def _empty_class(root: Path) -> Path:
    folder(root, {"a": noise(0, 6), "b": noise(1, 6), "c": noise(1, 0)})
    return root


def _one_class(root: Path) -> Path:
    return folder(root, {"only": noise(0, 6)})


def _lonely_class(root: Path) -> Path:
    return folder(root, {"a": noise(0, 6), "lonely": noise(1, 1)})


def _strange_test_class(root: Path) -> Path:
    folder(root / "train", {"a": noise(0, 6), "b": noise(1, 6)})
    folder(root / "test", {"a": noise(2, 6), "strange": noise(3, 6)})
    return root


def _sixteen_bit(root: Path) -> Path:
    folder(root, {"a": noise(0, 6), "b": noise(1, 6)})
    Image.fromarray(np.full((6, 6), 999, np.uint16)).save(root / "a" / "000.png")
    return root


def _all_alike(root: Path) -> Path:
    flat = np.full((6, 4, 4), 7, np.uint8)
    return folder(root, {"a": flat, "b": flat})


def _column(**columns: Any) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        data = {"image": [encoded(p) for p in noise(0, 8)], "label": [0, 1] * 4, **columns}
        pq.write_table(
            pa.table({k: v for k, v in data.items() if v is not None}), root / "a.parquet"
        )
        return root / "a.parquet"

    return make


def _named(root: Path) -> Path:
    data = table(noise(0, 8), [0, 1, 0, 1, 0, 1, 5, 0]).replace_schema_metadata({"classes": "x,y"})
    pq.write_table(data, root / "a.parquet")
    return root / "a.parquet"


def _other_names(root: Path) -> Path:
    for part, names in (("train", "x,y"), ("test", "y,x")):
        data = table(noise(0, 8), [0, 1] * 4).replace_schema_metadata({"classes": names})
        pq.write_table(data, root / f"{part}.parquet")
    return root


def _test_label_beyond(root: Path) -> Path:
    pq.write_table(table(noise(0, 8), [0, 1] * 4), root / "train.parquet")
    pq.write_table(table(noise(1, 8), [0, 1, 2, 0] * 2), root / "test.parquet")
    return root


BAD_SOURCES: list[tuple[Callable[[Path], Path], str]] = [
    (_nowhere, "There is no data at .*nowhere"),
    (_empty, "holds no data"),
    (_text_file, r"a\.csv is not a \.parquet file"),
    (_broken_parquet, r"a\.parquet cannot be read as parquet"),
    (_only_train_parquet, r"has no test\.parquet"),
    (_only_train_folder, "has train/ but no test/"),
    (_broken_file, r"003\.png is broken"),
    (_empty_class, r"c holds no image"),
    (_one_class, r"All images are of one class \('only'\)"),
    (_lonely_class, "Class 'lonely' has a single image, but needs at least 3"),
    (_strange_test_class, "strange is a class that the training part lacks"),
    (_sixteen_bit, r"000\.png has pixels of kind I;16"),
    (_all_alike, "has 0 images, but needs at least 2 once those equal to a test image"),
    (_column(image=None, picture=[b""] * 8), "needs a column 'image' or 'img'; it has label, pict"),
    (_column(label=None), "needs a column 'label' or 'labels' or 'fine_label'; it has image"),
    (_column(image=["a.png"] * 8), "column 'image' .* holds string"),
    (_column(image=[b"GIF89a broken"] * 8), "row 0 of .* is broken"),
    (_column(image=[*[encoded(p) for p in noise(0, 7)], None]), "no image in row 7"),
    (_column(image=pa.array([], pa.binary()), label=pa.array([], pa.int64())), "has no rows"),
    (_column(label=["cat", "dog"] * 4), "column 'label' .* holds string"),
    (_column(label=[0.0, float("nan")] * 4), "column 'label' .* holds double"),
    (_column(label=[0, 1, None, 1] * 2), "Row 2 of the column 'label'"),
    (_column(label=[0, 1, 1, -1] * 2), "Row 3 .* has label -1, but with 2 classes"),
    (_column(label=[1, 2] * 4), "No row of .* has label 0, but one has 2"),
    (_column(label=[0, 10**15] * 4), "No row of .* has label 1, but one has 1000000000000000"),
    (_column(split=["train", "test", "unsupervised", "train"] * 2), "The column 'split'"),
    (_named, "Row 6 .* has label 5, but with 2 classes"),
    (_other_names, r"test\.parquet names other classes"),
    (_test_label_beyond, r"Row 2 of .*test\.parquet has label 2, but with 2 classes"),
]


@pytest.mark.parametrize(("make", "words"), BAD_SOURCES)
def test_bad_data_is_refused_in_one_sentence(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        load(make(tmp_path))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


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


def test_the_largest_calibration_leaves_each_class_one_training_image() -> None:
    splits = load("digits", calibration=1338)
    assert splits.train.labels.bincount(minlength=10).tolist() == [1] * 10


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
    assert sum(len(part) for part in _parts(splits)) + splits.dropped == 6414
