"""The criterion `contribution`: the relative norm of what each structure adds to the residual
stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from leanfair.data.batches import Batch
from leanfair.data.language import flattened
from leanfair.errors import InputError
from leanfair.evaluation.mode import evaluating
from leanfair.models.streamed import resident
from leanfair.pruning.criteria.gates import folded
from leanfair.pruning.surgery.activations import Head, run_body
from leanfair.pruning.surgery.modules import (
    consumers,
    dense_weight,
    first_output,
    first_tensor,
    in_full,
    is_dense,
)
from leanfair.pruning.types import Anatomy, Layer, Member, Neurons, Scores


def contribution(
    model: nn.Module,
    anatomy: Anatomy,
    batches: Sequence[Batch],
    seed: int,
    progress: Callable[[float], None],
) -> Scores:
    """The mean, over samples or tokens, of the squared norm of a structure's contribution relative
    to the squared norm of the output of its block.

    For a layer this is ||out - in||² / ||out||². The contribution of neuron i is the part W_i x_i
    of its consumer's output, with W_i the columns of the weight that read it; for a single channel
    its squared norm is ||w_i||² x_i². The mean over tokens gives each token the same weight, so
    that the few with very large activations, such as the first of a text, do not dominate. In a
    convolutional network norms are taken over all positions of a sample.

    One forward pass without gradients scores every structure, which suits networks too large to be
    trained, or to be evaluated without each structure in turn. The effect beyond the block is
    ignored. Related criteria are the weight times the norm of its input (Wanda, arXiv 2306.11695,
    equation 1), here squared and summed over all outputs of a structure, and the angle by which a
    block changes the stream (ShortGPT, arXiv 2403.03853, Block Influence).

    The score is exact if a dense consumer writes directly into the residual stream, as in most
    transformers. Otherwise it is an approximation: a normalisation between consumer and stream is
    ignored, and the contributions of several consumers, and of the positions that a convolution
    combines, are summed as if orthogonal. Neurons outside of all blocks are compared with the
    output of their consumer.
    """
    layers = [_Crossing(layer, _Meter(1)) for layer in anatomy.layers]
    groups = {group.name: _Meter(group.count) for group in anatomy.neurons}
    with torch.no_grad(), evaluating(model):
        readings = _readings(model, anatomy, groups)
        head = _end(anatomy, readings)
        for i, batch in enumerate(batches):
            with _watching(model, layers, readings, batch):
                run_body(model, head, batch)
            progress((i + 1) / len(batches))
    return Scores(
        "contribution",
        {each.layer.name: each.meter.mean()[0] for each in layers},
        {name: meter.mean() for name, meter in groups.items()},
    )


def _end(anatomy: Anatomy, readings: list[_Reading]) -> Head | None:
    """The head, where it is known and nothing is read in it."""
    if anatomy.found_head is None:
        return None
    head = Head(*anatomy.found_head)
    read = {layer.name for layer in anatomy.layers} | {reading.place for reading in readings}
    read |= {reader.member.module for reading in readings for reader in reading.readers}
    inside = any(f"{head.name}.".startswith(f"{name}.") for name in read)
    return None if inside else head


@dataclass
class _Meter:
    """A running mean over rows of `count` numbers."""

    count: int
    total: Tensor = field(init=False)
    rows: int = 0

    def __post_init__(self) -> None:
        self.total = torch.zeros(self.count, dtype=torch.float64)

    def add(self, rows: Tensor) -> None:
        """Include `rows`, [n, count]."""
        self.total += rows.sum(dim=0, dtype=torch.float64).cpu()
        self.rows += len(rows)

    def mean(self) -> tuple[float, ...]:
        """The mean, `count` numbers; zeros without any row."""
        return tuple((self.total / max(1, self.rows)).tolist())


@dataclass(frozen=True)
class _Reader:
    """A consumer of `count` neurons. `size`: for each neuron of a dense consumer the Gram matrix of
    the columns that read it, [count, repeat, repeat]; of a convolution the squared norms of its
    kernels, [count, repeat]."""

    member: Member
    dense: bool
    size: Tensor

    @staticmethod
    def of(group: Neurons, member: Member, module: nn.Module) -> _Reader:
        """The reader that is `member` of `group`."""
        shape = (group.count, member.repeat)
        features = slice(member.offset, member.offset + shape[0] * shape[1])
        if isinstance(module, _ConvNd):
            return _Reader(member, False, kernel_norms(module)[features].reshape(shape))
        if not is_dense(module):
            raise InputError(
                f"The criterion contribution does not know what a {type(module).__name__} makes of "
                f"{group.name}: choose another criterion."
            )
        columns = in_full(dense_weight(module))[:, features].reshape(-1, *shape)
        return _Reader(member, True, torch.einsum("dcr,dcs->crs", columns, columns))

    def contributions(self, x: Tensor, output: Tensor) -> Tensor:
        """The squared norm of the part of the consumer's output due to each neuron, for its input
        `x`: [n, ..., count] or, for a convolution, over all positions of `output`, [n, count]."""
        count, repeat = self.size.shape[:2]
        own = in_full(x.narrow(-1 if self.dense else 1, self.member.offset, count * repeat))
        if self.dense and repeat == 1:
            return own.square() * self.size.flatten()
        if self.dense:
            own = own.reshape(*own.shape[:-1], count, repeat)
            turned = torch.einsum("...cr,crs->...cs", own, self.size)
            return (turned * own).sum(dim=-1).clamp(min=0.0)
        each = own.square().flatten(2).mean(dim=2).reshape(-1, count, repeat)
        return (each * self.size).sum(dim=2) * output[0, 0].numel()


@dataclass
class _Reading:
    """The contributions of a group of neurons through `readers`, relative to the output of the
    module `place`."""

    place: str
    meter: _Meter
    readers: list[_Reader] = field(default_factory=list)
    found: list[Tensor] = field(default_factory=list)
    """Contributions in the current pass, until that output is known."""

    def look(self, reader: _Reader) -> Any:
        """A forward hook for a consumer."""

        def hook(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            self.found.append(reader.contributions(first_tensor(args, kwargs)[1], output))

        return hook

    def settle(self, batch: Batch) -> Any:
        """A forward hook for the module `place`."""
        tokenwise = all(reader.dense for reader in self.readers)

        def hook(module: nn.Module, args: Any, output: Any) -> None:
            if self.found:
                self.meter.add(_shares(self.found, first_output(output), batch, tokenwise))
            self.found = []

        return hook


@dataclass
class _Crossing:
    """The change of the residual stream by a layer."""

    layer: Layer
    meter: _Meter
    entry: Tensor | None = None

    def enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """A forward pre-hook that copies the input of the layer, which may be changed in place."""
        self.entry = first_tensor(args, kwargs)[1].clone()

    def leave(self, batch: Batch) -> Any:
        """A forward hook for the output of the layer."""

        def hook(module: nn.Module, args: Any, output: Any) -> None:
            x, entry = first_output(output), self.entry
            if entry is None:
                return
            tokenwise = not any(isinstance(part, _ConvNd) for part in module.modules())
            change = (in_full(x) - in_full(entry)).square().sum(dim=-1, keepdim=True)
            self.meter.add(_shares([change], x, batch, tokenwise))
            self.entry = None

        return hook


def _readings(model: nn.Module, anatomy: Anatomy, meters: dict[str, _Meter]) -> list[_Reading]:
    readings: list[_Reading] = []
    for group in anatomy.neurons:
        places: dict[str, _Reading] = {}
        for member in consumers(group):
            inside = f"{member.module}.".startswith(f"{group.block}.")
            place = group.block if inside else member.module
            reading = places.setdefault(place, _Reading(place, meters[group.name]))
            with resident(model, member.module) as module:
                reading.readers.append(_Reader.of(group, member, module))
        readings += places.values()
    return readings


@contextmanager
def _watching(
    model: nn.Module, layers: list[_Crossing], readings: list[_Reading], batch: Batch
) -> Iterator[None]:
    """Within the context, forward passes of `batch` through `model` are measured."""
    modules = dict(model.named_modules())
    handles = []
    try:
        for reading in readings:
            for reader in reading.readers:
                consumer = modules[reader.member.module]
                look = reading.look(reader)
                handles.append(consumer.register_forward_hook(look, with_kwargs=True))
            handles.append(modules[reading.place].register_forward_hook(reading.settle(batch)))
        for each in layers:
            block = modules[each.layer.name]
            handles.append(block.register_forward_pre_hook(each.enter, with_kwargs=True))
            handles.append(block.register_forward_hook(each.leave(batch)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _shares(squares: list[Tensor], stream: Tensor, batch: Batch, tokenwise: bool) -> Tensor:
    """The sum of `squares`, squared norms [n, ..., count], relative to those of `stream`: one row
    per token if `tokenwise` and both have the same tokens, else one per sample. Raises InputError
    if they do not have the same samples."""
    stream = in_full(stream)
    count = squares[0].shape[-1]
    rows = stream.shape[:2]
    if tokenwise and stream.ndim == 3 and all(_alike(square, rows) for square in squares):
        total = torch.stack([square.reshape(*rows, count) for square in squares]).sum(dim=0)
        shares = _over(total, stream.square().sum(dim=2, keepdim=True))
        return flattened(batch, shares) if len(stream) == len(batch) else shares.flatten(0, 1)
    if any(len(square) != len(stream) for square in squares):
        raise folded("contribution", len(squares[0]), len(stream))
    total = torch.stack(
        [square.reshape(len(square), -1, count).sum(dim=1) for square in squares]
    ).sum(0)
    return _over(total, stream.flatten(1).square().sum(dim=1, keepdim=True))


def _alike(squares: Tensor, rows: tuple[int, ...]) -> bool:
    """Whether `squares` has the rows [n, tokens], also flattened to [n * tokens], as in OPT."""
    return squares.shape[:-1] in (rows, (rows[0] * rows[1],))


def _over(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, and 0 where whole is 0."""
    return torch.where(whole > 0.0, part / whole, 0.0)


def kernel_norms(module: _ConvNd) -> Tensor:
    """The squared norm of the weights of a convolution that read each input channel, [channels]."""
    squares = in_full(module.weight).square().flatten(2).sum(dim=2)
    if module.transposed:
        return squares.sum(dim=1)
    return squares.reshape(module.groups, -1, squares.shape[1]).sum(dim=1).flatten()
