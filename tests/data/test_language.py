"""Which models answer token by token, whatever their class is called."""

from __future__ import annotations

import torch

from leanfair.data.batches import Batch
from leanfair.data.language import is_causal, is_language_model, targets
from tests.support.oracles import tiny


def test_a_class_made_from_a_language_model_is_one_by_any_name():
    model, _ = tiny.llama()
    own = type("Louder", (type(model),), {})
    model.__class__ = own
    assert is_language_model(model)
    assert is_causal(model)


def test_a_classifier_of_texts_is_none():
    model, _ = tiny.bert()
    assert not is_language_model(model)
    assert not is_causal(model)


def test_each_position_should_say_the_next_token_and_padding_nothing():
    model, _ = tiny.llama()
    ids = torch.tensor([[5, 6, 7, 0]])
    batch = Batch({"input_ids": ids, "attention_mask": torch.tensor([[1, 1, 1, 0]])})
    assert targets(model, batch).tolist() == [[6, 7, -100, -100]]
