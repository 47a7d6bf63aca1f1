"""Texts are read as the models take them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from leanfair.comparison.comparing import compare
from leanfair.comparison.pair import Side
from leanfair.comparison.sides.texts import read_texts
from leanfair.errors import InputError
from tests.support.pairs import damaged
from tests.support.tiny_text import llama, prose, tokenizer


def test_each_text_of_a_list_is_a_sample_padded_and_cut_to_the_window() -> None:
    side = Side("A", llama(), tokenizer())
    (batch,) = read_texts([prose(5), "", prose(90), "dog"], side)
    assert batch["attention_mask"].sum(dim=1).tolist() == [5, 64]
    assert side.tokenizer.decode(batch["input_ids"][0, :5]) == prose(5)


def test_one_text_is_blocks() -> None:
    assert read_texts(prose(300), Side("A", llama(), tokenizer())).ids.shape == (2, 128)


def test_other_data_stay_as_they_are() -> None:
    data: Any = [torch.zeros(2, 3)]
    assert read_texts(data, Side("A", llama())) is data


@pytest.mark.parametrize(
    ("texts", "words", "sentence"),
    [(["a b"], None, "There is no tokenizer"), (["dog", ""], tokenizer(), "too short")],
)
def test_what_cannot_be_read_is_refused(texts: list[str], words: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_texts(texts, Side("A", llama(), words))


def test_a_list_of_texts_is_compared_by_length() -> None:
    texts = [prose(n, seed=n) for n in (4, 12, 40, 60)]
    found = compare(llama(), damaged(llama()), test=texts, tokenizer=tokenizer(), seconds=0)
    quality = found.summary["quality"]
    assert quality is not None
    assert quality["perplexity"] is not None
    assert [each["samples"] for each in quality["perplexity"]["by_length"]] == [2, 2]
