"""Each head of transformers is scored, trained and measured by what its outputs are, and the result
opens again as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import transformers as t

import leanfair
from leanfair.data.batches import as_batch, forward

IDS = torch.randint(3, 64, (16, 9), generator=torch.Generator().manual_seed(0))
MASK = torch.ones_like(IDS)
MASK[::2, 6:] = 0
TEXT = {"input_ids": IDS, "attention_mask": MASK}
CLASSES = torch.arange(16) % 3
SIZE: dict[str, Any] = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
    "num_attention_heads": 4, "max_position_embeddings": 32, "pad_token_id": 0,
}  # fmt: skip
MARIAN: dict[str, Any] = {
    "vocab_size": 64, "d_model": 32, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48,
    "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "max_position_embeddings": 32, "pad_token_id": 0,
    "eos_token_id": 2, "decoder_start_token_id": 0,
}  # fmt: skip


class Head(NamedTuple):
    model: Callable[[], Any]
    batch: dict[str, torch.Tensor]
    problem: str
    quality: str


def _bert(name: str, **more: Any) -> Callable[[], Any]:
    return lambda: getattr(t, name)(t.BertConfig(**SIZE, **more))


HEADS = {
    "tokens": Head(
        _bert("BertForTokenClassification", num_labels=3),
        {**TEXT, "labels": (IDS % 3).masked_fill(MASK == 0, -100)},
        "single_label_classification",
        "accuracy",
    ),
    "questions": Head(
        _bert("BertForQuestionAnswering"),
        {**TEXT, "start_positions": CLASSES, "end_positions": CLASSES + 2},
        "single_label_classification",
        "accuracy",
    ),
    "several labels": Head(
        _bert("BertForSequenceClassification", num_labels=3),
        {**TEXT, "labels": torch.eye(3)[CLASSES] + torch.eye(3)[(CLASSES + 1) % 3]},
        "multi_label_classification",
        "accuracy",
    ),
    "a number": Head(
        _bert("BertForSequenceClassification", num_labels=1),
        {**TEXT, "labels": CLASSES + 0.5},
        "regression",
        "error",
    ),
    "a representation": Head(
        lambda: t.LlamaModel(t.LlamaConfig(**SIZE, num_key_value_heads=2)),
        TEXT,
        "feature_extraction",
        "similarity",
    ),
    "a translation by a name of its own": Head(
        lambda: t.MarianMTModel(t.MarianConfig(**MARIAN)),
        {**TEXT, "decoder_input_ids": IDS[:, :5], "labels": IDS[:, :5]},
        "single_label_classification",
        "perplexity",
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_is_pruned_trained_and_measured_by_what_it_is(name: str, tmp_path: Path) -> None:
    head = HEADS[name]
    torch.manual_seed(0)
    model = head.model().eval()
    run = leanfair.prune(
        model, calibration=[head.batch], train=[dict(head.batch)], test=[dict(head.batch)],
        cut=0.15, of="params", criterion="fisher", candidate_epochs=0, round_epochs=0,
        final_epochs=1, latency_batches=(), out=tmp_path,
    )  # fmt: skip
    found = run.summary
    assert found["problem"] is not None
    assert found["problem"]["type"] == head.problem
    assert found["quality"] == head.quality
    assert found[head.quality] is not None  # type: ignore[literal-required]
    assert found["removed"] >= 0.15
    assert found["stock"] is True
    assert found["images"] == 16
    inputs = as_batch(head.batch).inputs
    again = type(model).from_pretrained(tmp_path).eval()
    with torch.no_grad():
        assert torch.allclose(forward(again, inputs), forward(run.model, inputs), atol=1e-5)
