"""How long a network takes for an answer, and how much memory."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from leanfair.data.batches import Batch, Inputs, forward
from leanfair.errors import InputError
from leanfair.evaluation.mode import device_of, evaluating, moved

# Tells exactly when memory is freed, where a weakref to the Python object would not.
_weak: Any = StorageWeakRef

Clock = Callable[[], float]
"""Tells seconds since some moment."""

FEWEST_RUNS = 5
"""Timed runs of each model even where they take longer than the budget."""

WARMUP_SHARE = 0.2
"""The part of the budget that warming up may take."""


@dataclass(frozen=True)
class Latency:
    """Seconds that one forward pass takes: the median of `runs`, and the 10th (`low`) and 90th
    (`high`) percentile."""

    median: float
    low: float
    high: float
    runs: int


def latency(
    model: nn.Module,
    sample: Batch,
    batch_size: int,
    runs: int = 100,
    warmup: int = 10,
    budget: float = 5.0,
) -> Latency:
    """The time of a forward pass of `batch_size` samples, on the model's device.

    `sample` is repeated or cut short to `batch_size` rows. Measuring ends after `runs` passes or
    `budget` seconds, but not before 5 passes. Raises InputError on a batch size or runs below 1,
    and on an empty sample.
    """
    return compare_latency({"": model}, sample, batch_size, runs, warmup, budget)[""]


def compare_latency(
    models: Mapping[str, nn.Module],
    sample: Batch,
    batch_size: int,
    runs: int = 50,
    warmup: int = 3,
    budget: float = 10.0,
) -> dict[str, Latency]:
    """The `latency` of several models, in turn run by run, so that a busy machine slows all alike.

    Each is timed `runs` times, in an order that alternates. `budget` (seconds) is for all together.
    """
    _check(models, sample, batch_size, runs)
    with ExitStack() as held:
        for model in models.values():
            held.enter_context(evaluating(model))
        calls = {
            name: partial(forward, model, ready(sample, model, batch_size))
            for name, model in models.items()
        }
        device = device_of(next(iter(models.values())))
        return time_in_turn(calls, device, runs, warmup, budget)


def time_in_turn(
    calls: Mapping[str, Callable[[], object]],
    device: torch.device | None,
    runs: int = 50,
    warmup: int = 3,
    budget: float = 10.0,
    clock: Clock | None = None,
) -> dict[str, Latency]:
    """The time of each of `calls`, which compute on `device`, as `compare_latency` takes it, by
    `clock` (the time of day, where that is None)."""
    clock = clock or time.perf_counter
    started = time.perf_counter()
    times: dict[str, list[float]] = {name: [] for name in calls}
    with torch.no_grad():
        for _ in rounds_until(warmup, min(1, warmup), started + WARMUP_SHARE * budget):
            for call in calls.values():
                _timed(call, device, clock)
        for number in rounds_until(runs, min(FEWEST_RUNS, runs), started + budget):
            for name in alternating(list(calls), number):
                times[name].append(_timed(calls[name], device, clock))
    return {name: summary_of(found) for name, found in times.items()}


def peak_memory(model: nn.Module, sample: Batch) -> int:
    """Bytes needed to infer one sample, the first of `sample`: parameters and buffers, and the most
    that the input and all that is computed from it take at any one time.

    On CUDA that is what the allocator saw. Elsewhere the tensors alive during a forward pass are
    counted, each storage once: the same number on every run, without what kernels use inside.
    Raises InputError on an empty sample.
    """
    _check_filled(sample)
    with evaluating(model), torch.no_grad():
        one = moved(sample[:1], model).inputs
        device = device_of(model)
        measure = _peak_on_cuda if device is not None and device.type == "cuda" else _peak_counted
        return weight_bytes(model) + measure(model, one)


def _check(models: Mapping[str, nn.Module], sample: Batch, batch_size: int, runs: int) -> None:
    if not models:
        raise InputError("There is no model to time: give at least one.")
    if batch_size < 1 or runs < 1:
        raise InputError(f"batch_size and runs must be 1 or more, but are {batch_size} and {runs}.")
    _check_filled(sample)


def _check_filled(sample: Batch) -> None:
    if len(sample) < 1:
        raise InputError("The sample to measure models on is empty: give at least one row.")


def rounds_until(most: int, fewest: int, deadline: float) -> Iterator[int]:
    """The numbers of rounds: `most`, or less where `deadline` (of perf_counter) comes before, but
    at least `fewest`."""
    for number in range(most):
        if number >= fewest and time.perf_counter() >= deadline:
            return
        yield number


def alternating(names: Sequence[str], number: int) -> Sequence[str]:
    """`names` in an order that is turned round in every other round and, of more than two, drawn
    anew for every other one. What runs before leaves caches and memory as it needs them, so none
    may always follow the same one: a block that was timed next to a whole network took twice its
    time."""
    if len(names) > 2:
        names = Random(number // 2).sample(names, len(names))
    return names if number % 2 == 0 else names[::-1]


def ready(sample: Batch, model: nn.Module, rows: int) -> Inputs:
    """The inputs of `sample`, repeated or cut short to `rows`, on the device of `model`."""
    picked = torch.arange(rows) % len(sample)

    def taken(value: Tensor) -> Tensor:
        return value[picked.to(value.device)]

    inputs = sample.inputs
    ready = (
        taken(inputs)
        if isinstance(inputs, Tensor)
        else {key: taken(value) for key, value in inputs.items()}
    )
    return moved(Batch(ready), model).inputs


def busy_clock(device: torch.device | None) -> Clock:
    """The clock that others on the machine disturb least. On one thread of a CPU it runs only while
    that thread does: a busy machine interrupts a long call more often than a short one, so that by
    the time of day twice the work takes more than twice the time. Elsewhere the time of day."""
    on_cpu = device is None or device.type == "cpu"
    return time.thread_time if on_cpu and torch.get_num_threads() == 1 else time.perf_counter


def _timed(call: Callable[[], object], device: torch.device | None, clock: Clock) -> float:
    synchronize(device)
    start = clock()
    call()
    synchronize(device)
    return clock() - start


def synchronize(device: torch.device | None) -> None:
    """Wait for what an accelerator still has to do; a CPU is done when a call returns."""
    if device is None:
        return
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    elif device.type == "xpu":
        torch.xpu.synchronize(device)


def summary_of(times: Sequence[float]) -> Latency:
    """The median and the spread of some times."""
    low, median, high = (float(value) for value in np.percentile(times, [10, 50, 90]))
    return Latency(median, low, high, len(times))


def weight_bytes(model: nn.Module) -> int:
    """Bytes of the storages of all parameters and buffers, each counted once."""
    storages = [tensor.untyped_storage() for tensor in _weights(model)]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _weights(model: nn.Module) -> Iterator[Tensor]:
    return chain(model.parameters(), model.buffers())


def _peak_on_cuda(model: nn.Module, inputs: Inputs) -> int:
    device = device_of(model)
    forward(model, inputs)  # lets the libraries make the workspaces that they keep
    torch.cuda.synchronize(device)
    before = int(torch.cuda.memory_allocated(device))
    torch.cuda.reset_peak_memory_stats(device)
    forward(model, inputs)
    torch.cuda.synchronize(device)
    own = sum(int(value.numel() * value.element_size()) for value in tree_leaves(inputs))
    return int(torch.cuda.max_memory_allocated(device)) - before + own


def _peak_counted(model: nn.Module, inputs: Inputs) -> int:
    values = [inputs] if isinstance(inputs, Tensor) else list(inputs.values())
    # A row of a batch shares the batch's storage; a copy has one of its own size.
    own = [value.clone() for value in values]
    ledger = _Ledger(_weights(model))
    ledger.enter(own)
    copied = own[0] if isinstance(inputs, Tensor) else dict(zip(inputs, own, strict=True))
    with _uncollected(), ledger:
        forward(model, copied)
    return ledger.peak


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector still: when it frees a cycle depends on what ran before."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Ledger(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Counts the bytes of tensors that operations make, for as long as they live.

    `known` are tensors whose storages cost nothing, the weights. `peak` is the most that the others
    took at any one time.
    """

    def __init__(self, known: Iterator[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.known = {_weak(tensor.untyped_storage()) for tensor in known}
        self.live: dict[Any, int] = {}
        self.peak = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        self.enter(out)
        return out

    def enter(self, out: Any) -> None:
        """Strike out what was freed since the last operation, and add the storages of `out`."""
        self.live = {ref: size for ref, size in self.live.items() if not ref.expired()}
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                ref = _weak(storage)
                if ref not in self.known:
                    self.live[ref] = storage.nbytes()
        self.peak = max(self.peak, sum(self.live.values()))
