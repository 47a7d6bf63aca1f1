"""Logits where they are read, and nowhere else: the head of a language model is as much work as a
quarter of all its other weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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


@contextmanager
def last_mlp_at(model: Any, columns: Tensor) -> Iterator[None]:
    """Within it the MLP of the last layer, behind which tokens no longer meet, works at `columns`
    alone; it gives zeros elsewhere. Of a model without such a module all is computed."""
    mlp = _last_mlp(model)
    if mlp is None:
        yield
        return
    width = 0

    def gather(module: Any, given: tuple[Any, ...]) -> Any:
        nonlocal width
        width = given[0].shape[1]
        return (given[0][:, columns.to(given[0].device)],)

    def scatter(module: Any, given: tuple[Any, ...], out: Tensor) -> Tensor:
        whole = out.new_zeros(out.shape[0], width, *out.shape[2:])
        return whole.index_copy_(1, columns.to(out.device), out)

    hooks = [mlp.register_forward_pre_hook(gather), mlp.register_forward_hook(scatter)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _last_mlp(model: Any) -> Any:
    """The MLP of the last layer; None where it is not called so, as of mixtures of experts."""
    layers = getattr(model.base_model, "layers", None) or getattr(model.base_model, "h", None)
    mlp = getattr(layers[-1], "mlp", None) if layers is not None else None
    return mlp if type(mlp).__name__.endswith("MLP") else None


def _all(model: Any, inputs: Mapping[str, Any]) -> Tensor:
    logits: Tensor = model(**inputs).logits
    return logits


def _at(values: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The values at some places, on whatever device a part of the model left them."""
    return values[rows.to(values.device), columns.to(values.device)]
