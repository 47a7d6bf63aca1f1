"""Labelled texts from tables, as classifiers of texts take them: padded tokens and a class.

A table has a column of texts and one of labels; it is split three ways as images are, so that no
text of the training part is in another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from leanfair.data.batches import check_held_out
from leanfair.data.splits import TextSplits
from leanfair.data.tables import Row, check_columns, read_table
from leanfair.data.text import check_reading, text_files
from leanfair.errors import InputError

MOST_CALIBRATION = 1000
"""Texts held out for calibration unless another number is asked for."""


@dataclass(frozen=True, eq=False)
class TextTable(Dataset[dict[str, Tensor]]):
    """A map-style torch Dataset of labelled texts, fully in memory.

    `ids` and `mask`: int64 [n, length], tokens and, as 1, where they are no padding. `labels`:
    int64 [n]. `columns`: other columns of the table that were asked for, one value a text. A sample
    is {"input_ids", "attention_mask", "labels"}. Raises InputError where these do not fit together.
    """

    ids: Tensor = field(repr=False)
    mask: Tensor = field(repr=False)
    labels: Tensor = field(repr=False)
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        parts = (self.ids, self.mask, self.labels)
        fits = self.ids.ndim == 2 and self.ids.shape == self.mask.shape
        whole = all(part.dtype == torch.int64 for part in parts)
        if not fits or not whole or self.labels.shape != self.ids.shape[:1]:
            raise InputError(
                "Labelled texts are int64 tensors: tokens and mask [n, length], labels [n], not "
                f"{', '.join(f'{part.dtype} {list(part.shape)}' for part in parts)}."
            )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        row = range(len(self))[index]
        names = ("input_ids", "attention_mask", "labels")
        return dict(zip(names, (self.ids[row], self.mask[row], self.labels[row]), strict=True))

    def take(self, rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The samples of `rows`, int64 [m], as one batch; nothing is drawn."""
        rows = rows.to(self.ids.device)
        return {
            "input_ids": self.ids[rows],
            "attention_mask": self.mask[rows],
            "labels": self.labels[rows],
        }


def load_table(
    path: str | Path,
    tokenizer: Any,
    length: int = 128,
    *,
    classes: int,
    label2id: Mapping[str, int] | None = None,
    calibration: int | None = None,
    seed: int = 0,
    text: str = "text",
    label: str = "label",
    padding: int | None = None,
    keep: Sequence[str] = (),
) -> TextSplits[TextTable]:
    """Read labelled texts and split them, by chance as `seed` decides.

    `path` is a .csv, .tsv, .jsonl or .parquet file with the columns `text` and `label`, or a folder
    of such (see `leanfair.data.text.load_text`). A label is a number below `classes` or a name in
    `label2id`. Texts are cut at `length` tokens, special ones included, and all padded to the
    longest. A part that is missing is drawn from the train file or, without one, from the valid
    file: a tenth each, for calibration at most 1000 unless `calibration` says how many. Training
    texts that are also in another part are left out. `padding`: the token that fills texts up, by
    default the tokenizer's. `keep`: other columns to keep.

    Raises InputError on a table that cannot be read or split so.
    """
    check_held_out(calibration)
    check_reading(tokenizer, length)
    reader = _Reader(text, label, classes, dict(label2id or {}), tuple(keep))
    found = {
        part: [pair for file in files for pair in reader.pairs(file)]
        for part, files in text_files(path).items()
    }
    parts = _divided(found, calibration, torch.Generator().manual_seed(seed), str(path))
    flat = [pair for pairs in parts for pair in pairs]
    ids, mask = _padded([text for text, *_ in flat], tokenizer, length, padding)
    whole = (ids, mask, torch.tensor([number for _, number, _ in flat]))
    cuts = [len(pairs) for pairs in parts]
    split = zip(*(torch.split(tensor, cuts) for tensor in whole), strict=True)
    kept = [{name: [cells[i] for *_, cells in p] for i, name in enumerate(keep)} for p in parts]
    tables = [
        TextTable(tokens, filled, labels, held)
        for (tokens, filled, labels), held in zip(split, kept, strict=True)
    ]
    return TextSplits(Path(path).resolve().name, *tables)


# ---- reading ----------------------------------------------------------------------------------

Pair = tuple[str, int, tuple[Any, ...]]
"""A text, the number of its class, and the cells of other columns that are kept."""


@dataclass(frozen=True)
class _Reader:
    """Which columns hold the texts and the labels, and what the labels mean."""

    text: str
    label: str
    classes: int
    label2id: dict[str, int]
    keep: tuple[str, ...]

    def pairs(self, file: Path) -> list[Pair]:
        """The texts and the numbers of their classes, by row."""
        rows = read_table(file)
        check_columns(rows, [self.text, self.label, *self.keep], str(file))
        return [self._pair(row, f"Row {n} of {file}") for n, row in enumerate(rows, start=1)]

    def _pair(self, row: Row, where: str) -> Pair:
        text, label = row.get(self.text), row.get(self.label)
        if not isinstance(text, str):
            raise InputError(f"{where} has no text in {self.text!r}, but {text!r:.50}.")
        number = self.label2id.get(label) if isinstance(label, str) else None
        number = _whole(label) if number is None else number
        if number is None or not 0 <= number < self.classes:
            known = ", ".join(list(self.label2id)[:10])
            raise InputError(
                f"{where} has the label {label!r:.50}, but the model's are 0 to "
                f"{self.classes - 1}{f' ({known})' if known else ''}."
            )
        return text, number, tuple(row.get(name) for name in self.keep)


def _whole(label: Any) -> int | None:
    """A label that is a whole number, also as a CSV holds it."""
    try:
        return int(label) if int(label) == float(label) else None
    except (TypeError, ValueError, OverflowError):
        return None


def _padded(
    texts: Sequence[str], tokenizer: Any, length: int, padding: int | None
) -> tuple[Tensor, Tensor]:
    """Tokens and mask, int64 [n, longest]."""
    made = tokenizer(list(texts), truncation=True, max_length=length, verbose=False)["input_ids"]
    longest = max(1, *(len(ids) for ids in made))
    own = tokenizer.pad_token_id if padding is None else padding
    if own is None and len({len(ids) for ids in made}) > 1:
        raise InputError(
            "Neither the model's configuration nor the tokenizer has a token for padding, and the "
            "texts differ in length: set pad_token_id in the configuration."
        )
    filler = 0 if own is None else own
    ids = torch.full((len(made), longest), filler, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(made):
        ids[row, : len(tokens)] = torch.tensor(tokens, dtype=torch.int64)
        mask[row, : len(tokens)] = 1
    return ids, mask


# ---- splitting --------------------------------------------------------------------------------


def _divided(
    given: Mapping[str, list[Pair]], wanted: int | None, generator: torch.Generator, where: str
) -> tuple[list[Pair], list[Pair], list[Pair]]:
    """The rows of train, calibration and test: those `given`, and what is missing drawn from the
    first of them."""
    train, held, test = given.get("train"), given.get("calibration"), given.get("test")
    if train is None:
        train, held = held or [], None
    tenth = max(1, len(train) // 10)
    count = wanted or min(MOST_CALIBRATION, tenth if held is None else len(held))
    if test is None:
        test, train = _drawn(train, tenth, generator)
    if held is None:
        held, train = _drawn(_without(train, test), count, generator)
    else:
        held, _ = _drawn(_without(held, test), count, generator)
    train = _without(train, test + held)
    if not train or len(held) < (wanted or 1):
        raise InputError(
            f"{where} is too short: it leaves {len(train)} texts to train on and {len(held)} for "
            f"calibration that are in no other part; give more texts, or ask for fewer."
        )
    return train, held, test


def _drawn(
    pairs: Sequence[Pair], count: int, generator: torch.Generator
) -> tuple[list[Pair], list[Pair]]:
    """`count` of `pairs`, drawn by chance, and the others."""
    order = torch.randperm(len(pairs), generator=generator).tolist()
    return [pairs[i] for i in order[:count]], [pairs[i] for i in order[count:]]


def _without(pairs: Sequence[Pair], others: Sequence[Pair]) -> list[Pair]:
    """Those of `pairs` whose text is not among `others`."""
    texts = {text for text, *_ in others}
    return [pair for pair in pairs if pair[0] not in texts]
