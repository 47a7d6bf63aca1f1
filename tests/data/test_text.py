"""Text as blocks of tokens, and labelled tables: nothing is lost, and no part shares any."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from leanfair.data.batches import iterate
from leanfair.data.labelled_text import TextTable, load_table
from leanfair.data.tables import write_table
from leanfair.data.text import Tokens, holds_text, load_text, read_text, text_files, tokens
from leanfair.errors import InputError
from tests.support.tiny_text import WORDS, prose, tokenizer

TOKENIZER = tokenizer()
EOS = TOKENIZER.eos_token_id
PARTS = ("train", "calibration", "test")


def ids_of(text: str) -> list[int]:
    found: list[int] = TOKENIZER(text, add_special_tokens=False)["input_ids"]
    return found


# ---- blocks -----------------------------------------------------------------------------------


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    length=st.integers(2, 12),
    most=st.none() | st.integers(1, 6),
)
def test_blocks_are_the_documents_one_after_another(
    lengths: list[int], length: int, most: int | None
) -> None:
    documents = [prose(n, seed) for seed, n in enumerate(lengths)]
    whole: list[int] = []
    for document in documents:
        whole += [EOS, *ids_of(document)] if whole else ids_of(document)
    blocks = len(whole) // length if most is None else min(most, len(whole) // length)
    if blocks == 0:
        with pytest.raises(InputError, match="too short"):
            tokens(documents, TOKENIZER, length, most=most)
        return
    found = tokens(documents, TOKENIZER, length, most=most)
    assert found.ids.shape == (blocks, length)
    assert found.ids.flatten().tolist() == whole[: blocks * length]


def test_without_an_end_of_text_documents_are_joined_as_they_are() -> None:
    plain = tokenizer(eos=False)
    one = tokens([prose(7), prose(5, seed=1)], plain, 4)
    assert one.ids.tolist() == tokens(f"{prose(7)} {prose(5, seed=1)}", plain, 4).ids.tolist()


def test_a_block_is_a_sample_and_blocks_are_read_in_batches() -> None:
    blocks = tokens(prose(100), TOKENIZER, 8)
    assert len(blocks) == 12
    assert torch.equal(blocks[-1]["input_ids"], blocks.ids[11])
    batches = list(iterate(blocks, 5, shuffle=1))
    assert [len(batch) for batch in batches] == [5, 5, 2]
    rows = torch.cat([batch.inputs["input_ids"] for batch in batches])  # type: ignore[index]
    assert sorted(rows.tolist()) == sorted(blocks.ids.tolist())


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"tokenizer": None}, "no tokenizer"),
        ({"length": 1}, "length"),
        ({"length": 1000}, "too short"),
        ({"most": 0}, "most"),
    ],
)
def test_blocks_that_cannot_be_made_are_refused(given: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        tokens(prose(50), **{"tokenizer": TOKENIZER, **given})


def test_tokens_must_be_whole_numbers_in_blocks() -> None:
    with pytest.raises(InputError, match="int64"):
        Tokens(torch.zeros(2, 3))
    with pytest.raises(InputError, match="int64"):
        Tokens(torch.zeros(3, dtype=torch.int64))


# ---- reading ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a.csv", "a.csv.gz", "a.tsv", "a.jsonl", "a.jsonl.gz", "a.parquet"]
)
def test_a_table_gives_a_document_a_row_without_empty_ones(name: str, tmp_path: Path) -> None:
    rows = [{"id": str(i), "text": text} for i, text in enumerate(["the dog", " ", "é, \n a cat"])]
    write_table(tmp_path / name, rows)
    assert read_text(tmp_path / name) == ["the dog", "é, \n a cat"]
    with pytest.raises(InputError, match=r"no column 'story'.*id, text"):
        read_text(tmp_path / name, "story")


def test_a_plain_file_is_one_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("é one\n\ntwo\n")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("é one\n\ntwo\n".encode()))
    assert read_text(tmp_path / "a.txt") == read_text(tmp_path / "a.txt.gz") == ["é one\n\ntwo\n"]


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("none.txt", None, "no text"),
        ("blank.txt", b" \n", "holds no text"),
        ("latin.txt", b"caf\xe9", "cannot be read"),
        ("broken.txt.gz", b"nonsense", "cannot be read"),
        ("cut.txt.gz", gzip.compress(b"the dog sees" * 9, mtime=0)[:-9], "cannot be read"),
        ("doc.pdf", b"x", "not named like a text"),
        ("numbers.jsonl", b'{"text": "a"}\n{"text": 3}\n', "Row 2"),
        ("other.csv", b"a,b\n1,2\n", "no column 'text'"),
    ],
)
def test_what_holds_no_text_is_refused_by_name(
    name: str, content: bytes | None, named: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=named) as error:
        read_text(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)


def test_text_is_told_from_images(tmp_path: Path) -> None:
    write_table(tmp_path / "text.parquet", [{"text": "a"}])
    write_table(tmp_path / "image.parquet", [{"image": "a", "label": 1}])
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/valid.txt.gz").touch()
    (tmp_path / "images").mkdir()
    write_table(tmp_path / "images/train.parquet", [{"img": "a", "label": 1}])
    (tmp_path / "classes/test").mkdir(parents=True)
    texts = [
        "a.txt",
        "a.txt.gz",
        "a.csv",
        "a.jsonl",
        tmp_path / "text.parquet",
        tmp_path / "folder",
    ]
    others = [
        "digits", "no/folder", "a.parquet", tmp_path / "image.parquet", tmp_path / "images",
        tmp_path / "classes",
    ]  # fmt: skip
    assert all(holds_text(path) for path in texts)
    assert not any(holds_text(path) for path in others)


# ---- splitting --------------------------------------------------------------------------------


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


# ---- labelled tables --------------------------------------------------------------------------


def table(
    path: Path, n: int = 60, first: int = 0, labels: Any = ("no", "yes")
) -> list[dict[str, Any]]:
    rows = [
        {"text": prose(3 + i % 5, seed=first + i), "label": labels[i % len(labels)]}
        for i in range(n)
    ]
    write_table(path, rows)
    return rows


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl.gz", "a.parquet"])
def test_labelled_texts_come_as_padded_tokens(name: str, tmp_path: Path) -> None:
    rows = table(tmp_path / name)
    splits = load_table(tmp_path / name, TOKENIZER, classes=2, label2id={"no": 0, "yes": 1})
    by_tokens = {tuple(TOKENIZER(row["text"])["input_ids"]): row["label"] == "yes" for row in rows}
    for part in PARTS:
        data = getattr(splits, part)
        assert isinstance(data, TextTable)
        batch = data.take(torch.arange(len(data)), torch.Generator())
        assert batch["input_ids"].shape[1] == 9  # seven words and two special tokens
        for ids, mask, label in zip(*batch.values(), strict=True):
            assert by_tokens[tuple(ids[mask.bool()].tolist())] == bool(label)
            assert set(ids[~mask.bool()].tolist()) <= {TOKENIZER.pad_token_id}
        assert {k: v.tolist() for k, v in data[0].items()} == {
            k: v[0].tolist() for k, v in batch.items()
        }


def test_no_text_of_the_training_part_is_in_another(tmp_path: Path) -> None:
    rows = [{"text": prose(3, seed=i % 40), "label": i % 2} for i in range(200)]
    write_table(tmp_path / "a.jsonl", rows)
    splits = load_table(tmp_path / "a.jsonl", TOKENIZER, classes=2)
    found = rows_of(splits)
    assert not found["train"] & (found["calibration"] | found["test"])
    assert not found["calibration"] & found["test"]
    again = load_table(tmp_path / "a.jsonl", TOKENIZER, classes=2)
    assert torch.equal(again.train.ids, splits.train.ids)


def test_long_texts_are_cut_and_a_folder_is_kept_apart(tmp_path: Path) -> None:
    table(tmp_path / "train.csv", 40)
    table(tmp_path / "valid.csv", 30, first=100)
    test = table(tmp_path / "test.csv", 20, first=200)
    splits = load_table(
        tmp_path, TOKENIZER, 4, classes=2, label2id={"no": 0, "yes": 1}, calibration=10
    )
    assert splits.train.ids.shape[1] == 4
    assert len(splits.calibration) == 10
    assert len(splits.test) == len(test)
    assert splits.test.labels.tolist() == [int(row["label"] == "yes") for row in test]


@pytest.mark.parametrize("labels", [(0, 1), ("0", "1")])
def test_numbers_are_classes_as_they_are(labels: Any, tmp_path: Path) -> None:
    table(tmp_path / "a.csv", labels=labels)
    splits = load_table(tmp_path / "a.csv", TOKENIZER, classes=2, label2id={"LABEL_0": 0})
    assert set(splits.train.labels.tolist()) == {0, 1}


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([{"text": "a", "label": "maybe"}] * 9, "Row 1 .*'maybe'.*0 to 1 .no, yes"),
        ([{"text": "a", "label": 2}] * 9, "label 2"),
        ([{"text": "a", "label": -1}] * 9, "label -1"),
        ([{"text": "a", "label": 0.5}] * 9, "label 0.5"),
        ([{"text": 3, "label": 1}] * 9, "no text in 'text'"),
        ([{"text": "a"}] * 9, "no column 'label'"),
        ([{"text": "a", "label": 1}] * 9, "too short"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    rows: list[dict[str, Any]], named: str, tmp_path: Path
) -> None:
    write_table(tmp_path / "a.jsonl", rows)
    with pytest.raises(InputError, match=named):
        load_table(tmp_path / "a.jsonl", TOKENIZER, classes=2, label2id={"no": 0, "yes": 1})


def test_columns_may_be_called_otherwise(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv", [{"s": prose(4, i), "y": str(i % 2)} for i in range(30)])
    assert len(load_table(tmp_path / "a.csv", TOKENIZER, classes=2, text="s", label="y").test) == 3
