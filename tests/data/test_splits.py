"""Parts of texts and images share nothing, lose nothing and depend on the seed alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from leanfair.data.images import load
from leanfair.data.splits import outside, stratified, without
from leanfair.data.text import load_text, text_files, tokens
from leanfair.errors import InputError
from tests.support.pictures import (
    assert_disjoint,
    contents,
    noise,
    parts_of,
    table,
)
from tests.support.tiny_text import WORDS, prose, tokenizer

TOKENIZER = tokenizer()
PARTS = ("train", "calibration", "test")


def numbered(path: Path, blocks: int, first: int = 0, length: int = 4) -> None:
    """Write a text whose blocks of `length` tokens are all different."""
    count, base = len(WORDS), []
    for number in range(first, first + blocks):
        digits = [number // count**k % count for k in range(length)]
        base += [WORDS[digit] for digit in digits]
    path.write_text(" ".join(base))


def rows_of(splits: Any) -> dict[str, set[tuple[int, ...]]]:
    return {part: set(map(tuple, getattr(splits, part).ids.tolist())) for part in PARTS}


def test_a_file_is_split_without_a_common_block_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    numbered(path, 200)
    splits = load_text(path, TOKENIZER, 4, seed=3)
    rows = rows_of(splits)
    assert {part: len(found) for part, found in rows.items()} == {
        "train": 160, "calibration": 20, "test": 20,
    }  # fmt: skip
    every = [tuple(row) for row in tokens(path.read_text(), TOKENIZER, 4).ids.tolist()]
    assert set.union(*rows.values()) == set(every)
    for part in ("calibration", "test"):  # one stretch
        places = sorted(every.index(row) for row in rows[part])
        assert places == list(range(places[0], places[0] + 20))
    assert rows["test"] == set(every[-20:])
    assert splits.name == "book.txt"
    assert rows_of(load_text(path, TOKENIZER, 4, seed=3)) == rows
    assert rows_of(load_text(path, TOKENIZER, 4, seed=4)) != rows


def test_at_most_so_many_blocks_are_held_out_unless_asked(tmp_path: Path) -> None:
    numbered(tmp_path / "a.txt", 2000)
    assert len(load_text(tmp_path / "a.txt", TOKENIZER, 4).calibration) == 128
    asked = load_text(tmp_path / "a.txt", TOKENIZER, 4, calibration=500)
    assert [len(getattr(asked, part)) for part in PARTS] == [1300, 500, 200]


@pytest.mark.parametrize(
    ("names", "sizes"),
    [
        (("train", "valid", "test"), (50, 50, 50)),
        (("valid", "test"), (45, 5, 50)),
        (("train", "test"), (45, 5, 50)),
        (("train", "validation"), (45, 50, 5)),
        (("dev",), (40, 5, 5)),
        (("train",), (40, 5, 5)),
    ],
)
def test_what_a_folder_holds_is_kept_apart(
    names: tuple[str, ...], sizes: tuple[int, ...], tmp_path: Path
) -> None:
    for i, name in enumerate(names):
        numbered(tmp_path / f"{name}.txt", 50, first=100 * i)
    splits = load_text(tmp_path, TOKENIZER, 4)
    assert tuple(len(getattr(splits, part)) for part in PARTS) == sizes
    rows = rows_of(splits)
    assert len(set.union(*rows.values())) == sum(sizes)
    if "test" in names:
        whole = tokens((tmp_path / "test.txt").read_text(), TOKENIZER, 4)
        assert rows["test"] == set(map(tuple, whole.ids.tolist()))


def test_a_part_may_come_in_several_files(tmp_path: Path) -> None:
    for name in ("train-00000-of-00002.txt", "train-00001-of-00002.txt", "test.txt", "readme.txt"):
        (tmp_path / name).write_text(prose(50))
    files = text_files(tmp_path)
    assert {part: len(found) for part, found in files.items()} == {"train": 2, "test": 1}


def test_what_cannot_be_split_is_refused(tmp_path: Path) -> None:
    numbered(tmp_path / "few.txt", 2)
    with pytest.raises(InputError, match="too short: 2 blocks of 4"):
        load_text(tmp_path / "few.txt", TOKENIZER, 4)
    numbered(tmp_path / "some.txt", 20)
    with pytest.raises(InputError, match="18 held out"):
        load_text(tmp_path / "some.txt", TOKENIZER, 4, calibration=18)
    with pytest.raises(InputError, match="calibration"):
        load_text(tmp_path / "some.txt", TOKENIZER, 4, calibration=0)
    with pytest.raises(InputError, match="holds no file train or valid"):
        load_text(tmp_path, TOKENIZER, 4)
    with pytest.raises(InputError, match="There is no text"):
        load_text(tmp_path / "nowhere", TOKENIZER, 4)
    for name in ("train", "valid"):
        numbered(tmp_path / f"{name}.txt", 20)
    with pytest.raises(InputError, match="more than the 20 blocks"):
        load_text(tmp_path, TOKENIZER, 4, calibration=21)


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
    total = sum(len(part) for part in parts_of(splits)) + splits.dropped
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
    for part, same in zip(parts_of(first), parts_of(again), strict=True):
        assert torch.equal(part.pixels, same.pixels)
        assert torch.equal(part.labels, same.labels)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert contents(first.test) != contents(other.test)
    assert contents(first.calibration) != contents(other.calibration)


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
    for part in parts_of(splits):
        assert part.labels.unique().tolist() == [0, 1, 2]


def test_the_largest_calibration_leaves_each_class_one_training_image() -> None:
    splits = load("digits", calibration=1338)
    assert splits.train.labels.bincount(minlength=10).tolist() == [1] * 10


LABELS = st.lists(st.integers(0, 3), min_size=8, max_size=60).map(
    lambda more: torch.tensor([*range(4), *range(4), *more])
)


@given(labels=LABELS, seed=st.integers(0, 99), data=st.data())
def test_a_stratified_draw_gives_each_class_its_share_within_a_few(labels, seed, data) -> None:
    counts = labels.bincount()
    total = data.draw(st.integers(0, int((counts - 1).sum())))
    rows = stratified(labels, total, 1, torch.Generator().manual_seed(seed))
    assert len(set(rows.tolist())) == len(rows) == total
    drawn = labels[rows].bincount(minlength=4)
    assert bool((drawn < counts).all())
    free = stratified(labels, total, 0, torch.Generator().manual_seed(seed))
    part = counts / len(labels)
    excess = labels[free].bincount(minlength=4) - total * part
    assert float(excess.max()) <= 1.0 + 1e-4
    assert bool((excess >= -3 * part - 1e-4).all())
    assert total < 4 or bool((labels[free].bincount(minlength=4) > 0).all())


@given(rows=st.sets(st.integers(0, 19)))
def test_what_is_outside_is_the_rest_in_order(rows: set[int]) -> None:
    found = outside(torch.tensor(sorted(rows), dtype=torch.long), 20).tolist()
    assert found == [row for row in range(20) if row not in rows]
    assert outside(None, 3).tolist() == [0, 1, 2]


def test_rows_that_are_equal_to_others_are_left_out() -> None:
    digests = np.array([b"a", b"b", b"a", b"c"])
    assert without(torch.tensor([0, 1, 3]), torch.tensor([2]), digests).tolist() == [1, 3]
