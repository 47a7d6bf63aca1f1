"""Images are read from folders and tables as they were written, or refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from leanfair.data.images import Images, load
from leanfair.errors import InputError
from tests.support.pictures import (
    assert_disjoint,
    contents,
    encoded,
    folder,
    noise,
    parts_of,
    table,
)


def test_a_folder_of_classes_and_one_of_parts_hold_what_was_written(tmp_path: Path) -> None:
    cats, dogs = noise(0, 9), noise(1, 12)
    flat = load(folder(tmp_path / "flat", {"dog": dogs, "cat": cats}))
    assert flat.classes == ("cat", "dog")
    assert flat.name == "flat"
    assert_disjoint(flat)
    written = {(i.transpose(2, 0, 1).tobytes(), k) for k, c in enumerate((cats, dogs)) for i in c}
    assert {pair for part in parts_of(flat) for pair in _pairs(part)} == written

    split = tmp_path / "split"
    folder(split / "train", {"cat": cats, "dog": dogs})
    folder(split / "val", {"dog": noise(2, 3)})  # a test part may lack a class
    (split / "train" / "cat" / "notes.txt").write_text("not an image")
    splits = load(split)
    assert {pair for part in parts_of(splits)[:2] for pair in _pairs(part)} == written
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
    assert {pair for part in parts_of(splits) for pair in _pairs(part)} == expected


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
    assert expected in {c for part in parts_of(splits) for c in contents(part)}
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


@pytest.mark.parametrize("parts", [False, True])
def test_other_columns_of_a_parquet_stay_with_their_images(tmp_path: Path, parts: bool) -> None:
    def written(name: str, seed: int) -> None:
        made = table(noise(seed, 30), np.arange(30) % 3)
        regions = [f"{seed}-{i % 3}-{i}" for i in range(30)]
        order = pa.array(np.random.default_rng(0).permutation(30))
        whole = made.append_column("region", [regions]).append_column("index", [order])
        pq.write_table(whole, tmp_path / f"{name}.parquet")

    written("train", 0)
    if parts:
        written("test", 1)
    source = tmp_path if parts else tmp_path / "train.parquet"
    found = load(source, keep=["region"])
    for part in parts_of(found):
        told = [region.split("-") for region in part.columns["region"]]
        assert [int(label) for _, label, _ in told] == part.labels.tolist()
        for pixels, (seed, _, row) in zip(part.pixels, told, strict=True):
            own = noise(int(seed), 30)[int(row)].transpose(2, 0, 1)
            assert pixels.numpy().tobytes() == own.tobytes()


def test_a_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    pq.write_table(table(noise(0, 30), np.arange(30) % 3), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="no column 'region': it has image, label"):
        load(tmp_path / "a.parquet", keep=["region"])
    with pytest.raises(InputError, match="no column 'region': only parquet"):
        load("digits", keep=["region"])
