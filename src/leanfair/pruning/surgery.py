"""Physical removal: a smaller copy of a network, proven against its zero-masked twin."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from leanfair.batches import Batch, forward
from leanfair.errors import SurgeryError
from leanfair.pruning.masks import features_of, masked_by
from leanfair.pruning.types import Cut, Layer, Member, NeuronCut, Side

TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-4, torch.float16: 3e-2, torch.bfloat16: 1e-1}
"""Largest difference of outputs, as a share of the largest output, that rounding may explain."""


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
    """A copy of `model` without what `cut` removes, not proven. Raises SurgeryError on a misfit."""
    child = copy.deepcopy(model)
    for neurons in cut.neurons:
        for member in neurons.group.members:
            _shrink(child, member, neurons)
    # All layers are looked up before the first goes, because that renumbers the others.
    _remove_layers(child, cut.layers)
    return child


def difference(cut: Cut, model: nn.Module, child: nn.Module, proof: Batch) -> float:
    """The largest difference between `child` and the zero-masked `model` on `proof`, in units of
    what rounding may explain: above 1 the removal is wrong."""
    training = model.training
    model.eval()
    child.eval()
    with torch.inference_mode():
        with masked_by(cut, model):
            twin = forward(model, proof.inputs)
        try:
            out = forward(child, proof.inputs)
        except (RuntimeError, IndexError, KeyError, AttributeError, TypeError, ValueError):
            return float("inf")  # a shape that no longer fits is a removal gone wrong, too
    model.train(training)
    child.train(training)
    if out.shape != twin.shape or not bool(torch.isfinite(out).all()):
        return float("inf")
    scale = float(twin.abs().max()) * TOLERANCE.get(twin.dtype, 1e-4)
    return float((out - twin).abs().max()) / max(scale, 1e-30)


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


def _remove_layers(model: nn.Module, layers: tuple[Layer, ...]) -> None:
    for container in sorted({layer.container for layer in layers}):
        names = {layer.name.rpartition(".")[2] for layer in layers if layer.container == container}
        run = _module(model, container)
        if not names <= set(run._modules):
            raise SurgeryError(f"The cut does not fit: {container} has no member {min(names)}.")
        kept = {key: module for key, module in run._modules.items() if key not in names}
        if all(key.isdigit() for key in kept):
            kept = {str(i): module for i, module in enumerate(kept.values())}
        run._modules.clear()
        run._modules.update(kept)


def _module(model: nn.Module, name: str) -> nn.Module:
    try:
        return model.get_submodule(name)
    except AttributeError:
        raise SurgeryError(f"The cut does not fit: the model has no module {name}.") from None


def _shrink(model: nn.Module, member: Member, cut: NeuronCut) -> None:
    """Take the features of the dropped neurons out of one module, in place."""
    module = _module(model, member.module)
    size = width(module, member.side)
    gone = features_of(member, cut.drop)
    if len(gone) and int(gone.max()) >= size:
        raise SurgeryError(
            f"The cut does not fit: {member.module} is {size} wide, but neuron "
            f"{cut.drop[-1]} of {cut.group.name} needs more."
        )
    stay = torch.ones(size, dtype=torch.bool)
    stay[gone] = False
    keep = stay.nonzero().flatten()
    if isinstance(module, nn.Linear):
        _shrink_linear(module, member, keep)
    elif isinstance(module, _ConvNd):
        _shrink_convolution(module, member, keep, dropped=len(cut.drop))
    else:
        _shrink_channels(module, keep)


def width(module: nn.Module, side: Side) -> int:
    """How many features `module` has on that side."""
    if isinstance(module, nn.Linear):
        return module.in_features if side == "in" else module.out_features
    if isinstance(module, _ConvNd):
        return module.in_channels if side == "in" else module.out_channels
    if isinstance(module, (_BatchNorm, nn.InstanceNorm2d)):
        return module.num_features
    if isinstance(module, nn.PReLU):
        return module.num_parameters
    raise SurgeryError(f"The cut does not fit: {type(module).__name__} cannot be narrowed.")


def _select(module: nn.Module, name: str, dim: int, keep: Tensor) -> None:
    value = getattr(module, name, None)
    if value is None:
        return
    kept = value.detach().index_select(dim, keep.to(value.device)).clone()
    if isinstance(value, nn.Parameter):
        kept = nn.Parameter(kept, requires_grad=value.requires_grad)
    setattr(module, name, kept)


def _shrink_linear(module: nn.Linear, member: Member, keep: Tensor) -> None:
    _select(module, "weight", 1 if member.side == "in" else 0, keep)
    if member.side == "in":
        module.in_features = len(keep)
    else:
        _select(module, "bias", 0, keep)
        module.out_features = len(keep)


def _shrink_convolution(module: _ConvNd, member: Member, keep: Tensor, dropped: int) -> None:
    if member.side == "in":
        _select(module, "weight", 1, keep)
        module.in_channels = len(keep)
        return
    _select(module, "weight", 0, keep)
    _select(module, "bias", 0, keep)
    module.out_channels = len(keep)
    if member.side == "both":  # a neuron is a whole group of a convolution with groups
        module.in_channels -= dropped * (module.in_channels // module.groups)
        module.groups -= dropped


def _shrink_channels(module: nn.Module, keep: Tensor) -> None:
    """A normalisation or activation with one value a channel."""
    for name in ("weight", "bias", "running_mean", "running_var"):
        _select(module, name, 0, keep)
    if isinstance(module, nn.PReLU):
        module.num_parameters = len(keep)
    elif isinstance(module, (_BatchNorm, nn.InstanceNorm2d)):
        module.num_features = len(keep)
