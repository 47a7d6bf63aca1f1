"""Any network of modules, of whatever make: layers found by what its blocks do, neurons by where
its channels go."""

from __future__ import annotations

from torch import nn

from leanfair.data.batches import Batch
from leanfair.data.language import token_ids
from leanfair.pruning.structures.blocks import Blocks, find_blocks
from leanfair.pruning.structures.configuration.entries import Stock
from leanfair.pruning.structures.configuration.head_attributes import sized
from leanfair.pruning.structures.heads import find_heads
from leanfair.pruning.structures.neurons import find_neurons, proven, torn
from leanfair.pruning.structures.tracing.dependency import Dye
from leanfair.pruning.structures.trials import Trials
from leanfair.pruning.types import Anatomy, Layer, Neurons


def dissect_network(
    model: nn.Module, sample: Batch, head: str, stock: Stock | None = None, later: bool = False
) -> Anatomy:
    """The blocks and neurons of `model` that can go, tried out on `sample` ([n, ...], n small); the
    attention heads of one with blocks of one width `later`. `model` is in evaluation mode; `head`
    is the module whose input is its penultimate representation, and `stock` what transformers
    builds in its place."""
    dye = Dye(model, sample)
    trials = Trials(model, sample, dye, _untold if stock is None else stock.told, head)
    blocks = find_blocks(model, sample, dye, trials)
    # How an attention is told that it has fewer heads is known of transformers' own models only.
    heads = [] if stock is None else sized(stock, _heads(dye, blocks))
    taken = {member.module for group in heads for member in group.members if member.side == "out"}
    neurons, refused = find_neurons(dye, trials, blocks.all, blocks.residual, taken)
    refused |= {group.name: why for group in heads if (why := torn(group, dye))}
    whole = [group for group in heads if group.name not in refused]
    if not later or convolves(model, blocks.stages, sample):
        whole = proven(whole, trials, refused)
    order = {name: i for i, name in enumerate(dye.seen.order)}
    return Anatomy(
        layers=blocks.layers,
        neurons=tuple(sorted((*neurons, *whole), key=lambda group: order[group.name])),
        stages=blocks.stages,
        units=_units(dye, blocks.all),
        head=head,
        refused={**blocks.refused, **refused},
    )


def convolves(model: nn.Module, stages: tuple[tuple[str, ...], ...], sample: Batch) -> bool:
    """Whether it is a convolutional network of images, whose widths differ from block to block by
    nature. A vision transformer convolves at most once, outside of its blocks in `stages`."""
    if token_ids(sample) is not None:
        return False
    blocks = [block for stage in stages for block in stage]
    inside = [part for block in blocks for part in model.get_submodule(block).modules()]
    found = sum(isinstance(part, (nn.Conv2d, nn.Conv3d)) for part in inside or model.modules())
    return found > (0 if inside else 1)


def _heads(dye: Dye, blocks: Blocks) -> list[Neurons]:
    """The attention heads in all blocks."""
    return [group for block in blocks.all for group in find_heads(dye, block, blocks.residual)]


def _untold(layer: Layer) -> Layer:
    return layer


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
