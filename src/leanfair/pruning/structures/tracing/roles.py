"""The role of a module in narrowing: how its weights relate to its channels."""

from __future__ import annotations

from typing import Literal, NamedTuple

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.utils import parametrize

from leanfair.pruning.surgery.modules import is_dense

Kind = Literal["dense", "grouped", "channelwise", "single", "closed", "clear"]


class Role(NamedTuple):
    """How a module relates inputs to outputs.

    dense: every output reads every input. grouped: a convolution within groups of channels.
    channelwise: one weight per channel. single: one weight for all channels. closed: weights that
    cannot be narrowed, for the reason `why`. clear: no weights of its own.
    """

    kind: Kind
    why: str = ""


def roles(model: nn.Module, ran: set[str]) -> dict[str, Role]:
    """The role of every module of `model`, by name. `ran`: names of the modules that run in a
    forward pass."""
    result: dict[str, Role] = {}
    inner = {name for name in ran if ".parametrizations." in f"{name}."}
    for name, module in model.named_modules():
        result[name] = Role("clear") if name in inner else _role(name, module, ran)
    return result


def _role(name: str, module: nn.Module, ran: set[str]) -> Role:
    own = {key for key, _ in module.named_parameters(recurse=False)}
    kind = type(module).__name__
    if is_dense(module) or isinstance(module, (_ConvNd, _BatchNorm, _InstanceNorm, nn.PReLU)):
        if parametrize.is_parametrized(module):
            return Role("closed", "its weight is computed by a parametrization: remove that first")
        if not _plain(module):
            return Role("closed", "its weight is computed by a hook: make it a parameter first")
        if more := own - {"weight", "bias"}:
            return Role("closed", f"{kind} has parameters that are not known ({min(more)})")
        return _known(module)
    if isinstance(module, (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)):
        return Role("closed", f"{kind} mixes its channels")
    # A module may use the weights of its parts without calling them, as attention does.
    if not own or any(other.startswith(f"{name}." if name else "") for other in ran - {name}):
        return Role("clear")
    if all(parameter.numel() == 1 for parameter in module.parameters(recurse=False)):
        return Role("single")
    return Role("closed", f"{kind} cannot be narrowed")


def _plain(module: nn.Module) -> bool:
    """Whether the weight is a parameter, not computed by a hook (as weight normalisation does)."""
    weight = getattr(module, "weight", None)
    return weight is None or isinstance(weight, nn.Parameter)


def _known(module: nn.Module) -> Role:
    if isinstance(module, _ConvTransposeNd):
        return Role("closed", f"{type(module).__name__} cannot be narrowed")
    if isinstance(module, _ConvNd):
        return Role("grouped" if module.groups > 1 else "dense")
    if is_dense(module):
        return Role("dense")
    if isinstance(module, nn.PReLU) and module.num_parameters == 1:
        return Role("single")
    return Role("channelwise")
