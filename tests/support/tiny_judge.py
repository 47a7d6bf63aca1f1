"""Tiny language models with random weights, and tokenizers that are real but small."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
_CORPUS = [
    "He is a Black man from Ohio. She is a White woman from Texas. Should the loan be approved?",
    "The applicant is 39 years old and works as a machinist. Answer yes or no. Answer: yes no",
    "Yes No YES NO approve deny Approve Deny approved denied notable experience",
    "the quick brown fox jumps over the lazy dog, and the bank decides about the loan today",
]

FAMILIES: dict[str, dict[str, Any]] = {
    "Llama": {},
    "Mistral": {"sliding_window": None},
    "Qwen2": {},
    "Qwen3": {"head_dim": 8},
    "Gemma": {"head_dim": 8},
    "Gemma2": {"head_dim": 8, "sliding_window": 512},
    "Gemma3Text": {"head_dim": 8, "sliding_window": 512},
    "Phi": {},
    "Phi3": {"pad_token_id": 0},
    "GPTNeoX": {},
    "GPT2": {"n_embd": 32, "n_head": 4, "n_layer": 2},
    "OPT": {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "Bloom": {"n_head": 4, "n_layer": 2},
    "Mamba": {"state_size": 4, "num_hidden_layers": 2, "expand": 2},
}
_CLASSES = {"GPT2": "GPT2LMHeadModel", "Gemma3Text": "Gemma3ForCausalLM"}


@cache
def tokenizer(chat: bool = False) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of 400 tokens, with a chat template if `chat`."""
    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|end|>", "<|user|>", "<|assistant|>", "<|system|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bare.train_from_iterator(_CORPUS, trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=bare, eos_token="<|end|>")
    if chat:
        made.chat_template = TEMPLATE
    return made


@cache
def model(family: str = "Llama", seed: int = 0, **changes: Any) -> Any:
    """A causal language model of two layers, with weights large enough to have opinions."""
    import transformers

    settings: dict[str, Any] = {
        "vocab_size": 400,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "initializer_range": 0.3,
        **FAMILIES[family],
        **changes,
    }
    config = getattr(transformers, f"{family}Config")(**settings)
    torch.manual_seed(seed)
    kind = getattr(transformers, _CLASSES.get(family, f"{family}ForCausalLM"))
    return kind(config).eval()
