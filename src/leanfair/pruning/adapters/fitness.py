"""Whether a network can be pruned at all: what cannot is refused by name, before all else."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from leanfair.batches import Batch, forward
from leanfair.errors import InputError, UnsupportedModelError


def check_model(model: nn.Module) -> None:
    """Raise UnsupportedModelError for what is not a plain, loaded network of modules."""
    name = type(model).__name__
    if not isinstance(model, nn.Module):
        raise UnsupportedModelError(f"A network is a torch.nn.Module, but {name} is none.")
    for why in (_wrapped(model), _unloaded(model), _quantised(model), _entangled(model)):
        if why:
            raise UnsupportedModelError(f"{name} {why}")


def twin_of(model: nn.Module) -> nn.Module:
    """A copy of `model` in evaluation mode. Raises UnsupportedModelError where none can be made."""
    try:
        return copy.deepcopy(model).eval()
    except Exception as error:
        raise UnsupportedModelError(
            f"{type(model).__name__} cannot be copied, and pruning works on copies: "
            f"{_first_line(error)}"
        ) from error


def check_outputs(model: nn.Module, sample: Batch) -> None:
    """Raise InputError for data that the model does not run on, UnsupportedModelError for outputs
    that are not logits [n, classes], the same each time."""
    name = type(model).__name__
    logits = _logits(model, sample)
    if logits.ndim != 2 or len(logits) != len(sample):
        raise UnsupportedModelError(
            f"{name} gives outputs of shape {tuple(logits.shape)} for {len(sample)} samples, but "
            f"pruning compares logits [n, classes]: wrap it in a module that returns these."
        )
    if not bool(torch.isfinite(logits).all()):
        raise UnsupportedModelError(f"{name} gives outputs that are not finite: check its weights.")
    if not torch.allclose(logits, _logits(model, sample), rtol=1e-3, atol=1e-5):
        raise UnsupportedModelError(
            f"{name} gives other outputs each time, also in evaluation mode: switch off what is "
            f"random in its forward pass (as dropout without training=self.training)."
        )


def _logits(model: nn.Module, sample: Batch) -> Tensor:
    try:
        with torch.inference_mode():
            return forward(model, sample.inputs)
    except InputError as error:
        raise UnsupportedModelError(
            f"{error} Wrap it in a module that returns logits [n, classes]."
        ) from error
    except Exception as error:
        raise InputError(
            f"{type(model).__name__} does not run on the calibration data: {_first_line(error)}"
        ) from error


def _wrapped(model: nn.Module) -> str:
    if isinstance(model, torch.jit.ScriptModule):
        return "is compiled by TorchScript: give the network that it was made from."
    if hasattr(model, "_orig_mod"):
        return "is made by torch.compile: give the network itself, model._orig_mod."
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return "wraps a network for several devices: give the network itself, model.module."
    for part in model.modules():
        if isinstance(part, torch.jit.ScriptModule):
            return "contains modules compiled by TorchScript, which cannot be narrowed."
    return ""


def _unloaded(model: nn.Module) -> str:
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(value):
            return f"has lazy modules ({name}): run it once on a batch, then prune it."
        if value.is_meta:
            return f"has no weights yet ({name} is on the meta device): load them first."
    return ""


def _quantised(model: nn.Module) -> str:
    for name, part in model.named_modules():
        if ".quantized" in type(part).__module__:
            return f"is quantised ({name}): prune the network first, then quantise it."
    for name, value in model.named_parameters():
        if not value.is_floating_point():
            return f"has weights in {value.dtype} ({name}): prune it first, then quantise it."
    return ""


def _entangled(model: nn.Module) -> str:
    for name, part in model.named_modules():
        for key, value in vars(part).items():
            if isinstance(value, Tensor) and not value.is_leaf:
                return (
                    f"holds a computed tensor, {name}.{key}, and so cannot be copied: make it a "
                    f"plain parameter first (torch.nn.utils.remove_weight_norm, "
                    f"torch.nn.utils.prune.remove)."
                )
    return ""


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
