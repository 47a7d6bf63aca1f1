"""Tiny transformers and texts that can be learnt, made the same way by tests and by processes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

VOCABULARY = 32


def llama(seed: int = 0) -> nn.Module:
    """A causal language model with grouped queries; its head is tied to its embedding."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, vocab_size=VOCABULARY, tie_word_embeddings=True,
            pad_token_id=0, bos_token_id=1, eos_token_id=2,
        )
    ).eval()  # fmt: skip


def gpt2(seed: int = 0) -> nn.Module:
    """A causal language model whose linear layers have their weights transposed."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    return GPT2LMHeadModel(
        GPT2Config(
            n_embd=32, n_layer=2, n_head=4, vocab_size=VOCABULARY, n_positions=16,
            bos_token_id=1, eos_token_id=2,
        )
    ).eval()  # fmt: skip


def bert(seed: int = 0) -> nn.Module:
    """An encoder that says which words were masked."""
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(seed)
    return BertForMaskedLM(
        BertConfig(
            hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            vocab_size=VOCABULARY, max_position_embeddings=16, hidden_dropout_prob=0.1,
        )
    ).eval()  # fmt: skip


def vit(seed: int = 0) -> nn.Module:
    """A classifier of images."""
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(seed)
    return ViTForImageClassification(
        ViTConfig(
            hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            image_size=8, patch_size=4, num_channels=1, num_labels=4,
        )
    ).eval()  # fmt: skip


def texts(count: int, length: int = 8, seed: int = 0) -> Tensor:
    """Sentences that count upwards from a word of chance, [count, length]."""
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(1, VOCABULARY, (count, 1), generator=generator)
    return (first + torch.arange(length) - 1) % (VOCABULARY - 1) + 1


def padded(count: int, length: int = 8, seed: int = 0) -> list[dict[str, Tensor]]:
    """`texts` of uneven lengths as samples, filled up with 0."""
    generator = torch.Generator().manual_seed(seed + 1)
    lengths = torch.randint(2, length + 1, (count, 1), generator=generator)
    mask = (torch.arange(length) < lengths).long()
    ids = texts(count, length, seed) * mask
    return [{"input_ids": i, "attention_mask": m} for i, m in zip(ids, mask, strict=True)]
