"""Data-parallel training: the processes, and the values they have to agree on.

Processes are started by `accelerate launch` or `torchrun`. Without them there is one process, and
the functions of this module have no effect.
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
    """The index of this process (`rank`, from 0) and the number of processes (`size`)."""

    rank: int
    size: int


def processes(cpu: bool | None = None) -> PartialState:
    """The process state of accelerate. The first call decides whether processes use the CPU; by
    default they do if there is no CUDA device, or with `accelerate launch --cpu`."""
    if cpu is None:
        cpu = not torch.cuda.is_available() or os.environ.get("ACCELERATE_USE_CPU") == "true"
    return PartialState(cpu=cpu)


def group() -> Group:
    """The rank of this process and the number of processes."""
    state = processes()
    return Group(state.process_index, state.num_processes)


def is_main() -> bool:
    """Whether this is the main process, which writes files."""
    return group().rank == 0


def leave() -> None:
    """Leave the group, at the end of a program: where a thread of it still runs as the process
    ends, that would be aborted now and then."""
    if dist.is_available() and dist.is_initialized():
        processes().wait_for_everyone()
        processes().destroy_process_group()


def worst(failed: bool) -> bool:
    """Whether `failed` is true on any process."""
    if group().size == 1:
        return failed
    flag = torch.tensor(float(failed), device=processes().device)
    dist.all_reduce(flag, op=dist.ReduceOp.MAX)
    return bool(flag)


def agreed(value: float) -> float:
    """The value of the main process, on all processes: for measurements, which differ."""
    if group().size == 1:
        return value
    shared = torch.tensor(value, dtype=torch.float64, device=processes().device)
    dist.broadcast(shared, src=0)
    return float(shared)


@contextmanager
def taking_turns() -> Iterator[None]:
    """All processes wait before and after the context, in which the main process writes files that
    the others read."""
    processes().wait_for_everyone()
    yield
    processes().wait_for_everyone()


@contextmanager
def shared_statistics(model: nn.Module) -> Iterator[None]:
    """Within the context, batch normalisation in training uses the statistics of the samples of all
    processes. (torch's SyncBatchNorm supports CUDA devices only.)"""
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
    """The sum over the processes; the gradient is summed over the processes likewise."""

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
        momentum = (
            norm.momentum if norm.momentum is not None else 1.0 / float(norm.num_batches_tracked)
        )
        unbiased = variance * count / max(1.0, count - 1.0)
        norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), momentum)
        norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), momentum)
