"""Perplexities of two models over all tokens, by length and by context."""

from __future__ import annotations

import pytest
import torch

from leanfair.comparison.measures.language import agreement_of, perplexity_of
from leanfair.evaluation import perplexity
from leanfair.evaluation.outputs.tokens import token_sums
from tests.support.pairs import damaged
from tests.support.tiny_text import llama

IDS = torch.randint(0, 64, (6, 40), generator=torch.Generator().manual_seed(0))
MASK = (torch.arange(40) < torch.tensor([[40], [20], [10], [40], [2], [35]])).long()
TEXT = [{"input_ids": IDS, "attention_mask": MASK}]


def test_the_ratio_and_its_interval_are_those_of_each_model_alone() -> None:
    parent, child = llama(), damaged(llama())
    found = perplexity_of(token_sums(parent, child, TEXT))["overall"]
    wanted = perplexity.change(*(perplexity.losses(model, TEXT) for model in (parent, child)))
    assert (found["parent"], found["child"]) == pytest.approx((wanted.before, wanted.after))
    assert (found["low"], found["high"]) == pytest.approx((wanted.low, wanted.high))
    assert (found["tokens"], found["samples"]) == (141, 6)


def test_bins_take_the_tokens_apart_without_losing_one() -> None:
    found = perplexity_of(token_sums(llama(), damaged(llama()), TEXT))
    for bins in (found["by_length"], found["by_context"]):
        assert sum(each["tokens"] for each in bins) == 141
    assert [(each["least"], each["most"]) for each in found["by_length"]] == [(0, 31), (32, 127)]
    assert [each["samples"] for each in found["by_length"]] == [3, 3]


def test_texts_of_one_length_are_not_taken_apart_by_it() -> None:
    found = perplexity_of(token_sums(llama(), llama(), [{"input_ids": IDS}]))
    assert found["by_length"] == []
    assert found["overall"]["ratio"] == 1


def test_a_model_agrees_with_itself_on_every_token() -> None:
    found = agreement_of(token_sums(llama(), llama(), TEXT))
    assert (found["same"]["value"], found["kl"]["value"], found["answers"]) == (1, 0, 141)
