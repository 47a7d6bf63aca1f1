"""What can be removed from a network: found by trying, not by knowing its make."""

from __future__ import annotations

from torch import nn

from leanfair.batches import Batch
from leanfair.errors import UnsupportedModelError
from leanfair.pruning.types import Anatomy


def dissect(model: nn.Module, sample: Batch) -> Anatomy:
    """The removable structures of `model`, found and tried out on `sample` (real inputs [n, ...]).
    `model` stays as it is: all trials are on a copy.

    Raises UnsupportedModelError where nothing could be removed, or the model is of a make that
    cannot be pruned, and InputError where it does not run on `sample`.
    """
    anatomy = anatomy_of(model, sample)
    if not anatomy.layers and not anatomy.neurons:
        why = "; ".join(f"{name}: {reason}" for name, reason in list(anatomy.refused.items())[:3])
        raise UnsupportedModelError(
            f"{type(model).__name__} has no structure that can be removed"
            + (f" ({why})." if why else ": no blocks that pass their input on, no hidden neurons.")
        )
    return anatomy


def anatomy_of(model: nn.Module, sample: Batch) -> Anatomy:
    """`dissect`, also where nothing can be removed any more."""
    import torch

    from leanfair.pruning.adapters.cnn import dissect_cnn
    from leanfair.pruning.adapters.fitness import check_model, check_outputs, twin_of

    check_model(model)
    twin = twin_of(model)
    with torch.random.fork_rng([]):
        check_outputs(twin, sample)
        return dissect_cnn(twin, sample)
