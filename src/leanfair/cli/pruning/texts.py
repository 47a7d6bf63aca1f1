"""Opening a model of texts, its tokenizer and its data, so that they fit each other.

Loads torch, so commands import it when they run, not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from leanfair.data.batches import Batch, as_batch, forward
from leanfair.data.labelled_text import load_table
from leanfair.data.language import is_embedding, is_language_model, is_transformer
from leanfair.data.splits import TextSplits
from leanfair.data.text import load_text
from leanfair.errors import InputError
from leanfair.models.pretrained import open_tokenizer
from leanfair.pruning.checkpoint.loading import open_model

LENGTH = 128
"""Tokens of a sample unless another number is asked for."""


def is_text_classifier(network: nn.Module) -> bool:
    """Whether `network` is one of transformers that puts texts into classes."""
    return is_transformer(network) and type(network).__name__.endswith("ForSequenceClassification")


def takes_text(network: nn.Module) -> bool:
    """Whether `network` is for texts: a language model, a classifier of texts, or an encoder that
    represents them."""
    encodes = is_embedding(network) and getattr(network, "main_input_name", "") == "input_ids"
    return encodes or is_language_model(network) or is_text_classifier(network)


def open_texts(
    model: str,
    data: str,
    *,
    length: int | None,
    tokenizer: str | None,
    text: str | None,
    label: str | None,
    calibration: int | None,
    seed: int,
    opened: nn.Module | None = None,
) -> tuple[nn.Module, TextSplits[Any], Any]:
    """The network that `model` names, if it is not `opened` yet, the data in its three parts, and
    the tokenizer. A classifier
    needs a table with the columns `text` and `label`. Raises InputError where they do not fit."""
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # there is a display of our own
    network: Any = open_model(model) if opened is None else opened
    if not takes_text(network):
        raise InputError(
            f"{model} is a {type(network).__name__}, which takes no text, but {data} holds text: "
            f"give images, or a language model."
        )
    words = open_tokenizer(tokenizer or model)
    splits = read_texts(
        model,
        network,
        words,
        data,
        length=length,
        text=text,
        label=label,
        calibration=calibration,
        seed=seed,
    )
    return network, splits, words


def read_texts(
    model: str,
    network: Any,
    words: Any,
    data: str,
    *,
    length: int | None,
    text: str | None,
    label: str | None,
    calibration: int | None,
    seed: int,
    keep: Sequence[str] = (),
) -> TextSplits[Any]:
    """The data in its three parts, as the `network` that is called `model` takes them, with the
    tokenizer `words`. `keep`: columns of a table to keep beside texts and labels. Raises InputError
    where they do not fit."""
    size = _length(length, network, words)
    splits: TextSplits[Any]
    if is_text_classifier(network):
        config = network.config
        splits = load_table(
            data,
            words,
            size,
            classes=config.num_labels,
            label2id=config.label2id,
            calibration=calibration,
            seed=seed,
            text=text or "text",
            label=label or "label",
            padding=_padding(config, words),
            keep=keep,
        )
    elif label is not None:
        raise InputError(f"--label is for a classifier, but {model} is a language model.")
    else:
        splits = load_text(
            data, words, size, calibration=calibration, seed=seed, column=text or "text"
        )
    _check_fits(model, data, network, splits)
    return splits


def _padding(config: Any, tokenizer: Any) -> int | None:
    """The token by which the model tells padding, which its tokenizer is given where it has none;
    None where the model says none."""
    told = config.get_text_config().pad_token_id
    if told is None:
        return None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(told)
    return int(told)


def sample_of(network: Any, length: int | None) -> Batch:
    """Two samples of tokens by chance, such as `network` takes, [2, length]; the second is padded
    from the middle on, so that what heeds no padding is found out."""
    size = _length(length, network, None)
    count = network.get_input_embeddings().num_embeddings
    ids = torch.randint(0, count, (2, size), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, size // 2 :] = 0
    return as_batch({"input_ids": ids, "attention_mask": mask})


def _length(asked: int | None, network: Any, tokenizer: Any) -> int:
    """How many tokens a sample has: what was asked for, if the model can take so many."""
    config = network.config.get_text_config()
    limits = (
        getattr(config, "max_position_embeddings", None),
        getattr(tokenizer, "model_max_length", None),
    )
    most = min((limit for limit in limits if limit), default=None)
    if asked is None:
        return LENGTH if most is None else int(min(LENGTH, most))
    if asked < 2:
        raise InputError(f"--length must be 2 tokens or more, but is {asked}.")
    if most is not None and asked > most:
        raise InputError(f"--length {asked} is more than the {most} tokens that the model takes.")
    return asked


def _check_fits(model: str, data: str, network: Any, splits: TextSplits[Any]) -> None:
    """Raise InputError where `network` cannot take the tokens."""
    count = network.get_input_embeddings().num_embeddings
    largest = max(int(part.ids.max()) for part in (splits.train, splits.calibration, splits.test))
    if largest >= count:
        raise InputError(
            f"The tokenizer gives the token {largest}, but {model} knows {count}: give "
            f"--tokenizer, the folder of one that belongs to the model."
        )
    first = as_batch(splits.calibration.take(torch.tensor([0]), torch.Generator()))
    try:
        with torch.no_grad():
            forward(network, first.inputs)
    except (RuntimeError, ValueError, IndexError) as error:
        raise InputError(f"{model} does not take the tokens of {data}: {error}") from error
