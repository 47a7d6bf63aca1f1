"""Physical removal: a smaller copy of a network, proven against its zero-masked twin."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from math import inf, isfinite
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.instancenorm import _InstanceNorm

from leanfair.batches import Batch
from leanfair.errors import SurgeryError
from leanfair.pruning.masks import dense_weight, is_dense, masked_by, module_named, positions_of
from leanfair.pruning.replay import outputs
from leanfair.pruning.stock import (
    apart,
    changed,
    depth_entries,
    is_apart,
    shapes,
    skeleton,
    stocked,
    width_entries,
    with_entries,
)
from leanfair.pruning.types import Cut, Layer, Member, NeuronCut, Side

TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-4, torch.float16: 3e-2, torch.bfloat16: 1e-1}
"""Largest difference of outputs, as a share of the largest output, that rounding may explain."""

_NUMBERS = ("layer_idx", "layer_id")
"""Attributes of modules of transformers that are the number of their layer."""


def apply(cut: Cut, model: nn.Module, proof: Batch | None = None) -> nn.Module:
    """A copy of `model` without what `cut` removes. `model` itself stays as it is.

    With `proof` (real inputs, [n, ...]) the copy's outputs are held against those of `model` with
    the same structures zeroed. Raises SurgeryError, naming the structure, where they differ by more
    than rounding, and where the cut does not fit the model.
    """
    child = remove(cut, model)
    if proof is not None and difference(cut, model, child, proof) > 1.0:
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


def narrow(cut: Cut, child: nn.Module) -> None:
    """Take out of `child` what `cut` removes, in place. Raises SurgeryError on a misfit."""
    # Everything is looked up before anything goes: groups may share a module, at other offsets, and
    # the layers that stay are numbered anew.
    for neurons in cut.neurons:
        for member in neurons.group.members:
            _check_fit(module_named(child, member.module), member, neurons)
    for (name, side), positions in positions_of(cut).items():
        _shrink(child.get_submodule(name), side, positions)
    for neurons in cut.neurons:
        _resize(child, neurons)
    moved = _moved(child, cut.layers)
    _remove_layers(child, cut.layers)
    for module, attribute, places in moved:
        setattr(module, attribute, getattr(module, attribute) - places)


def difference(cut: Cut, model: nn.Module, child: nn.Module, proof: Batch) -> float:
    """The largest difference between `child` and the zero-masked `model` on `proof`, in units of
    what rounding may explain: above 1 the removal is wrong.

    Logits are compared, and penultimate features: a head that is still zero hides everything.
    """
    # TF32 would round away what is looked for.
    with torch.backends.cudnn.flags(allow_tf32=False):
        with masked_by(cut, model):
            twin = outputs(model, [proof])
        try:
            out = outputs(child, [proof])
        except Exception:
            return inf  # a shape that no longer fits is a removal gone wrong, too
    gap = _gap(out.logits, twin.logits)
    if out.features.shape == twin.features.shape:  # else they are what was cut
        gap = max(gap, _gap(out.features, twin.features))
    return gap


def parts(cut: Cut) -> Iterable[tuple[str, Cut]]:
    """Each structure of `cut` by name, as a cut of its own."""
    for layer in cut.layers:
        yield layer.name, Cut("layer", layers=(layer,))
    for neurons in cut.neurons:
        yield neurons.group.name, Cut("neurons", neurons=(neurons,))


def _gap(out: Tensor, twin: Tensor) -> float:
    if out.shape != twin.shape:
        return inf
    # Infinite logits, as of classes that are ruled out, are alike where they are equal.
    gap = float(torch.where(out == twin, 0.0, out - twin).abs().max())
    scale = float(twin.nan_to_num(0.0, 0.0, 0.0).abs().max()) * TOLERANCE.get(twin.dtype, 1e-4)
    return gap / max(scale, 1e-30) if isfinite(gap) else inf


def _culprit(cut: Cut, model: nn.Module, proof: Batch) -> str:
    for name, part in parts(cut):
        if difference(part, model, remove(part, model), proof) > 1.0:
            return name
    return " with ".join(name for name, _ in parts(cut))


def _remove_layers(model: nn.Module, layers: tuple[Layer, ...]) -> None:
    containers = {layer.container: module_named(model, layer.container) for layer in layers}
    for container, run in containers.items():
        names = {layer.name.rpartition(".")[2] for layer in layers if layer.container == container}
        if missing := sorted(names - set(run._modules)):
            raise SurgeryError(f"The cut does not fit: {container} has no member {missing[0]}.")
        kept = {key: module for key, module in run._modules.items() if key not in names}
        if all(key.isdigit() for key in kept):
            kept = {str(i): module for i, module in enumerate(kept.values())}
        run._modules.clear()
        run._modules.update(kept)


def _resize(model: nn.Module, cut: NeuronCut) -> None:
    """Tell the modules that know how many neurons they have how many are left."""
    left, before = cut.group.count - len(cut.drop), cut.group.count
    for name, attribute in cut.group.sizes:
        module = module_named(model, name)
        setattr(module, attribute, getattr(module, attribute) * left // before)


def _moved(model: nn.Module, layers: tuple[Layer, ...]) -> list[tuple[nn.Module, str, int]]:
    """The modules that know the number of their layer, as a cache needs it, the attribute that it
    is, and by how much it falls when `layers` go."""
    gone = {layer.name for layer in layers}
    found: list[tuple[nn.Module, str, int]] = []
    for container in {layer.container for layer in layers}:
        fallen = 0
        for key, block in module_named(model, container).named_children():
            fallen += f"{container}.{key}" in gone
            found += [
                (module, attribute, fallen)
                for module in block.modules()
                for attribute in _NUMBERS
                if fallen and type(vars(module).get(attribute)) is int
            ]
    return found


def _check_fit(module: nn.Module, member: Member, cut: NeuronCut) -> None:
    """Raise SurgeryError where `module` has not what the cut says."""
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
    """How many features `module` has on the member's side."""
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
    """Take the features `gone` out of one module, in place."""
    if isinstance(module, nn.Linear):
        _shrink_linear(module, side, gone)
    elif is_dense(module):
        _shrink_transposed(module, side, gone)
    elif isinstance(module, _ConvNd):
        _shrink_convolution(module, side, gone)
    else:
        _shrink_channels(module, gone)


def _drop(module: nn.Module, name: str, dim: int, gone: Tensor) -> None:
    """Take the slices `gone` of dimension `dim` out of a parameter or buffer, if there is one."""
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
    """A Conv1D, as GPT-2 has: its weight is [in, out]."""
    _drop(module, "weight", 0 if side == "in" else 1, gone)
    if side != "in":
        _drop(module, "bias", 0, gone)
    module.nx, module.nf = module.weight.shape


def _shrink_convolution(module: _ConvNd, side: Side, gone: Tensor) -> None:
    _drop(module, "weight", 1 if side == "in" else 0, gone)
    if side != "in":
        _drop(module, "bias", 0, gone)
    if side == "both":  # whole groups of a convolution with groups go
        module.groups = len(module.weight) * module.groups // module.out_channels
    module.out_channels = len(module.weight)
    module.in_channels = module.weight.shape[1] * module.groups


def _shrink_channels(module: nn.Module, gone: Tensor) -> None:
    """A normalisation or activation with one value a channel."""
    for name in ("weight", "bias", "running_mean", "running_var"):
        _drop(module, name, 0, gone)
    dropped = len(set(gone.tolist()))
    if isinstance(module, nn.PReLU):
        module.num_parameters -= dropped
    elif isinstance(module, (_BatchNorm, _InstanceNorm)):
        module.num_features -= dropped
