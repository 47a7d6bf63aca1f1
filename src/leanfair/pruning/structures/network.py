"""The structures of any network of modules: blocks by their residual connection, neurons and heads
by dependency tracing."""

from __future__ import annotations

from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from leanfair.data.batches import Batch
from leanfair.data.language import token_ids
from leanfair.pruning.structures.blocks import Blocks, find_blocks
from leanfair.pruning.structures.configuration.entries import ConfiguredModel
from leanfair.pruning.structures.configuration.head_attributes import with_head_attributes
from leanfair.pruning.structures.heads import find_heads
from leanfair.pruning.structures.neurons import find_neurons, tied_elsewhere, verified
from leanfair.pruning.structures.tracing.dependency import Tracer
from leanfair.pruning.structures.tracing.kinds import Kinds, group_renamed
from leanfair.pruning.structures.trials import Trials
from leanfair.pruning.types import Anatomy, Layer, Neurons


def dissect_network(
    model: nn.Module,
    sample: Batch,
    head: str,
    configured: ConfiguredModel | None = None,
    later: bool = False,
) -> Anatomy:
    """The blocks, neurons and attention heads of `model`, in evaluation mode, that can be removed,
    verified on `sample` (inputs [n, ...], n small).

    `head`: the module whose input is the penultimate representation. `configured`: the model beside
    what transformers builds from its configuration; without it no heads are returned, since the
    attributes that hold their number are unknown. With `later`, the heads of a network whose blocks
    are of one width are not verified here.
    """
    with sdpa_kernel(SDPBackend.MATH):  # fused attention loses the NaN that channels are traced by
        return _dissected(model, sample, head, configured, later)


def _dissected(
    model: nn.Module, sample: Batch, head: str, configured: ConfiguredModel | None, later: bool
) -> Anatomy:
    tracer = Tracer(model, sample)
    kinds = Kinds(tracer)
    depth = _unchanged if configured is None else configured.with_depth_entries
    trials = Trials(model, sample, tracer, depth, head)
    blocks = find_blocks(model, kinds, trials)
    # The attributes that hold the number of heads are known for models of transformers only.
    heads = [] if configured is None else with_head_attributes(configured, _heads(kinds, blocks))
    taken = {member.module for group in heads for member in group.members if member.side == "out"}
    neurons, refused = find_neurons(kinds, trials, blocks.all, blocks.residual, taken)
    refused |= {group.name: why for group in heads if (why := tied_elsewhere(group, tracer))}
    whole = [group for group in heads if group.name not in refused]
    if not later or convolves(model, blocks.stages, sample):
        whole = verified(whole, trials, refused)
    order = {name: i for i, name in enumerate(tracer.recording.order)}
    return Anatomy(
        layers=blocks.layers,
        neurons=tuple(sorted((*neurons, *whole), key=lambda group: order[group.name])),
        stages=blocks.stages,
        units=_units(tracer, blocks.all),
        head=head,
        refused={**blocks.refused, **refused},
    )


def convolves(model: nn.Module, stages: tuple[tuple[str, ...], ...], sample: Batch) -> bool:
    """Whether `model` is a convolutional network for images, whose blocks are of different widths.
    A vision transformer has at most one convolution, outside of its blocks in `stages`."""
    if token_ids(sample) is not None:
        return False
    blocks = [block for stage in stages for block in stage]
    inside = [part for block in blocks for part in model.get_submodule(block).modules()]
    convolutions = sum(
        isinstance(part, (nn.Conv2d, nn.Conv3d)) for part in inside or model.modules()
    )
    return convolutions > (0 if inside else 1)


def _heads(kinds: Kinds, blocks: Blocks) -> list[Neurons]:
    """The attention heads in all blocks."""

    def found(block: str) -> tuple[Neurons, ...]:
        return find_heads(kinds.tracer, block, blocks.residual)

    def told(groups: tuple[Neurons, ...], was: str, now: str) -> tuple[Neurons, ...]:
        return tuple(group_renamed(group, was, now) for group in groups)

    return [
        group
        for block in blocks.all
        for group in kinds.once(f"heads {block in blocks.residual}", block, found, told)
    ]


def _unchanged(layer: Layer) -> Layer:
    return layer


def _units(tracer: Tracer, blocks: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the blocks, and of the leaf modules outside of them, that run exactly once, in order
    of execution."""
    inside = tuple(f"{block}." for block in blocks)
    return tuple(
        name
        for name in tracer.recording.order
        if tracer.runs_once(name)
        and (name in blocks or not any(True for _ in tracer.modules[name].children()))
        and not name.startswith(inside)
    )
