"""A small tokenizer and small models of transformers that go with it, made on the spot."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import WordLevelTrainer
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

WORDS = [
    "the", "a", "small", "big", "old", "red", "dog", "cat", "bird", "house", "sees", "likes",
    "finds", "and", "then", "it", "sleeps",
]  # fmt: skip
SPECIAL = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[EOS]"]


def tokenizer(eos: bool = True, pad: bool = True, bos: bool = False) -> PreTrainedTokenizerFast:
    """One token a word. [CLS] and [SEP] are put around a text where special tokens are wanted; with
    `bos` [CLS] alone, before it."""
    inner = Tokenizer(WordLevel(unk_token="[UNK]"))
    inner.pre_tokenizer = Whitespace()
    inner.train_from_iterator([" ".join(WORDS)], WordLevelTrainer(special_tokens=SPECIAL))
    inner.post_processor = TemplateProcessing(
        single="[CLS] $A" if bos else "[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    named = {"eos_token": "[EOS]"} if eos else {}
    named |= {"bos_token": "[CLS]"} if bos else {}
    named |= {"pad_token": "[PAD]"} if pad else {}
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]", **named)


def prose(words: int, seed: int = 0) -> str:
    """That many words by chance."""
    drawn = torch.randint(
        0, len(WORDS), (words,), generator=torch.Generator().manual_seed(seed)
    ).tolist()
    return " ".join(WORDS[i] for i in drawn)


SHAPE: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
    "vocab_size": 64, "max_position_embeddings": 64,
}  # fmt: skip


def llama(**more: Any) -> nn.Module:
    """A decoder with grouped-query attention."""
    torch.manual_seed(0)
    model: nn.Module = LlamaForCausalLM(LlamaConfig(num_key_value_heads=2, **{**SHAPE, **more}))
    return model.eval()


def bert(**more: Any) -> nn.Module:
    """A classifier of texts, of two classes."""
    torch.manual_seed(0)
    model: nn.Module = BertForSequenceClassification(BertConfig(**{**SHAPE, **more}))
    return model.eval()
