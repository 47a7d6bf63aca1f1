"""A small decoder that is taught a small language, loses half of itself, and recovers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

import leanfair
from leanfair.data.text import Tokens
from leanfair.evaluation.perplexity import perplexity
from leanfair.pruning.training.fine_tune import Recipe, fine_tune

pytestmark = pytest.mark.real

WORDS = 31


def sentences(count: int, seed: int, length: int = 16) -> Tokens:
    """Each word follows from the last and from whether the one before it is odd; one in ten is any
    word."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, WORDS, (count, length), generator=generator)
    free = torch.rand((count, length), generator=generator) < 0.1
    for t in range(2, length):
        next_word: Tensor = (3 * ids[:, t - 1] + 7 * (ids[:, t - 2] % 2) + 1) % WORDS
        ids[:, t] = torch.where(free[:, t], ids[:, t], next_word)
    return Tokens(ids)


def test_its_perplexity_is_measured_and_recovery_brings_it_down(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, vocab_size=WORDS, max_position_embeddings=32,
        pad_token_id=None, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    network = LlamaForCausalLM(config)
    train, calibration, test = sentences(2000, 1), sentences(64, 2), sentences(200, 3)
    recipe = Recipe(optimizer="adamw", lr=3e-3, batch_size=32, warmup=0.1, clip=1.0)
    fine_tune(network, train, images=12_800, recipe=recipe)
    before = perplexity(network, test)
    assert before < 3.0  # that of chance is 31, and no model comes below 2.3

    def pruned(name: str, **more: Any) -> float:
        run = leanfair.prune(
            network, calibration=calibration, test=test, cut=0.5, of="params", out=tmp_path / name,
            criterion="fisher", pace=0.3, candidate_epochs=0.05, round_epochs=0.5, final_epochs=1,
            batch_size=16, latency_batches=(), **more,
        )  # fmt: skip
        found = run.summary["perplexity"]
        assert found["before"] == pytest.approx(before)
        assert found["after"] == pytest.approx(perplexity(leanfair.load(tmp_path / name), test))
        stock = LlamaForCausalLM.from_pretrained(tmp_path / name)
        assert found["after"] == pytest.approx(perplexity(stock, test))
        assert run.summary["params"]["after"] <= 0.5 * run.summary["params"]["before"]
        return found["after"]

    alone = pruned("alone")
    recovered = pruned("recovered", train=train, lr=1e-3)
    few = pruned("few", train=train, lora=4)
    assert before < recovered < alone
    assert recovered - before < 0.5 * (alone - before)
    assert few < alone
