"""Logits where they are read, and nowhere else: the head of a language model is as much work as a
quarter of all its other weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def logits_at(model: Any, inputs: Mapping[str, Any], rows: Tensor, columns: Tensor) -> Tensor:
    """The logits [places, vocabulary] of `model` at the places (row, column).

    The head is given the hidden states of these places alone. A model whose head is no module, or
    is not called as one, computes all logits, and those at the places are taken.
    """
    head = model.get_output_embeddings()
    if head is None:
        return _at(_all(model, inputs), rows, columns)
    whole = tuple(inputs["input_ids"].shape)
    gathered = False

    def gather(module: Any, given: tuple[Any, ...]) -> Any:
        nonlocal gathered
        if len(given) == 1 and tuple(given[0].shape[:2]) == whole:
            gathered = True
            return (_at(given[0], rows, columns)[None],)
        return None

    hook = head.register_forward_pre_hook(gather)
    try:
        logits = _all(model, inputs)
    finally:
        hook.remove()
    return logits[0] if gathered else _at(logits, rows, columns)


def _all(model: Any, inputs: Mapping[str, Any]) -> Tensor:
    logits: Tensor = model(**inputs).logits
    return logits


def _at(values: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The values at some places, on whatever device a part of the model left them."""
    return values[rows.to(values.device), columns.to(values.device)]
