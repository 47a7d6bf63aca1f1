"""What the configurations of transformers let be said of grouped queries: every layer has as many,
and every key-value head serves as many of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

WIDE, QUERIES, KEYS = 4, 9, 3


def _llama(queries: int = QUERIES) -> nn.Module:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50, hidden_size=72, intermediate_size=40, num_hidden_layers=2,
        num_attention_heads=queries, num_key_value_heads=KEYS, head_dim=WIDE,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def _with(kept: list[int]) -> nn.Module:
    """The same network with some of its queries, as transformers builds it."""
    features = torch.tensor([WIDE * head + i for head in kept for i in range(WIDE)])

    def narrowed(name: str, value: Tensor) -> Tensor:
        if "q_proj" in name:
            return value[features]
        return value[:, features] if "o_proj" in name else value

    child = _llama(len(kept))
    child.load_state_dict({n: narrowed(n, v) for n, v in _llama().state_dict().items()})
    return child


def test_one_query_of_each_key_can_go_from_every_layer(tmp_path: Path) -> None:
    kept = [0, 2, 4, 5, 6, 7]
    child, whole = _with(kept), _llama()
    for layer in whole.model.layers:
        for head in set(range(QUERIES)) - set(kept):
            layer.self_attn.o_proj.weight.data[:, WIDE * head : WIDE * (head + 1)] = 0.0
    ids = torch.arange(12).reshape(2, 6)
    child.save_pretrained(tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        torch.testing.assert_close(child(ids).logits, whole(ids).logits)
        assert torch.equal(again(ids).logits, child(ids).logits)


def test_queries_that_keys_cannot_share_evenly_do_not_run() -> None:
    child = _with(list(range(QUERIES - 1)))
    with pytest.raises(RuntimeError), torch.no_grad():
        child(torch.arange(12).reshape(2, 6))
