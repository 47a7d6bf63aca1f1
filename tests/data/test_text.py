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
from leanfair.data.tables import write_table
from leanfair.data.text import Tokens, holds_text, opening_of, read_text, tokens
from leanfair.errors import InputError
from tests.support.tiny_text import prose, tokenizer

TOKENIZER = tokenizer()
EOS = TOKENIZER.eos_token_id
BEGINNING = tokenizer(bos=True)


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


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=4), length=st.integers(2, 9))
def test_every_block_begins_as_the_tokenizer_lets_texts_begin(
    lengths: list[int], length: int
) -> None:
    documents = [prose(n, seed) for seed, n in enumerate(lengths)]
    if sum(lengths) + len(lengths) - 1 < length - 1:
        return
    found = tokens(documents, BEGINNING, length)
    plain = tokens(documents, TOKENIZER, length - 1) if length > 2 else None
    assert found.ids.shape[1] == length
    assert (found.ids[:, 0] == BEGINNING.bos_token_id).all()
    assert plain is None or torch.equal(found.ids[:, 1:], plain.ids)
    assert tokens(documents, BEGINNING, length, most=1).ids.tolist() == found.ids[:1].tolist()


def test_a_token_at_both_ends_is_that_of_another_kind_of_model() -> None:
    assert opening_of(BEGINNING) == [BEGINNING.bos_token_id]
    assert opening_of(TOKENIZER) == []  # none that is called so
    both = tokenizer()
    both.bos_token = "[CLS]"
    assert opening_of(both) == []


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
