"""Physical removal: a smaller copy of a network, proven against its zero-masked twin."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from torch import nn

from leanfair.data.batches import Batch
from leanfair.errors import SurgeryError
from leanfair.pruning.surgery.config import changed, depth_entries, width_entries, with_entries
from leanfair.pruning.surgery.narrowing import narrow
from leanfair.pruning.surgery.rebuild import apart, is_apart, shapes, skeleton, stocked
from leanfair.pruning.surgery.verification import Heads, difference
from leanfair.pruning.types import Cut


def apply(
    cut: Cut, model: nn.Module, proof: Batch | None = None, heads: Heads | None = None
) -> nn.Module:
    """A copy of `model` without what `cut` removes. `model` itself stays as it is.

    With `proof` (real inputs, [n, ...]) the copy's outputs are held against those of `model` with
    the same structures zeroed. Raises SurgeryError, naming the structure, where they differ by more
    than rounding, and where the cut does not fit the model. `heads` are the names of the heads of
    `model` and of the copy, where they are known already.
    """
    child = remove(cut, model)
    if proof is not None and difference(cut, model, child, proof, heads) > 1.0:
        raise SurgeryError(
            f"Removing {_culprit(cut, model, proof)} does not give the outputs of the network with "
            f"it zeroed, so it was not removed: the model uses it in a way that cannot be pruned."
        )
    return child


def remove(cut: Cut, model: nn.Module) -> nn.Module:
    """A copy of `model` without what `cut` removes, not proven. Raises SurgeryError on a misfit.

    A model of transformers is built anew by its own class where its configuration can tell the cut.
    """
    child = copy.deepcopy(model)
    narrow(cut, child)
    stock = as_stock(cut, model, child)
    return stock or apart(with_entries(child, depth_entries(cut, model)))


def as_stock(cut: Cut, model: nn.Module, child: nn.Module) -> nn.Module | None:
    """What transformers builds of `model` after `cut`, with the tensors of `child`, the network
    that was cut; None where it builds something else, or the configuration cannot tell the cut."""
    entries = {**depth_entries(cut, model), **width_entries(cut)}
    if not entries or is_apart(model):
        return None
    bare = skeleton(model, changed(model.config, {}))
    if bare is None or shapes(bare) != shapes(model):
        return None
    narrow(cut, bare)
    return stocked(child, changed(model.config, entries), bare)


def parts(cut: Cut) -> Iterable[tuple[str, Cut]]:
    """Each structure of `cut` by name, as a cut of its own."""
    for layer in cut.layers:
        yield layer.name, Cut("layer", layers=(layer,))
    for neurons in cut.neurons:
        yield neurons.group.name, Cut("neurons", neurons=(neurons,))


def _culprit(cut: Cut, model: nn.Module, proof: Batch) -> str:
    for name, part in parts(cut):
        if difference(part, model, remove(part, model), proof) > 1.0:
            return name
    return " with ".join(name for name, _ in parts(cut))
