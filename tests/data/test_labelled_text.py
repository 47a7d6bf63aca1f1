"""Labelled texts come as padded tokens, and no text is in two parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from leanfair.data.labelled_text import TextTable, load_table
from leanfair.data.tables import write_table
from leanfair.errors import InputError
from tests.support.tiny_text import prose, tokenizer

TOKENIZER = tokenizer()
PARTS = ("train", "calibration", "test")


def rows_of(splits: Any) -> dict[str, set[tuple[int, ...]]]:
    return {part: set(map(tuple, getattr(splits, part).ids.tolist())) for part in PARTS}


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


def test_other_columns_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    rows = [{"text": prose(4, i), "label": i % 2, "sex": "fm"[i % 2]} for i in range(40)]
    write_table(tmp_path / "a.csv", rows)
    found = load_table(tmp_path / "a.csv", TOKENIZER, classes=2, keep=["sex"])
    for part in (found.train, found.calibration, found.test):
        assert part.columns["sex"] == ["fm"[label] for label in part.labels.tolist()]
    with pytest.raises(InputError, match="race"):
        load_table(tmp_path / "a.csv", TOKENIZER, classes=2, keep=["race"])
