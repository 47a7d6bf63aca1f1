"""Small language models in folders of shards, as transformers saves large ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

WORDS = 61
SHAPE: dict[str, Any] = {
    "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": WORDS, "max_position_embeddings": 32,
    "pad_token_id": 60, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip


def _llama() -> nn.Module:
    return LlamaForCausalLM(LlamaConfig(**SHAPE))


def _tied() -> nn.Module:
    more = {"tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True}
    return LlamaForCausalLM(LlamaConfig(**SHAPE, **more))


def _qwen() -> nn.Module:
    return Qwen3ForCausalLM(Qwen3Config(**SHAPE, head_dim=8))


def _gemma() -> nn.Module:
    kinds = ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"]
    config = Gemma3TextConfig(**SHAPE, head_dim=8, sliding_window=4, layer_types=kinds)
    return Gemma3ForCausalLM(config)


def _gpt2() -> nn.Module:
    return GPT2LMHeadModel(
        GPT2Config(n_embd=16, n_layer=4, n_head=4, vocab_size=WORDS, n_positions=32,
                   bos_token_id=1, eos_token_id=2)
    )  # fmt: skip


MAKERS: dict[str, Callable[[], nn.Module]] = {
    "llama": _llama, "tied": _tied, "qwen": _qwen, "gemma": _gemma, "gpt2": _gpt2
}  # fmt: skip


def saved(
    folder: Path, kind: str = "llama", dtype: torch.dtype = torch.float32, shard: str = "3KB"
) -> Any:
    """A model by chance in `folder`, in shards that are smaller than a block; opened whole."""
    torch.manual_seed(0)
    model: Any = MAKERS[kind]()
    for value in model.parameters():
        if value.ndim == 1:
            value.data.add_(0.1 * torch.randn_like(value))
    model.to(dtype).save_pretrained(folder, max_shard_size=shard)
    return AutoModelForCausalLM.from_pretrained(folder, dtype="auto").eval()


def ids(count: int = 12, length: int = 10, seed: int = 1) -> Tensor:
    """Texts by chance, [count, length]."""
    return torch.randint(3, 59, (count, length), generator=torch.Generator().manual_seed(seed))
