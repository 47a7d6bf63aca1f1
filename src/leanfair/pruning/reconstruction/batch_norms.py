"""Batch normalisation behind a convolution into whose weights something was merged.

In training it divides by the spread of the batch at hand, so that what was merged would shrink with
all the rest, and its running statistics are those of the outputs before. Here the new spread goes
into both, and is undone by the scale: in evaluation the network says what it said, and in training
nearly so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from leanfair.data.batches import Batch, forward
from leanfair.pruning.reconstruction.least_squares import Moments, flat_weight
from leanfair.pruning.surgery.activations import inferring
from leanfair.pruning.surgery.modules import first_output, first_tensor

_NOTHING = 1e-12
"""Variances below this share of the largest are those of outputs that never change."""


def norms_behind(model: nn.Module, names: Iterable[str], sample: Batch) -> dict[str, str]:
    """The batch normalisations that read just what the convolutions `names` say, by the names of
    these. Each runs once in a pass, and has scales, shifts and running statistics."""
    said: list[tuple[Tensor, str]] = []
    read: dict[str, list[str]] = {}

    def says(name: str) -> Any:
        return lambda module, args, output: said.append((first_output(output), name))

    def reads(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            x = first_tensor(args, kwargs)[1]
            read.setdefault(name, []).append(next((n for y, n in said if y is x), ""))

        return hook

    modules = dict(model.named_modules())
    writers = [name for name in names if isinstance(modules[name], _ConvNd)]
    if not writers:
        return {}
    handles = [modules[name].register_forward_hook(says(name)) for name in writers]
    handles += [
        module.register_forward_pre_hook(reads(name), with_kwargs=True)
        for name, module in modules.items()
        if isinstance(module, _BatchNorm) and module.affine and module.running_mean is not None
    ]
    with inferring(model, *handles):
        forward(model, sample.inputs)
    return {found[0]: name for name, found in read.items() if len(found) == 1 and found[0]}


def spread(module: nn.Module, moments: Moments, read: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and variance, both [out], of what `module` says of the rows that `moments` are of,
    of which it reads the numbers `read`, a boolean of each."""
    flat = flat_weight(module).double()
    weight = torch.zeros(len(flat), len(read), dtype=flat.dtype, device=flat.device)
    weight[:, read] = flat
    mean = weight @ (moments.first / moments.total)
    if moments.second is None:
        rows, counts = moments.held()
        squares = (counts[:, None] * (rows @ weight.T).square()).sum(dim=0)
    else:
        squares = ((weight @ moments.second) * weight).sum(dim=1)
    variance = (squares / moments.total - mean.square()).clamp(min=0.0)
    bias: Any = getattr(module, "bias", None)
    return (mean if bias is None else mean + bias.detach().double()), variance


def settle(norm: _BatchNorm, before: tuple[Tensor, Tensor], after: tuple[Tensor, Tensor]) -> None:
    """Fit the statistics of `norm`, in place, to inputs that had the mean and variance `before` and
    now have those `after`, all [d], and its scale and shift so that it says the same of them.

    The running mean μ moves as the mean does, and the running variance grows as the variance does;
    with σ the deviation and a prime for what is new, γ' = γ σ' / σ and β' = β + γ (μ' - μ) / σ.
    """
    own: Any = norm
    changes = (before[1] > _NOTHING * before[1].max()) & (after[1] > 0)
    grown = torch.where(changes, after[1] / before[1].clamp(min=1e-300), 1.0)
    mean, variance = own.running_mean.double(), own.running_var.double() + own.eps
    middle, wide = mean + after[0] - before[0], (variance * grown).clamp(min=own.eps)
    scale = own.weight.detach().double()
    shift = own.bias.detach().double() + scale * (middle - mean) / variance.sqrt()
    with torch.no_grad():  # new tensors, for the old ones may be the parent's, too
        own.running_mean = middle.to(own.running_mean.dtype)
        own.running_var = (wide - own.eps).to(own.running_var.dtype)
        scale = scale * (wide / variance).sqrt()
        own.weight = nn.Parameter(scale.to(own.weight.dtype), own.weight.requires_grad)
        own.bias = nn.Parameter(shift.to(own.bias.dtype), own.bias.requires_grad)
