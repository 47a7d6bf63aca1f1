"""Two language models on the same text, against each measured alone."""

from __future__ import annotations

import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy

from leanfair.errors import InputError
from leanfair.evaluation import perplexity
from leanfair.evaluation.outputs.tokens import CONTEXTS, token_sums
from tests.support.nets import samples, tiny
from tests.support.pairs import damaged
from tests.support.tiny_text import llama

IDS = torch.randint(0, 64, (5, 40), generator=torch.Generator().manual_seed(0))
MASK = (torch.arange(40) < torch.tensor([[40], [20], [10], [40], [2]])).long()
TEXT = [
    {"input_ids": IDS[:3], "attention_mask": MASK[:3]},
    {"input_ids": IDS[3:], "attention_mask": MASK[3:]},
]


def test_losses_are_those_of_each_model_alone() -> None:
    parent, child = llama(), damaged(llama())
    found = token_sums(parent, child, TEXT)
    for side, model in enumerate((parent, child)):
        torch.testing.assert_close(found.losses(side), perplexity.losses(model, TEXT))
    assert found.lengths.tolist() == [40, 20, 10, 40, 2]


def test_tokens_are_counted_by_what_stands_before_them() -> None:
    found = token_sums(llama(), llama(), TEXT)
    counts = found.sums[:, :, 0].sum(dim=0).int().tolist()
    before = [t for length in (40, 20, 10, 40, 2) for t in range(1, length)]
    ends = [*CONTEXTS[1:], 10**9]
    wanted = [
        sum(low <= t < high for t in before) for low, high in zip(CONTEXTS, ends, strict=True)
    ]
    assert counts == wanted


def test_agreement_is_that_of_a_count_by_hand() -> None:
    parent, child = llama(), damaged(llama())
    found = token_sums(parent, child, [{"input_ids": IDS}]).sums.sum(dim=(0, 1))
    with torch.no_grad():
        one, other = (m(IDS).logits[:, :-1].double().flatten(0, 1).numpy() for m in (parent, child))
    assert found[3] == (one.argmax(1) == other.argmax(1)).sum()
    assert float(found[4]) == pytest.approx(
        entropy(softmax(one, axis=1), softmax(other, axis=1), axis=1).sum(), rel=1e-5
    )


def test_models_of_other_words_are_refused() -> None:
    with pytest.raises(InputError, match="two models of the same words"):
        token_sums(llama(), llama(vocab_size=65), TEXT)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(InputError, match="does not tell what the models should say"):
        token_sums(tiny(), tiny(), [samples(4).tensors[0]])
