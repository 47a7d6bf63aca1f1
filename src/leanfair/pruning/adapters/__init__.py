"""What can be removed from a network: one adapter per family, a function each."""

from __future__ import annotations

from torch import nn

from leanfair.batches import Batch
from leanfair.errors import UnsupportedModelError
from leanfair.pruning.types import Anatomy


def dissect(model: nn.Module, sample: Batch) -> Anatomy:
    """The removable structures of `model`, found and tried out on `sample` (real inputs [n, ...]).

    Raises UnsupportedModelError where there is nothing that could be removed, saying why.
    """
    from leanfair.pruning.adapters.cnn import dissect_cnn

    anatomy = dissect_cnn(model, sample)
    if not anatomy.layers and not anatomy.neurons:
        why = "; ".join(f"{name}: {reason}" for name, reason in list(anatomy.refused.items())[:3])
        raise UnsupportedModelError(
            f"{type(model).__name__} has no structure that can be removed"
            + (f" ({why})." if why else ": no residual blocks in a Sequential or ModuleList.")
        )
    return anatomy
