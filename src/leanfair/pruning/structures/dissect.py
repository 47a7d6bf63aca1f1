"""What can be removed from a network: found by trying, not by knowing its make."""

from __future__ import annotations

import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.data.language import is_causal, is_transformer, shortened, token_ids
from leanfair.errors import UnsupportedModelError
from leanfair.pruning.structures.configuration.entries import configured_model
from leanfair.pruning.structures.configuration.uniform import uniform, writing
from leanfair.pruning.structures.network import convolves, dissect_network
from leanfair.pruning.structures.supported import (
    check_model,
    check_outputs,
    traceable,
    twin_of,
)
from leanfair.pruning.surgery.activations import Head
from leanfair.pruning.surgery.copies import shared_copy
from leanfair.pruning.types import Anatomy

TEXTS, TOKENS = 2, 24
"""How many texts, and tokens of each, removals are tried out on: enough for every kind of
attention, and little enough for large models."""


def dissect(model: nn.Module, sample: Batch, free: bool = False) -> Anatomy:
    """The removable structures of `model`, found and tried out on `sample` (real inputs [n, ...]).
    `model` stays as it is: all trials are on a copy.

    Of a model of transformers with blocks of one width only what its configuration can tell
    afterwards, so that transformers loads the result; `free` offers all that can be removed.

    Raises UnsupportedModelError where nothing could be removed, or the model is of a make that
    cannot be pruned, and InputError where it does not run on `sample`.
    """
    anatomy = anatomy_of(model, sample, free)
    check_removable(anatomy, model)
    return anatomy


def anatomy_of(model: nn.Module, sample: Batch, free: bool = False) -> Anatomy:
    """`dissect`, also where nothing can be removed any more."""
    check_model(model)
    return trace(twin_of(model), sample, free)[0]


def trace(network: nn.Module, sample: Batch, free: bool = False) -> tuple[Anatomy, Head]:
    """The structures of `network` and its head. It is one's own copy in evaluation mode that is fit
    to be pruned, for structures are tried out on it; one of transformers, whose attention and
    precision are changed for that, is copied once more. Raises what `dissect` raises of `sample`.
    """
    if token_ids(sample) is not None:
        sample = shortened(sample, TOKENS)[:TEXTS]
    with torch.random.fork_rng([]):
        logits, head = check_outputs(network, sample)
        if not is_transformer(network):
            return dissect_network(network, sample, head.name), head
        twin, sample = traceable(shared_copy(network), sample, logits)
        configured = configured_model(twin)
        anatomy = dissect_network(twin, sample, head.name, configured, later=not free)
        anatomy = writing(anatomy, twin) if is_causal(twin) else anatomy
        if not free and not convolves(twin, anatomy.stages, sample):
            anatomy = uniform(anatomy, configured, sample)
        return anatomy, head


def check_removable(anatomy: Anatomy, model: nn.Module) -> None:
    """Raise UnsupportedModelError where `model` has no structure that can be removed."""
    if anatomy.layers or anatomy.neurons:
        return
    why = "; ".join(f"{name}: {reason}" for name, reason in _reasons(anatomy)[:3])
    raise UnsupportedModelError(
        f"{type(model).__name__} has no structure that can be removed"
        + (f" ({why})." if why else ": no blocks that pass their input on, no hidden neurons.")
    )


def _reasons(anatomy: Anatomy) -> list[tuple[str, str]]:
    """Each reason why something was refused, with the first of its kind, first those with a
    remedy."""
    first: dict[str, str] = {}
    for name, reason in anatomy.refused.items():
        first.setdefault(reason, name)
    found = [(name, reason) for reason, name in first.items()]
    return sorted(found, key=lambda item: "free=True" not in item[1])
