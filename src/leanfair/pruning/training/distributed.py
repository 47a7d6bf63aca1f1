"""Several processes that train one network: who they are, and what they have to agree on.

Processes come from `accelerate launch` or `torchrun`; without them there is one, and nothing here
does anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from accelerate import PartialState
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from leanfair.pruning.surgery.modules import in_full


class Group(NamedTuple):
    """This process's number, from 0, and how many there are."""

    rank: int
    size: int


def processes(cpu: bool | None = None) -> PartialState:
    """accelerate's view of the processes. The first call settles whether they work on the CPU; by
    default they do where there is no CUDA device, or `accelerate launch --cpu` said so."""
    if cpu is None:
        cpu = not torch.cuda.is_available() or os.environ.get("ACCELERATE_USE_CPU") == "true"
    return PartialState(cpu=cpu)


def group() -> Group:
    """Where this process stands."""
    state = processes()
    return Group(state.process_index, state.num_processes)


def is_main() -> bool:
    """Whether this is the process that writes files."""
    return group().rank == 0


def worst(failed: bool) -> bool:
    """Whether any process failed, told to all."""
    if group().size == 1:
        return failed
    flag = torch.tensor(float(failed), device=processes().device)
    dist.all_reduce(flag, op=dist.ReduceOp.MAX)
    return bool(flag)


def agreed(value: float) -> float:
    """The main process's value, on all of them: for what is measured, and so differs."""
    if group().size == 1:
        return value
    told = torch.tensor(value, dtype=torch.float64, device=processes().device)
    dist.broadcast(told, src=0)
    return float(told)


@contextmanager
def taking_turns() -> Iterator[None]:
    """While the main process writes what others read, they wait before and after."""
    processes().wait_for_everyone()
    yield
    processes().wait_for_everyone()


@contextmanager
def shared_statistics(model: nn.Module) -> Iterator[None]:
    """Batch normalisations in training use the statistics of all processes' samples.

    torch's SyncBatchNorm does so on CUDA devices only.
    """
    if group().size == 1:
        yield
        return
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    for norm in norms:
        norm.forward = partial(_synchronised, norm, norm.forward)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for norm in norms:
            del norm.forward


def _synchronised(norm: _BatchNorm, alone: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    if not (norm.training or norm.running_mean is None):
        return alone(x)
    dims = [0, *range(2, x.ndim)]
    shape = [1, -1] + [1] * (x.ndim - 2)
    wide = in_full(x)
    count = _summed(wide.new_tensor(float(x.numel() // x.shape[1])))
    mean = _summed(wide.sum(dims)) / count
    centred = wide - mean.reshape(shape)
    variance = _summed(centred.square().sum(dims)) / count
    _track(norm, mean.detach(), variance.detach(), float(count.detach()))
    out = centred * torch.rsqrt(variance + norm.eps).reshape(shape)
    if norm.affine:
        out = out * norm.weight.reshape(shape) + norm.bias.reshape(shape)
    return out.to(x.dtype)


class _Summed(torch.autograd.Function):
    """The sum over the processes; what flows back to each is the sum of their gradients."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


def _summed(value: Tensor) -> Tensor:
    total: Tensor = _Summed.apply(value)  # type: ignore[no-untyped-call]
    return total


def _track(norm: _BatchNorm, mean: Tensor, variance: Tensor, count: float) -> None:
    if norm.running_mean is None or norm.running_var is None:
        return
    with torch.no_grad():
        assert norm.num_batches_tracked is not None
        norm.num_batches_tracked.add_(1)
        pace = norm.momentum if norm.momentum is not None else 1.0 / float(norm.num_batches_tracked)
        unbiased = variance * count / max(1.0, count - 1.0)
        norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), pace)
        norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), pace)
