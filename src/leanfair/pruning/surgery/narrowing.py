"""Removing features from tensors, and blocks from their containers, in place."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.instancenorm import _InstanceNorm

from leanfair.errors import SurgeryError
from leanfair.pruning.surgery.modules import dense_weight, is_dense, module_named, positions_of
from leanfair.pruning.types import Cut, Layer, Member, NeuronCut, Side

_NUMBERS = ("layer_idx", "layer_id")
"""Attributes of transformers modules that hold the index of their layer."""


def narrow(cut: Cut, child: nn.Module) -> None:
    """Remove from `child`, in place, what `cut` names. Raises SurgeryError if they do not fit."""
    # Everything is looked up before anything is removed: groups may share a module at different
    # offsets, and the remaining layers are renumbered.
    for neurons in cut.neurons:
        for member in neurons.group.members:
            check_fit(module_named(child, member.module), member, neurons)
    for (name, side), positions in positions_of(cut).items():
        _shrink(child.get_submodule(name), side, positions)
    for neurons in cut.neurons:
        _resize(child, neurons)
    moved = _moved(child, cut.layers)
    remove_layers(child, cut.layers)
    for module, attribute, places in moved:
        setattr(module, attribute, getattr(module, attribute) - places)


def remove_layers(model: nn.Module, layers: tuple[Layer, ...]) -> None:
    """Remove `layers` from their containers, in place; numbered siblings are renumbered. Raises
    SurgeryError if a container lacks one of them."""
    containers = {layer.container: module_named(model, layer.container) for layer in layers}
    for container, run in containers.items():
        names = {layer.name.rpartition(".")[2] for layer in layers if layer.container == container}
        if missing := sorted(names - set(run._modules)):
            raise SurgeryError(f"The cut does not fit: {container} has no member {missing[0]}.")
        left = keys_left(run._modules, names)
        kept = {now: run._modules[key] for key, now in left.items()}
        run._modules.clear()
        run._modules.update(kept)


def keys_left(keys: Iterable[str], gone: Container[str]) -> dict[str, str]:
    """The keys of a container's members without `gone`, each with its new key: if all of them are
    numbers, they are renumbered."""
    kept = [key for key in keys if key not in gone]
    numbered = all(key.isdigit() for key in kept)
    return {key: str(i) if numbered else key for i, key in enumerate(kept)}


def _resize(model: nn.Module, cut: NeuronCut) -> None:
    """Scale the attributes of modules that hold a number of neurons to those that are left."""
    left, before = cut.group.count - len(cut.drop), cut.group.count
    for name, attribute in cut.group.sizes:
        module = module_named(model, name)
        setattr(module, attribute, getattr(module, attribute) * left // before)


def _moved(model: nn.Module, layers: tuple[Layer, ...]) -> list[tuple[nn.Module, str, int]]:
    """The modules that hold the index of their layer (the key-value cache needs it), the attribute
    that holds it, and by how much it decreases when `layers` are removed."""
    gone = {layer.name for layer in layers}
    moved: list[tuple[nn.Module, str, int]] = []
    for container in {layer.container for layer in layers}:
        decrease = 0
        for key, block in module_named(model, container).named_children():
            decrease += f"{container}.{key}" in gone
            moved += [
                (module, attribute, decrease)
                for module in block.modules()
                for attribute in _NUMBERS
                if decrease and type(vars(module).get(attribute)) is int
            ]
    return moved


def check_fit(module: nn.Module, member: Member, cut: NeuronCut) -> None:
    """Raise SurgeryError if `module` does not have the features that the cut names."""
    size = _width(module, member)
    wanted = max(
        other.offset + cut.group.count * other.repeat  # a module may hold them in several pieces
        for other in cut.group.members
        if (other.module, other.side) == (member.module, member.side)
    )
    produces = member.module == cut.group.name and member.side != "in"
    if size < wanted or (produces and size > wanted):
        raise SurgeryError(
            f"The cut does not fit: {member.module} is {size} wide, but the {cut.group.count} "
            f"neurons of {cut.group.name} need {wanted}."
        )
    if not set(cut.drop) < set(range(cut.group.count)):
        raise SurgeryError(
            f"The cut does not fit: of the neurons 0 to {cut.group.count - 1} of {cut.group.name} "
            f"at least one has to stay, and no other can go."
        )


def _width(module: nn.Module, member: Member) -> int:
    """The number of features of `module` on the member's side."""
    inward = member.side == "in"
    if is_dense(module):
        return dense_weight(module).shape[1 if inward else 0]
    if isinstance(module, _ConvNd) and not isinstance(module, _ConvTransposeNd):
        return module.in_channels if inward else module.out_channels
    if isinstance(module, (_BatchNorm, _InstanceNorm)):
        return module.num_features
    if isinstance(module, nn.PReLU):
        return module.num_parameters
    raise SurgeryError(
        f"The cut does not fit: {member.module}, a {type(module).__name__}, cannot be narrowed."
    )


def _shrink(module: nn.Module, side: Side, gone: Tensor) -> None:
    """Remove the features at positions `gone` from one module, in place."""
    if isinstance(module, nn.Linear):
        _shrink_linear(module, side, gone)
    elif is_dense(module):
        _shrink_transposed(module, side, gone)
    elif isinstance(module, _ConvNd):
        _shrink_convolution(module, side, gone)
    else:
        _shrink_channels(module, gone)


def _drop(module: nn.Module, name: str, dim: int, gone: Tensor) -> None:
    """Remove the slices `gone` of dimension `dim` from a parameter or buffer, if it exists."""
    value = getattr(module, name, None)
    if value is None:
        return
    if name not in module._parameters and name not in module._buffers:
        raise SurgeryError(
            f"The {name} of a {type(module).__name__} is computed from others, as weight "
            f"normalisation does: make it a plain parameter first (torch.nn.utils.parametrize."
            f"remove_parametrizations)."
        )
    stay = torch.ones(value.shape[dim], dtype=torch.bool)
    stay[gone] = False
    kept = value.detach().index_select(dim, stay.nonzero().flatten().to(value.device))
    if isinstance(value, nn.Parameter):
        kept = nn.Parameter(kept, requires_grad=value.requires_grad)
    setattr(module, name, kept)


def _shrink_linear(module: nn.Linear, side: Side, gone: Tensor) -> None:
    _drop(module, "weight", 1 if side == "in" else 0, gone)
    if side != "in":
        _drop(module, "bias", 0, gone)
    module.out_features, module.in_features = module.weight.shape


def _shrink_transposed(module: Any, side: Side, gone: Tensor) -> None:
    """Narrow a Conv1D of transformers, whose weight is [in, out]."""
    _drop(module, "weight", 0 if side == "in" else 1, gone)
    if side != "in":
        _drop(module, "bias", 0, gone)
    module.nx, module.nf = module.weight.shape


def _shrink_convolution(module: _ConvNd, side: Side, gone: Tensor) -> None:
    _drop(module, "weight", 1 if side == "in" else 0, gone)
    if side != "in":
        _drop(module, "bias", 0, gone)
    if side == "both":  # a grouped convolution loses whole groups
        module.groups = len(module.weight) * module.groups // module.out_channels
    module.out_channels = len(module.weight)
    module.in_channels = module.weight.shape[1] * module.groups


def _shrink_channels(module: nn.Module, gone: Tensor) -> None:
    """Narrow a normalisation or activation with one weight per channel."""
    for name in ("weight", "bias", "running_mean", "running_var"):
        _drop(module, name, 0, gone)
    dropped = len(set(gone.tolist()))
    if isinstance(module, nn.PReLU):
        module.num_parameters -= dropped
    elif isinstance(module, (_BatchNorm, _InstanceNorm)):
        module.num_features -= dropped
