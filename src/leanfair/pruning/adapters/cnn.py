"""Residual convolutional networks, of whatever make: layers from containers of repeated blocks,
neurons through the dependency graph."""

from __future__ import annotations

from torch import nn

from leanfair.batches import Batch
from leanfair.pruning.adapters.blocks import candidates, members, removable, stages, trace
from leanfair.pruning.adapters.filters import find_neurons
from leanfair.pruning.replay import head_of
from leanfair.pruning.types import Anatomy


def dissect_cnn(model: nn.Module, sample: Batch) -> Anatomy:
    """The blocks and filters of `model` that can go, tried out on `sample` ([n, ...], n small)."""
    training = model.training
    model.eval()
    try:
        possible = candidates(model)
        traced = trace(model, sample, possible)
        layers = removable(model, traced, possible)
        blocks = members(layers, model, possible)
        head = head_of(model, sample)
        run = tuple(name for name in traced.order if name in blocks)
        neurons, refused = find_neurons(model, sample, run, head, traced.order)
    finally:
        model.train(training)
    return Anatomy(
        layers=tuple(layers.values()),
        neurons=neurons,
        stages=tuple(stages(run, traced, possible)),
        units=_units(model, traced.order, run, traced.times),
        head=head,
        refused=refused,
    )


def _units(
    model: nn.Module, order: tuple[str, ...], blocks: tuple[str, ...], count: dict[str, int]
) -> tuple[str, ...]:
    """Blocks, and leaves outside of them, that run exactly once, in order of execution."""
    inside = tuple(f"{block}." for block in blocks)
    leaves = {name for name, module in model.named_modules() if not list(module.children())}
    return tuple(
        name
        for name in order
        if count[name] == 1
        and (name in blocks or (name in leaves and not name.startswith(inside or ("\0",))))
    )
