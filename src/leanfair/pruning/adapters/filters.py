"""Which neurons of a network can go one by one, through Torch-Pruning's dependency graph.

The graph tells which channels of which modules are coupled. Of its groups we take those that live
inside one block, so that the residual stream keeps its width. Nothing is taken on trust: every
group is tried out against its zero-masked twin before it is offered.
"""

from __future__ import annotations

import copy
import warnings
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from leanfair.batches import Batch, forward
from leanfair.errors import SurgeryError
from leanfair.pruning.surgery import difference, parts, remove
from leanfair.pruning.types import Cut, Member, NeuronCut, Neurons, Side


class _RefusedError(Exception):
    """Why a group is not offered."""


def find_neurons(
    model: nn.Module, sample: Batch, blocks: tuple[str, ...], head: str, order: tuple[str, ...]
) -> tuple[tuple[Neurons, ...], dict[str, str]]:
    """The neurons of `model` and, by name, what was refused and why.

    With `blocks`, only neurons inside one of them; in a network without blocks, all that have a
    single producer. `order` is the order in which the modules run.
    """
    graph, twin = _dependency_graph(model, sample)
    names = {module: name for name, module in twin.named_modules()}
    modules = dict(twin.named_modules())
    groups: dict[str, Neurons] = {}
    refused: dict[str, str] = {}
    seen: set[str] = set()
    for root in order:
        module = modules[root]
        if root in seen or root == head or not _produces(module):
            continue
        block = _block_of(root, blocks)
        if blocks and not block:
            continue
        try:
            members = _coupled(graph, root, modules, names, block)
            group = Neurons(root, block or root, _count(members, modules), members)
        except _RefusedError as reason:
            refused[root] = str(reason)
            continue
        seen |= {member.module for member in members if member.side != "in"}
        groups[root] = group
    proven = _prove(model, sample, groups, refused)
    return tuple(proven), refused


def _dependency_graph(model: nn.Module, sample: Batch) -> tuple[Any, nn.Module]:
    """Torch-Pruning's graph of a copy of `model`, and the copy."""
    import torch_pruning as tp

    twin = copy.deepcopy(model).eval().requires_grad_(True)
    with warnings.catch_warnings(), torch.enable_grad():
        warnings.simplefilter("ignore")
        graph = tp.DependencyGraph().build_dependency(
            twin, example_inputs=sample[:1].inputs, forward_fn=forward
        )
    return graph, twin


def _produces(module: nn.Module) -> bool:
    """Whether neurons can begin here: not in a depthwise convolution, which only passes them on."""
    if isinstance(module, _ConvTransposeNd):
        return False
    return isinstance(module, nn.Linear) or (isinstance(module, _ConvNd) and module.groups == 1)


def _block_of(name: str, blocks: tuple[str, ...]) -> str:
    return next((block for block in blocks if name.startswith(f"{block}.")), "")


def _coupled(
    graph: Any, root: str, modules: dict[str, nn.Module], names: dict[nn.Module, str], block: str
) -> tuple[Member, ...]:
    """Everything that the outputs of `root` run through, up to where they are consumed."""
    pruner = graph.get_pruner_of_module(modules[root])
    channels = list(range(graph.get_out_channels(modules[root])))
    items = graph.get_pruning_group(modules[root], pruner.prune_out_channels, idxs=channels)
    members: dict[tuple[str, Side], Member] = {}
    grouped: list[str] = []
    for item in items:
        target = item.dep.target.module
        if isinstance(target, nn.Parameter):
            raise _RefusedError("a parameter outside of any module runs along its channels")
        name = names.get(target)
        if name is None:
            continue  # an operation without weights, which the graph gives a module of its own
        if block and not name.startswith(f"{block}."):
            raise _RefusedError(f"its channels are tied to {name}, outside of the block")
        reads = item.dep.handler.__name__.endswith("in_channels")
        if reads and isinstance(target, _ConvNd) and 1 < target.groups < target.in_channels:
            grouped.append(name)
            continue
        side = _side(target, reads)
        if (name, side) in members:
            raise _RefusedError(f"{name} reads its channels twice")
        offset, repeat = _layout(item.idxs)
        members[name, side] = Member(name, side, offset, repeat)
    if not block and sum(_dense(modules[m.module], m) for m in members.values()) > 1:
        raise _RefusedError("its channels are added to those of another layer")
    if grouped:
        return _bundled(graph, grouped, tuple(members.values()), modules, names, block)
    if not any(side == "in" for _, side in members):
        raise _RefusedError("nothing that can be narrowed reads its channels")
    return tuple(members.values())


def _bundled(
    graph: Any,
    grouped: list[str],
    producers: tuple[Member, ...],
    modules: dict[str, nn.Module],
    names: dict[nn.Module, str],
    block: str,
) -> tuple[Member, ...]:
    """Neurons that a convolution with groups reads: a neuron is then one whole group of it, with
    the channels that feed the group and the channels that it makes."""
    if len(grouped) > 1:
        raise _RefusedError("several convolutions with groups read its channels")
    convolution = modules[grouped[0]]
    assert isinstance(convolution, _ConvNd)
    fed = convolution.in_channels // convolution.groups
    made = convolution.out_channels // convolution.groups
    if any(member.offset or member.side == "in" for member in producers):
        raise _RefusedError(f"{grouped[0]} has groups, and is not alone in reading its channels")
    before = [Member(member.module, member.side, 0, member.repeat * fed) for member in producers]
    after = []
    for member in _coupled(graph, grouped[0], modules, names, block):
        side: Side = "both" if member.module == grouped[0] else member.side
        after.append(Member(member.module, side, member.offset * 1, member.repeat * made))
    if any(member.offset for member in after):
        raise _RefusedError(f"the channels of {grouped[0]} are concatenated with others")
    return (*before, *after)


def _side(module: nn.Module, reads: bool) -> Side:
    if isinstance(module, (nn.LayerNorm, nn.GroupNorm)):
        raise _RefusedError(f"{type(module).__name__} mixes its channels")
    if isinstance(module, (_BatchNorm, nn.InstanceNorm2d, nn.PReLU)):
        return "both"
    if isinstance(module, _ConvNd) and not isinstance(module, _ConvTransposeNd):
        depthwise = module.groups > 1 and module.groups == module.in_channels
        return "both" if depthwise else "in" if reads else "out"
    if isinstance(module, nn.Linear):
        return "in" if reads else "out"
    raise _RefusedError(f"{type(module).__name__} cannot be narrowed")


def _dense(module: nn.Module, member: Member) -> bool:
    return member.side == "out" and isinstance(module, (nn.Linear, _ConvNd))


def _layout(idxs: list[Any]) -> tuple[int, int]:
    """(offset, repeat) of a member, from the graph's list of (index, index in the root)."""
    owned: dict[int, list[int]] = {}
    for pair in idxs:
        position, root = (pair.idx, pair.root_idx) if hasattr(pair, "idx") else (pair, pair)
        owned.setdefault(int(root), []).append(int(position))
    repeat = len(owned[0])
    offset = min(owned[0])
    regular = all(
        sorted(positions) == list(range(offset + i * repeat, offset + (i + 1) * repeat))
        for i, positions in owned.items()
    )
    if not regular:
        raise _RefusedError("its channels are shuffled on the way")
    return offset, repeat


def _count(members: tuple[Member, ...], modules: dict[str, nn.Module]) -> int:
    """How many neurons there are: groups of a grouped convolution, else channels of the root."""
    root = modules[members[0].module]
    wide = root.out_features if isinstance(root, nn.Linear) else getattr(root, "out_channels", 0)
    return int(wide) // members[0].repeat


def _prove(
    model: nn.Module, sample: Batch, groups: dict[str, Neurons], refused: dict[str, str]
) -> list[Neurons]:
    """The groups whose removal reproduces the zero-masked twin, tried on one neuron of each."""
    tried = [NeuronCut(group, (group.count // 2,)) for group in groups.values() if group.count > 1]
    for name in {group.name for group in groups.values() if group.count < 2}:
        refused[name] = "one neuron is all it has"
    whole = Cut("neurons", neurons=tuple(tried))
    if not tried or _holds(whole, model, sample):
        return [cut.group for cut in tried]
    good = []
    for (name, part), cut in zip(parts(whole), tried, strict=True):
        if _holds(part, model, sample):
            good.append(cut.group)
        else:
            refused[name] = "removing a neuron changes more than zeroing it does"
    return good


def _holds(cut: Cut, model: nn.Module, sample: Batch) -> bool:
    try:
        return difference(cut, model, remove(cut, model), sample) <= 1.0
    except SurgeryError:
        return False
