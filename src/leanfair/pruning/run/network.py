"""A network of a run, with all that is found out about it, once."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import nn

from leanfair.data.batches import Batch
from leanfair.models.streamed import shelf_of
from leanfair.pruning.cost.macs import Cost, cost_of
from leanfair.pruning.cost.times import Times
from leanfair.pruning.structures.dissect import trace
from leanfair.pruning.structures.repeated import trace_repeated
from leanfair.pruning.structures.update import doubt, misfit, renamings, update, updated
from leanfair.pruning.surgery.activations import Head
from leanfair.pruning.types import Anatomy, Cut


@dataclass(frozen=True, eq=False)
class Network:
    """A network that is pruned: its `structures`, its `cost` for one sample, and its `head`.
    `traced` is False where the structures are known by arithmetic, from those of its parent."""

    model: nn.Module
    structures: Anatomy
    cost: Cost
    head: Head
    traced: bool = True
    note: str | None = None
    """Why the structures were found anew; None where they were not."""


def after_cut(parent: Network, cut: Cut, child: nn.Module, sample: Batch, free: bool) -> Network:
    """The network `child`, which is what `cut` leaves of `parent`."""
    structures = update(cut, parent.structures, parent.model)
    why = doubt(cut, parent.structures)
    times = times_after(parent.cost.times, [cut], parent.model)
    cost = _counted(child, sample, parent.cost, [cut], parent.model)
    return _known(child, structures, parent.head, why, sample, free, replace(cost, times=times))


def after_cuts(
    base: Network, cuts: Sequence[Cut], child: nn.Module, sample: Batch, free: bool
) -> Network:
    """The network `child`, which is what `cuts`, one after the other, leave of `base`."""
    structures, why = updated(cuts, base.structures, base.model)
    times = times_after(base.cost.times, cuts, base.model)
    cost = _counted(child, sample, base.cost, cuts, base.model)
    return _known(child, structures, base.head, why, sample, free, replace(cost, times=times))


def _counted(
    child: nn.Module, sample: Batch, before: Cost, cuts: Sequence[Cut], model: nn.Module
) -> Cost:
    """What `child` costs, which is what `cuts` leave of `model`: counted or, where each look at it
    means to read it from disk, reckoned from the cost `before`, which comes to the same."""
    if shelf_of(child) is None:
        return cost_of(child, sample)
    for cut, now in zip(cuts, renamings(cuts, model), strict=True):
        before = before.without([layer.name for layer in cut.layers], cut.neurons).renamed(now)
    return before


def times_after(times: Times | None, cuts: Sequence[Cut], model: nn.Module) -> Times | None:
    """The `times` of `model` after `cuts`, made one after the other; None where none are known."""
    if times is None:
        return None
    for cut, now in zip(cuts, renamings(cuts, model), strict=True):
        gone = [layer.name for layer in cut.layers]
        times = times.without(gone, cut.neurons).renamed(now)
    return times


def retraced(network: Network, sample: Batch, free: bool, why: str) -> Network:
    """`network` with its structures found anew, and a warning that says `why`."""
    _warn(why)
    structures, head = _found(network.model, sample[:8], free)
    return replace(network, structures=structures, head=head, traced=True, note=why)


def _known(
    model: nn.Module,
    structures: Anatomy,
    head: Head,
    why: str,
    sample: Batch,
    free: bool,
    cost: Cost,
) -> Network:
    """`model`, with its structures found anew where arithmetic cannot have them right."""
    if why := why or misfit(structures, model):
        _warn(why)
        structures, head = _found(model, sample[:8], free)
        return Network(model, structures, cost, head, note=why)
    return Network(model, structures, cost, head._replace(name=structures.head), traced=False)


def _found(model: nn.Module, sample: Batch, free: bool) -> tuple[Anatomy, Head]:
    """The structures of `model` and its head, looked for."""
    if shelf_of(model) is not None:
        return trace_repeated(model, sample, free)
    return trace(model, sample, free)


def _warn(why: str) -> None:
    warnings.warn(
        f"The structures of the network after the last cut are looked for anew, which takes as "
        f"long as at the beginning: {why}.",
        stacklevel=3,
    )
