"""Physical removal: a smaller copy of a network, verified against its zero-masked twin."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from torch import nn

from leanfair.data.batches import Batch
from leanfair.errors import SurgeryError
from leanfair.pruning.surgery.config import changed, depth_entries, width_entries, with_entries
from leanfair.pruning.surgery.copies import frame_of, shared_copy
from leanfair.pruning.surgery.narrowing import narrow
from leanfair.pruning.surgery.rebuild import apart, build_from, is_apart, shapes, with_tensors_of
from leanfair.pruning.surgery.streaming import shelved
from leanfair.pruning.surgery.verification import Heads, difference
from leanfair.pruning.types import Cut


def apply(
    cut: Cut,
    model: nn.Module,
    proof: Batch | None = None,
    heads: Heads | None = None,
    *,
    share: bool = False,
) -> nn.Module:
    """A copy of `model` without what `cut` removes; `model` is not changed. With `share`, for a
    copy that is not to be trained, weights that stay as they are share their memory.

    With `proof` (real inputs [n, ...]) the outputs of the copy are compared with those of `model`
    with the same structures zeroed. Raises SurgeryError, naming the structure, if they differ by
    more than rounding, or if the cut does not fit the model. `heads`: the names of the heads of
    `model` and of the copy, if they are known.
    """
    child = remove(cut, model, share=share)
    if proof is not None and difference(cut, model, child, proof, heads) > 1.0:
        raise SurgeryError(
            f"Removing {_culprit(cut, model, proof)} does not give the outputs of the network with "
            f"it zeroed, so it was not removed: the model uses it in a way that cannot be pruned."
        )
    return child


def remove(cut: Cut, model: nn.Module, *, share: bool = False) -> nn.Module:
    """A copy of `model` without what `cut` removes, not verified; `share`: see `apply`. Raises
    SurgeryError if the cut does not fit the model.

    A transformers model is rebuilt by its own class if its configuration can express the cut.
    """
    child = shared_copy(model) if share else copy.deepcopy(model)
    narrow(cut, child)
    rebuilt = from_configuration(cut, model, child)
    left = rebuilt or apart(with_entries(child, depth_entries(cut, model)))
    return shelved(cut, model, left)


def from_configuration(
    cut: Cut, model: nn.Module, child: nn.Module, built: nn.Module | None = None
) -> nn.Module | None:
    """The network that transformers builds for `model` after `cut`, with the tensors of `child`,
    the narrowed network. None if the configuration cannot express the cut, or if transformers
    builds something else from it. `built`: what transformers builds for `model` as it is, if that
    is known; it never ran, and stays as it is."""
    entries = {**depth_entries(cut, model), **width_entries(cut)}
    if not entries or is_apart(model):
        return None
    built = built or build_from(model, changed(model.config, {}))
    if built is None or shapes(built) != shapes(model):
        return None
    reference = frame_of(built)
    narrow(cut, reference)
    return with_tensors_of(child, changed(model.config, entries), reference)


def parts(cut: Cut) -> Iterable[tuple[str, Cut]]:
    """Each structure of `cut` by name, as a separate cut."""
    for layer in cut.layers:
        yield layer.name, Cut("layer", layers=(layer,))
    for neurons in cut.neurons:
        yield neurons.group.name, Cut("neurons", neurons=(neurons,))


def _culprit(cut: Cut, model: nn.Module, proof: Batch) -> str:
    for name, part in parts(cut):
        if difference(part, model, remove(part, model, share=True), proof) > 1.0:
            return name
    return " with ".join(name for name, _ in parts(cut))
