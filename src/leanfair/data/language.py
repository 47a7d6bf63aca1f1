"""Models that answer token by token: which they are, and what each position should say.

Logits of a classifier are [n, classes]; those of a language model are [n, tokens, words], and every
token that is no padding counts as a sample of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch

IGNORED = -100
"""The label of a position that is not asked, as PyTorch and transformers have it."""

_CAUSAL = ("ForCausalLM", "LMHeadModel", "LMHead")
_TOKENWISE = (*_CAUSAL, "ForMaskedLM", "ForPreTraining", "ForConditionalGeneration")


def is_transformer(model: nn.Module) -> bool:
    """Whether `model` is one of transformers' own, with a configuration that tells its shape."""
    return any(
        base.__name__ == "PreTrainedModel" and base.__module__.startswith("transformers.")
        for base in type(model).__mro__
    )


def is_causal(model: nn.Module) -> bool:
    """Whether each position of `model` says which token comes next."""
    if not is_transformer(model):
        return False
    config = model.config
    if getattr(config, "is_encoder_decoder", False):
        return False
    # A model that sees and writes, such as Gemma 3, generates without being called a causal LM.
    return _named(model, ("ForConditionalGeneration", *_CAUSAL))


def is_language_model(model: nn.Module) -> bool:
    """Whether `model` gives logits for every token, [n, tokens, words]: one that is called so, or
    an encoder-decoder that generates from a vocabulary, whatever its name (Marian)."""
    return is_transformer(model) and (_named(model, _TOKENWISE) or _translates(model))


def is_embedding(model: nn.Module) -> bool:
    """Whether `model` is one of transformers without a head, which represents its inputs: an
    encoder of sentences, of images or of sound."""
    headless = "For" not in type(model).__name__
    return is_transformer(model) and headless and not is_language_model(model)


def answers_by_token(model: nn.Module) -> bool:
    """Whether `model` answers at every token: a language model, or one that puts tokens into
    classes or represents them."""
    if not is_transformer(model):
        return False
    return (
        is_language_model(model) or is_embedding(model) or _named(model, ("TokenClassification",))
    )


def _translates(model: nn.Module) -> bool:
    config: Any = model.config
    generates = any(base.__name__ == "GenerationMixin" for base in type(model).__mro__)
    if not generates or not getattr(config, "is_encoder_decoder", False):
        return False
    return model.get_output_embeddings() is not None  # type: ignore[operator]


def _named(model: nn.Module, endings: tuple[str, ...]) -> bool:
    """Whether the class of `model`, or one that it is made from, has such a name."""
    return any(base.__name__.endswith(endings) for base in type(model).__mro__)


def token_mask(batch: Batch, length: int) -> Tensor | None:
    """Which of `length` positions of each sample hold a token, [n, length]; None where all do, or
    where that is not told."""
    if not isinstance(batch.inputs, dict):
        return None
    names = ("decoder_attention_mask", "attention_mask")
    for name in names if "decoder_input_ids" in batch.inputs else names[1:]:
        mask = batch.inputs.get(name)
        if mask is not None and mask.ndim == 2 and mask.shape[1] == length:
            return mask.bool()
    return None


def flattened(batch: Batch, values: Tensor) -> Tensor:
    """The rows of `values` [n, tokens, ...] that belong to tokens, [tokens in all, ...]."""
    mask = token_mask(batch, values.shape[1])
    return values.flatten(0, 1) if mask is None else values[mask.to(values.device)]


def targets(model: nn.Module, batch: Batch) -> Tensor | None:
    """What each position should say, [n, tokens] with `IGNORED` where nothing is asked; None where
    that is not known.

    Labels are given as transformers takes them: for a causal model at the token itself, so that
    position t should say label t + 1. Without labels the next token of the text is right.
    """
    labels = batch.labels
    causal = is_causal(model)
    ignored = getattr(getattr(model, "config", None), "semantic_loss_ignore_index", None)
    if labels is not None and isinstance(ignored, int) and labels.ndim > 2:
        labels = labels.masked_fill(labels == ignored, IGNORED)  # a map of classes
    if labels is None and causal:
        labels = token_ids(batch)
        mask = None if labels is None else token_mask(batch, labels.shape[1])
        if labels is not None and mask is not None:
            labels = labels.masked_fill(~mask.to(labels.device), IGNORED)
    if labels is None or labels.ndim != 2 or not causal:
        return labels
    return torch.cat([labels[:, 1:], labels.new_full((len(labels), 1), IGNORED)], dim=1)


def token_ids(batch: Batch) -> Tensor | None:
    """The tokens of each sample, [n, tokens]; None where the inputs are no tokens."""
    inputs = batch.inputs
    found = inputs.get("input_ids") if isinstance(inputs, dict) else inputs
    whole = found is not None and not found.is_floating_point() and found.ndim == 2
    return found if whole else None


def shortened(batch: Batch, tokens: int) -> Batch:
    """`batch` with at most `tokens` tokens a sample; images stay as they are."""
    found = token_ids(batch)
    if found is None or found.shape[1] <= tokens:
        return batch
    length = found.shape[1]

    def cut(value: Tensor) -> Tensor:
        return value[:, :tokens] if value.ndim >= 2 and value.shape[1] == length else value

    labels = None if batch.labels is None else cut(batch.labels)
    return replace(batch.mapped(cut), labels=labels)
