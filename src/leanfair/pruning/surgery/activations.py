"""Logits and penultimate features of a network over batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.utils.hooks import RemovableHandle

from leanfair.data.batches import Batch, forward
from leanfair.data.language import flattened, is_embedding
from leanfair.evaluation.mode import evaluating
from leanfair.pruning.surgery.modules import first_tensor, is_dense


class Outputs(NamedTuple):
    """The outputs of a network for some batches: `logits` [n, classes] and penultimate `features`
    [n, d], flattened. In a language model each token that is not padding is one of the n samples:
    logits [tokens, vocabulary], features [tokens, d]."""

    logits: Tensor
    features: Tensor


class Head(NamedTuple):
    """The module whose input is the penultimate representation: its `name` ("" where the output is
    the representation itself), whether it runs `once` in a forward pass, and whether the network
    has one output per token (`tokenwise`)."""

    name: str
    once: bool
    tokenwise: bool


class ArrivedError(Exception):
    """Raised by a hook to end a forward pass early, once the wanted input is recorded."""


def outputs(model: nn.Module, batches: Sequence[Batch], head: str | None = None) -> Outputs:
    """Logits and penultimate features over all `batches`, in evaluation mode and without
    gradients. `head`: the name of the head, if it is known."""
    head = head_of(model, batches[0]) if head is None else head
    with inferring(model):
        return joined([observed(model, head, batch) for batch in batches])


def features(
    model: nn.Module, batches: Sequence[Batch], head: Head | None = None
) -> Iterator[Tensor]:
    """The penultimate features of one of `batches` after the other, as in `Outputs`. A head that
    runs once is not executed: in a small language model it dominates the cost, and its logits the
    memory. `head`: the head, if it is known."""
    head = head or find_head(model, batches[0])
    for batch in batches:
        with inferring(model):
            found = batch_features(model, head, batch)
        yield found


def head_of(model: nn.Module, batch: Batch) -> str:
    """The name of the last module with weights: its input is the penultimate representation."""
    return find_head(model, batch).name


def find_head(model: nn.Module, batch: Batch, name: str | None = None) -> Head:
    """The head called `name` or, with None, the last dense or convolutional module that runs; that
    of an embedding model is "", which stands for its output."""
    with dense_runs(model) as ran, inferring(model):
        logits = forward(model, batch[:1].inputs)
    return head_among(ran, model, logits, name)


@contextmanager
def dense_runs(model: nn.Module) -> Iterator[list[str]]:
    """The names of the dense and convolutional modules of `model`, by each of their runs for the
    duration of the context."""
    ran: list[str] = []

    def entered(name: str) -> Any:
        return lambda module, args: ran.append(name)

    handles = [
        module.register_forward_pre_hook(entered(name))
        for name, module in model.named_modules()
        if isinstance(module, _ConvNd) or is_dense(module)
    ]
    try:
        yield ran
    finally:
        for handle in handles:
            handle.remove()


def head_among(
    ran: Sequence[str], model: nn.Module, logits: Tensor, name: str | None = None
) -> Head:
    """`find_head` of `model`, of which one forward pass gave `logits` and `ran` these modules."""
    if name is None:
        name = ran[-1] if ran and not is_embedding(model) else ""
    return Head(name, ran.count(name) == 1, logits.ndim == 3)


def observed(model: nn.Module, head: str, batch: Batch) -> Outputs:
    """The outputs of `model` for one batch, the features taken at the input of module `head`."""
    if not head:
        found = _rows(batch, forward(model, batch.inputs), tokenwise=True)
        return Outputs(found, found)
    entries: list[Tensor] = []

    def look(module: nn.Module, args: Any, kwargs: Any) -> None:
        entries.append(first_tensor(args, kwargs)[1])

    handle = model.get_submodule(head).register_forward_pre_hook(look, with_kwargs=True)
    try:
        logits = forward(model, batch.inputs)
    finally:
        handle.remove()
    tokenwise = logits.ndim == 3
    return Outputs(
        flattened(batch, logits) if tokenwise else logits, _rows(batch, entries[-1], tokenwise)
    )


def run_body(model: nn.Module, head: Head | None, batch: Batch) -> None:
    """Run `model` on one batch for what hooks see on the way; in a language model whose `head` is
    known and runs once end there, for its logits may take more memory than all the rest."""
    if head is not None and head.name and head.once and head.tokenwise:
        batch_features(model, head, batch)
    else:
        forward(model, batch.inputs)


def batch_features(model: nn.Module, head: Head, batch: Batch) -> Tensor:
    """The features of `observed`, ending the forward pass at the head if that runs once."""
    if not head.once:
        return observed(model, head.name, batch).features
    entries: list[Tensor] = []

    def arrive(module: nn.Module, args: Any, kwargs: Any) -> None:
        entries.append(first_tensor(args, kwargs)[1])
        raise ArrivedError

    handle = model.get_submodule(head.name).register_forward_pre_hook(arrive, with_kwargs=True)
    try:
        forward(model, batch.inputs)
    except ArrivedError:
        pass
    finally:
        handle.remove()
    return _rows(batch, entries[0], head.tokenwise)


def _rows(batch: Batch, values: Tensor, tokenwise: bool) -> Tensor:
    """`values` [n, ...] as rows: one for each token where they are `tokenwise` and have some, else
    one for each sample."""
    return flattened(batch, values) if tokenwise and values.ndim == 3 else values.flatten(1)


def joined(parts: list[Outputs]) -> Outputs:
    """The outputs of several batches as one."""
    if len(parts) == 1:
        return parts[0]
    return Outputs(torch.cat([p.logits for p in parts]), torch.cat([p.features for p in parts]))


@contextmanager
def inferring(model: nn.Module, *handles: RemovableHandle) -> Iterator[None]:
    """`model` in evaluation mode, without gradients, for the duration of the context, and with the
    hooks of `handles`, which are taken away at its end."""
    try:
        with torch.no_grad(), evaluating(model):
            yield
    finally:
        for handle in handles:
            handle.remove()
