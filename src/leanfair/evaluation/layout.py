"""The memory layout of a convolutional network: channels first, as tensors of images are written,
or channels last, in which most devices convolve faster.

Which is faster depends on the widths, the batch and the device, so it is tried. Some networks run
in one layout alone (`view` on a feature map), and that is tried, too.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from math import exp, log
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from leanfair.data.batches import Batch, forward
from leanfair.data.randomness import preserved
from leanfair.errors import FORWARD_ERRORS, raise_if_out_of_memory
from leanfair.evaluation.mode import device_of, evaluating, moved
from leanfair.evaluation.speed import busy_clock, ready, time_in_turn

Layout = Literal["contiguous", "channels_last"]

LAYOUTS: tuple[Layout, ...] = get_args(Layout)

FASTER = 0.97
"""Channels last has to take at most this share of the time, or the layout stays as it is."""

BUDGET = 3.0
"""About how many seconds it takes to tell for a size of batch which layout is faster."""

_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}

Timer = Callable[[Mapping[str, Callable[[], object]]], Mapping[str, float]]
"""Tells the seconds that each of some calls takes."""


def lay_out(model: nn.Module, layout: Layout) -> nn.Module:
    """`model`, in place, with the weights of its convolutions in `layout`; what they compute then
    has it, too."""
    if all(_its(weight) == layout for weight in _weights(model) if _differs(weight)):
        return model
    return model.to(memory_format=_FORMATS[layout])  # type: ignore[call-overload,no-any-return]


def layout_of(model: nn.Module) -> Layout:
    """The layout of the first weight of a convolution in which the two differ."""
    return next((_its(weight) for weight in _weights(model) if _differs(weight)), "contiguous")


@contextmanager
def laid_out(model: nn.Module, layout: Layout) -> Iterator[None]:
    """Put `model` into `layout`, and afterwards back."""
    before = layout_of(model)
    if layout != before:
        lay_out(model, layout)
    try:
        yield
    finally:
        if layout != before:
            lay_out(model, before)


def bears_channels_last(model: nn.Module, sample: Batch) -> bool:
    """Whether the two layouts differ for `model`, and it computes the same in channels last, as
    tried out on the first of `sample`."""
    if not any(_differs(weight) for weight in _weights(model)):
        return False
    one = moved(sample[:1], model)

    def answer(layout: Layout) -> Tensor:
        with laid_out(model, layout):  # a copy, for some networks write into what they are given
            return forward(model, one.mapped(torch.clone).inputs)

    with preserved(), evaluating(model), torch.no_grad():
        wanted = answer("contiguous")
        try:
            found = answer("channels_last")
        except FORWARD_ERRORS as error:
            raise_if_out_of_memory(error)
            return False
    return _alike(found, wanted)


def faster_layout(
    model: nn.Module, sample: Batch, sizes: Sequence[int], timer: Timer | None = None
) -> Layout:
    """The layout in which `model` answers batches of `sizes` samples, made of those of `sample`, in
    less time, by the geometric mean over the sizes; the one that it has, where there are none or it
    runs in one alone. `timer`: by default a stopwatch."""
    if not sizes or not bears_channels_last(model, sample):
        return layout_of(model)
    ratios = []
    other = copy.deepcopy(model)
    with evaluating(model), evaluating(other):
        lay_out(other, next(each for each in LAYOUTS if each != layout_of(model)))
        for size in sizes:
            inputs = ready(sample, model, size)
            calls: dict[str, Callable[[], object]] = {
                layout_of(each): partial(forward, each, inputs) for each in (model, other)
            }
            found = (timer or partial(_stopwatch, device_of(model)))(calls)
            ratios.append(log(found["channels_last"] / found["contiguous"]))
    share = exp(sum(ratios) / len(ratios))
    return "channels_last" if share <= FASTER else "contiguous"


def _stopwatch(
    device: torch.device | None, calls: Mapping[str, Callable[[], object]]
) -> Mapping[str, float]:
    timed = time_in_turn(calls, device, runs=50, warmup=3, budget=BUDGET, clock=busy_clock(device))
    return {name: each.median for name, each in timed.items()}


def _weights(model: nn.Module) -> Iterator[Tensor]:
    """The weights of convolutions of images."""
    for module in model.modules():
        if isinstance(module, _ConvNd) and module.weight.dim() == 4:
            yield module.weight


def _differs(weight: Tensor) -> bool:
    """Whether a weight lies differently in memory in the two layouts."""
    return weight.shape[1] > 1 and weight.shape[2] * weight.shape[3] > 1


def _its(weight: Tensor) -> Layout:
    return "contiguous" if weight.is_contiguous() else "channels_last"


def _alike(one: Tensor, other: Tensor) -> bool:
    """Whether two answers are the same up to the rounding of another order of adding."""
    if one.shape != other.shape:
        return False
    size = float(other.abs().max()) if other.numel() else 0.0
    return bool(((one - other).abs() <= 1e-3 * size).all())
