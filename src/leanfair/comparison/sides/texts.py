"""Texts as test data of language models: one text as blocks of tokens, several as a sample each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from leanfair.comparison.pair import Side
from leanfair.data.text import check_reading, opening_of, tokens
from leanfair.errors import InputError

WINDOW = 1024
"""Tokens of a sample at most, where the model takes more."""
ROWS = 8
"""Texts of a batch, which are padded to the longest."""


def read_texts(test: Any, side: Side) -> Any:
    """`test` as the language model `side` takes it: a text as blocks of 128 tokens, a list of texts
    as batches in which each is a sample, cut where the model's window ends. Any other data as they
    are. Raises InputError for texts without a tokenizer, and where all are too short."""
    if isinstance(test, str):
        check_reading(side.tokenizer, 2)
        return tokens(test, side.tokenizer)
    listed = isinstance(test, (list, tuple)) and bool(test)
    if not listed or not all(isinstance(text, str) for text in test):
        return test
    check_reading(side.tokenizer, 2)
    rows = _token_rows(test, side)
    return [_padded(rows[start : start + ROWS]) for start in range(0, len(rows), ROWS)]


def _token_rows(texts: Sequence[str], side: Side) -> list[list[int]]:
    """The tokens of each text, those apart that have fewer than two: nothing is foreseen there."""
    config: Any = getattr(side.model, "config", None)
    told = getattr(config.get_text_config(), "max_position_embeddings", None) if config else None
    most = min(WINDOW, int(told)) if told else WINDOW
    found = side.tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    opening = opening_of(side.tokenizer)
    rows = [[*opening, *row][:most] for row in found if len(row) > 1]
    if not rows:
        raise InputError("The texts are too short: give one of two tokens or more.")
    return rows


def _padded(rows: Sequence[Sequence[int]]) -> dict[str, Tensor]:
    length = max(map(len, rows))
    ids = torch.zeros(len(rows), length, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = 1
    return {"input_ids": ids, "attention_mask": mask}
