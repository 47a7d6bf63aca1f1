"""Perplexity against transformers' own loss and brute force, and the interval of its change."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForMaskedLM, LlamaConfig, LlamaForCausalLM

from leanfair.errors import InputError
from leanfair.evaluation import perplexity as module
from leanfair.evaluation.perplexity import change, losses, perplexity

SHAPE: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "vocab_size": 64,
}  # fmt: skip


def llama(seed: int = 0) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    model = LlamaForCausalLM(LlamaConfig(**SHAPE, num_key_value_heads=2)).eval()
    with torch.no_grad():  # as initialised all words are nearly as likely
        model.lm_head.weight.mul_(30)
    return model


def words(n: int = 6, length: int = 10, seed: int = 1) -> Tensor:
    return torch.randint(0, 64, (n, length), generator=torch.Generator().manual_seed(seed))


def padded(ids: Tensor) -> dict[str, Tensor]:
    """`ids` with row i filled up behind its first 4 + i tokens."""
    mask = torch.ones_like(ids)
    for row in range(len(ids)):
        mask[row, 4 + row :] = 0
    return {"input_ids": ids, "attention_mask": mask}


def test_without_padding_it_is_the_loss_of_transformers() -> None:
    model, ids = llama(), words()
    with torch.inference_mode():
        theirs = float(model(ids, labels=ids).loss)
    assert perplexity(model, [ids]) == pytest.approx(math.exp(theirs), rel=1e-5)
    assert torch.equal(losses(model, [ids])[:, 1], torch.full((6,), 9.0, dtype=torch.float64))


def test_with_padding_it_is_the_loss_of_transformers_where_padding_is_no_label() -> None:
    model, batch = llama(), padded(words())
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    with torch.inference_mode():
        theirs = float(model(**batch, labels=labels).loss)
    assert perplexity(model, [batch]) == pytest.approx(math.exp(theirs), rel=1e-5)


def test_what_stands_in_the_padding_tells_nothing() -> None:
    model, batch = llama(), padded(words())
    other = torch.where(batch["attention_mask"] == 1, batch["input_ids"], 3)
    ours = losses(model, [batch])
    torch.testing.assert_close(losses(model, [{**batch, "input_ids": other}]), ours)


def test_each_sample_is_summed_token_by_token(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = llama(), padded(words())
    with torch.inference_mode():
        logs = model(**batch).logits.double().log_softmax(-1)
    ids, mask = batch["input_ids"], batch["attention_mask"]
    expected = []
    for row in range(len(ids)):
        asked = [t for t in range(1, ids.shape[1]) if mask[row, t]]
        total = -sum(float(logs[row, t - 1, ids[row, t]]) for t in asked)
        expected.append((total, len(asked)))
    torch.testing.assert_close(losses(model, [batch]), torch.tensor(expected, dtype=torch.float64))
    monkeypatch.setattr(module, "_AT_ONCE", 100)  # one position at a time
    torch.testing.assert_close(losses(model, [batch]), torch.tensor(expected, dtype=torch.float64))


def test_labels_are_heeded_and_a_masked_model_is_not_shifted() -> None:
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig(**SHAPE)).eval()
    ids = words()
    labels = torch.where(torch.rand(ids.shape) < 0.3, ids, -100)
    with torch.inference_mode():
        theirs = float(model(ids, labels=labels).loss)
    batch = {"input_ids": ids, "labels": labels}
    assert perplexity(model, [batch]) == pytest.approx(math.exp(theirs), rel=1e-5)
    with pytest.raises(InputError, match="should say"):
        perplexity(model, [ids])


def test_how_samples_are_batched_makes_no_difference_and_the_mode_stays() -> None:
    model, ids = llama().train(), words()
    dataset = [{"input_ids": row} for row in ids]
    one = losses(model, _Samples(dataset), batch_size=1)
    torch.testing.assert_close(one, losses(model, [ids]))
    assert model.training
    assert one.dtype == torch.float64


def test_what_cannot_be_measured_is_refused() -> None:
    model = llama()
    with pytest.raises(InputError, match="Not a single token"):
        perplexity(model, [words(length=1)])
    with pytest.raises(InputError, match="logits of shape"):
        perplexity(nn.Linear(2, 3), [(torch.zeros(4, 2), torch.zeros(4, dtype=torch.int64))])
    with torch.no_grad():
        model.lm_head.weight[0, 0] = torch.nan
    with pytest.raises(InputError, match="NaN in batch 1"):
        perplexity(model, [words()])


def test_a_change_tells_both_perplexities_and_the_interval_of_their_ratio() -> None:
    one, other, batch = llama(0), llama(1), padded(words(n=40, length=12))
    batch["attention_mask"][:, 4:] = (torch.rand(40, 8) < 0.9).long()
    before, after = losses(one, [batch]), losses(other, [batch])
    found = change(before, after)
    assert found.before == perplexity(one, [batch])
    assert found.after == perplexity(other, [batch])
    assert found.tokens == int(before[:, 1].sum())
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.ratio < found.high
    back = change(after, before)
    assert back.low == pytest.approx(1 / found.high)
    assert json.loads(json.dumps(found.to_json()))["value"] == found.ratio
    same = change(before, before)
    assert (same.ratio, same.low, same.high) == (1, 1, 1)


def test_a_single_sample_has_no_interval_and_other_tokens_are_not_compared() -> None:
    before = losses(llama(), [words(n=1)])
    found = change(before, before * torch.tensor([1.1, 1.0]))
    assert (found.low, found.high) == (None, None)
    with pytest.raises(InputError, match="same text"):
        change(before, before * torch.tensor([1.0, 2.0]))


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    generator = torch.Generator().manual_seed(0)
    hits, runs, truth = 0, 400, 0.05
    for _ in range(runs):
        counts = torch.randint(5, 40, (60,), generator=generator).double()
        level = torch.randn(60, generator=generator, dtype=torch.float64).exp()  # of a text
        shift = truth + 0.1 * torch.randn(60, generator=generator, dtype=torch.float64)
        before = torch.stack([counts * level, counts], dim=1)
        after = torch.stack([counts * (level + shift), counts], dim=1)
        found = change(before, after)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= math.exp(truth) <= found.high
    assert 0.92 <= hits / runs <= 0.98


class _Samples(torch.utils.data.Dataset[Any]):
    def __init__(self, samples: list[Any]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Any:
        return self.samples[index]
