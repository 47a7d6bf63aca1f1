"""A tiny model of every family of transformers that the project promises to prune."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from leanfair.data.batches import Batch
from tests.support.oracles import zoo

WORDS, LENGTH = 64, 12


class Family(NamedTuple):
    """`make` builds the model. `heads` and `units`: how many of each a layer has, as far as the
    configuration can tell fewer; 0 where it cannot. `layers` may go. `free_heads` are those that
    free widths add."""

    make: Callable[[], nn.Module]
    heads: int
    units: int
    layers: int
    free_heads: int
    inputs: str = "text"


def _made(model: str, config: str, **given: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        import transformers

        torch.manual_seed(0)
        built: nn.Module = getattr(transformers, model)(getattr(transformers, config)(**given))
        return zoo.awake(built)

    return make


def _text(model: str, config: str, **given: Any) -> Callable[[], nn.Module]:
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 4}
    ids = {"vocab_size": WORDS, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    return _made(model, config, **{**sizes, "num_attention_heads": 4, **ids, **given})


def _images(model: str, config: str, **given: Any) -> Callable[[], nn.Module]:
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 4}
    rest = {"num_attention_heads": 4, "image_size": 16, "patch_size": 8, "num_labels": 3}
    return _made(model, config, **{**sizes, **rest, **given})


GROUPED = {"num_key_value_heads": 2}
GPT = {"n_embd": 32, "n_layer": 4, "n_head": 4, "vocab_size": WORDS, "n_positions": 64}
IDS = {"bos_token_id": 1, "eos_token_id": 2}
SEQUENCE = {"num_labels": 3, "max_position_embeddings": 64}

FAMILIES: dict[str, Family] = {
    "llama": Family(
        _text("LlamaForCausalLM", "LlamaConfig", tie_word_embeddings=True, **GROUPED), 2, 48, 4, 2
    ),
    "llama with biases": Family(
        _text("LlamaForCausalLM", "LlamaConfig", attention_bias=True, mlp_bias=True), 4, 48, 4, 4
    ),
    "mistral": Family(_text("MistralForCausalLM", "MistralConfig", **GROUPED), 2, 48, 4, 2),
    "qwen2": Family(_text("Qwen2ForCausalLM", "Qwen2Config", **GROUPED), 2, 48, 4, 2),
    "qwen3": Family(_text("Qwen3ForCausalLM", "Qwen3Config", head_dim=16, **GROUPED), 2, 48, 4, 2),
    "gemma": Family(
        _text("GemmaForCausalLM", "GemmaConfig", head_dim=8, num_key_value_heads=1), 4, 48, 4, 4
    ),
    "gemma2": Family(
        _text("Gemma2ForCausalLM", "Gemma2Config", head_dim=8, sliding_window=4, **GROUPED),
        2, 48, 4, 2,
    ),
    "gemma3": Family(
        _text(
            "Gemma3ForCausalLM", "Gemma3TextConfig",
            head_dim=8, sliding_window=4, sliding_window_pattern=2, num_key_value_heads=1,
        ),
        4, 48, 4, 4,
    ),
    "phi3": Family(_text("Phi3ForCausalLM", "Phi3Config", **GROUPED), 2, 48, 4, 0),
    "phi": Family(_text("PhiForCausalLM", "PhiConfig"), 4, 48, 4, 4),
    "smollm3": Family(_text("SmolLM3ForCausalLM", "SmolLM3Config", **GROUPED), 2, 48, 4, 2),
    "cohere": Family(_text("CohereForCausalLM", "CohereConfig", **GROUPED), 2, 48, 4, 2),
    "starcoder2": Family(
        _text("Starcoder2ForCausalLM", "Starcoder2Config", **GROUPED),
        2, 48, 4, 2,
    ),
    "gpt2": Family(_made("GPT2LMHeadModel", "GPT2Config", **GPT, **IDS), 0, 128, 4, 4),
    "gptj": Family(
        _made("GPTJForCausalLM", "GPTJConfig", rotary_dim=4, **GPT, **IDS), 0, 128, 4, 4
    ),
    "neox": Family(_text("GPTNeoXForCausalLM", "GPTNeoXConfig"), 0, 48, 4, 4),
    "opt": Family(
        _made(
            "OPTForCausalLM", "OPTConfig",
            hidden_size=32, ffn_dim=48, num_hidden_layers=4, num_attention_heads=4,
            vocab_size=WORDS, word_embed_proj_dim=32,
        ),
        0, 48, 4, 4,
    ),
    "olmo2, whose norms mix heads": Family(
        _text("Olmo2ForCausalLM", "Olmo2Config", **GROUPED), 0, 48, 4, 0
    ),
    "bert": Family(_text("BertForSequenceClassification", "BertConfig", **SEQUENCE), 0, 48, 4, 4),
    "bert for masks": Family(_text("BertForMaskedLM", "BertConfig"), 0, 48, 4, 4),
    "roberta": Family(
        _text("RobertaForSequenceClassification", "RobertaConfig", **SEQUENCE), 0, 48, 4, 4
    ),
    "distilbert": Family(
        _made(
            "DistilBertForSequenceClassification", "DistilBertConfig",
            dim=32, hidden_dim=48, n_layers=4, n_heads=4, vocab_size=WORDS, num_labels=3,
        ),
        0, 48, 4, 4,
    ),
    "electra": Family(
        _text("ElectraForSequenceClassification", "ElectraConfig", embedding_size=32, **SEQUENCE),
        0, 48, 4, 4,
    ),
    "vit": Family(_images("ViTForImageClassification", "ViTConfig"), 4, 48, 4, 4, "image"),
    "deit": Family(_images("DeiTForImageClassification", "DeiTConfig"), 4, 48, 4, 4, "image"),
    "beit": Family(_images("BeitForImageClassification", "BeitConfig"), 4, 48, 3, 4, "image"),
    "dinov2": Family(
        _images("Dinov2ForImageClassification", "Dinov2Config", mlp_ratio=2), 4, 0, 4, 4, "image"
    ),
    "swin": Family(
        _made(
            "SwinForImageClassification", "SwinConfig",
            image_size=16, patch_size=2, embed_dim=16, depths=[2, 3], num_heads=[2, 4],
            window_size=4, num_labels=3,
        ),
        0, 0, 2, 0, "image",
    ),
    "bart": Family(
        _made(
            "BartForConditionalGeneration", "BartConfig",
            d_model=32, encoder_ffn_dim=48, decoder_ffn_dim=48, encoder_layers=4, decoder_layers=3,
            encoder_attention_heads=4, decoder_attention_heads=4, vocab_size=WORDS,
            max_position_embeddings=64,
        ),
        0, 48, 7, 4, "pair",
    ),
}  # fmt: skip


def sample_of(family: str, n: int = 4, length: int = LENGTH) -> Batch:
    """Inputs that a family takes."""
    generator = torch.Generator().manual_seed(1)
    kind = FAMILIES[family].inputs
    if kind == "image":
        return Batch({"pixel_values": torch.randn(n, 3, 16, 16, generator=generator)})
    ids = torch.randint(3, WORDS, (n, length), generator=generator)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if kind == "pair":
        inputs["decoder_input_ids"] = ids[:, : length - 3]
    return Batch(inputs)


def generates(model: nn.Module) -> bool:
    """Whether it writes text."""
    return type(model).__name__.endswith(("ForCausalLM", "LMHeadModel", "ForConditionalGeneration"))
