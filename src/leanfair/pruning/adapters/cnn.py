"""Any network of modules, of whatever make: layers found by what its blocks do, neurons by where
its channels go."""

from __future__ import annotations

from torch import nn

from leanfair.batches import Batch
from leanfair.pruning.adapters.blocks import find_blocks
from leanfair.pruning.adapters.dye import Dye
from leanfair.pruning.adapters.neurons import find_neurons
from leanfair.pruning.adapters.trials import Trials
from leanfair.pruning.replay import head_of
from leanfair.pruning.types import Anatomy


def dissect_cnn(model: nn.Module, sample: Batch) -> Anatomy:
    """The blocks and neurons of `model` that can go, tried out on `sample` ([n, ...], n small).
    `model` is in evaluation mode."""
    dye = Dye(model, sample)
    trials = Trials(model, sample, dye)
    blocks = find_blocks(model, sample, dye, trials)
    neurons, refused = find_neurons(dye, trials, blocks.all, blocks.residual)
    return Anatomy(
        layers=blocks.layers,
        neurons=neurons,
        stages=blocks.stages,
        units=_units(dye, blocks.all),
        head=head_of(model, sample),
        refused={**blocks.refused, **refused},
    )


def _units(dye: Dye, blocks: tuple[str, ...]) -> tuple[str, ...]:
    """Blocks, and leaves outside of them, that run exactly once, in order of execution."""
    inside = tuple(f"{block}." for block in blocks)
    return tuple(
        name
        for name in dye.seen.order
        if dye.once(name)
        and (name in blocks or not any(True for _ in dye.modules[name].children()))
        and not name.startswith(inside)
    )
