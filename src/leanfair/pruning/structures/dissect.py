"""What can be removed from a network: found by trying, not by knowing its make."""

from __future__ import annotations

from torch import nn

from leanfair.data.batches import Batch
from leanfair.errors import UnsupportedModelError
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
    if not anatomy.layers and not anatomy.neurons:
        why = "; ".join(f"{name}: {reason}" for name, reason in _reasons(anatomy)[:3])
        raise UnsupportedModelError(
            f"{type(model).__name__} has no structure that can be removed"
            + (f" ({why})." if why else ": no blocks that pass their input on, no hidden neurons.")
        )
    return anatomy


def _reasons(anatomy: Anatomy) -> list[tuple[str, str]]:
    """Each reason why something was refused, with the first of its kind, first those with a
    remedy."""
    first: dict[str, str] = {}
    for name, reason in anatomy.refused.items():
        first.setdefault(reason, name)
    found = [(name, reason) for reason, name in first.items()]
    return sorted(found, key=lambda item: "free=True" not in item[1])


def anatomy_of(model: nn.Module, sample: Batch, free: bool = False) -> Anatomy:
    """`dissect`, also where nothing can be removed any more."""
    import torch

    from leanfair.data.language import is_causal, is_transformer, shortened, token_ids
    from leanfair.pruning.structures.configuration.entries import stock_of
    from leanfair.pruning.structures.configuration.uniform import uniform, writing
    from leanfair.pruning.structures.network import convolves, dissect_network
    from leanfair.pruning.structures.supported import check_model, check_outputs, traceable, twin_of

    check_model(model)
    if token_ids(sample) is not None:
        sample = shortened(sample, TOKENS)[:TEXTS]
    with torch.random.fork_rng([]):
        twin = twin_of(model)
        check_outputs(twin, sample)
        twin, sample = traceable(twin, sample)
        if not is_transformer(twin):
            return dissect_network(twin, sample)
        stock = stock_of(twin)
        anatomy = dissect_network(twin, sample, stock, later=not free)
        anatomy = writing(anatomy, twin) if is_causal(twin) else anatomy
        if free or convolves(twin, anatomy.stages, sample):
            return anatomy
        return uniform(anatomy, stock, sample)
