"""What a network costs: MACs, parameters and filters by arithmetic, latency and memory by measure.

MACs are the multiply-accumulates of convolutions and dense layers for one sample, the rule of the
paper's tables (arXiv 2506.04513), and those of attention between tokens, at the sample's length;
normalisations, activations, additions and looking up an embedding count nothing. Parameters are
all of them, embeddings among them, and shared ones once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.instancenorm import _InstanceNorm

from leanfair.data.batches import Batch, forward
from leanfair.evaluation.mode import evaluating
from leanfair.pruning.cost.attention import counted_products
from leanfair.pruning.surgery.modules import dense_weight, first_tensor, is_dense
from leanfair.pruning.types import Cut, Member, NeuronCut

Target = Literal["macs", "params", "latency", "memory"]
PRODUCTS = ":products"
"""Stands after the name of a module for what it multiplies without weights."""

TARGETS: tuple[Target, ...] = ("macs", "params", "latency", "memory")


@dataclass(frozen=True)
class Operation:
    """One module with weights: its widths, and what a sample costs in it.

    `calls` is how many positions (pixels, tokens) of one sample it is applied to, `kernel` how many
    positions it reads for each. `per_channel` parameters belong to each output channel beside the
    weight: a bias, or the values of a normalisation.
    """

    features_in: int
    features_out: int
    groups: int
    kernel: int
    calls: int
    per_channel: int
    kind: Literal["convolution", "dense", "channels", "attention"]
    """An attention has no weights: its `calls` are its products of activations."""

    @property
    def macs(self) -> int:
        return self.calls if self.kind == "attention" else self.calls * self._weights

    @property
    def params(self) -> int:
        return self._weights + self.per_channel * self.features_out

    @property
    def filters(self) -> int:
        """A dense layer over many positions is a convolution, too: one with kernel size 1."""
        convolves = self.kind == "convolution" or (self.kind == "dense" and self.calls > 1)
        return self.features_out if convolves else 0

    @property
    def _weights(self) -> int:
        if self.kind in ("channels", "attention"):
            return 0
        return self.kernel * self.features_in * self.features_out // self.groups


@dataclass(frozen=True)
class Bill:
    """The operations of a network and `rest`, the parameters outside of them, by module name;
    `embeddings` of all parameters are those of embeddings."""

    operations: Mapping[str, Operation]
    rest: Mapping[str, int]
    embeddings: int = 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one sample."""
        return sum(operation.macs for operation in self.operations.values())

    @property
    def attention(self) -> int:
        """Those of the `macs` that are products between tokens."""
        return sum(each.macs for each in self.operations.values() if each.kind == "attention")

    @property
    def params(self) -> int:
        """Parameters."""
        inside = sum(operation.params for operation in self.operations.values())
        return inside + sum(self.rest.values())

    @property
    def filters(self) -> int:
        """Filters: output channels of all convolutions."""
        return sum(operation.filters for operation in self.operations.values())

    def totals(self) -> dict[str, int]:
        """The three counts by name."""
        return {"macs": self.macs, "params": self.params, "filters": self.filters}

    def without(self, layers: Iterable[str] = (), neurons: Iterable[NeuronCut] = ()) -> Bill:
        """The bill after blocks `layers` and `neurons` are removed: exactly what `bill` would find
        on the network cut so."""
        roots = tuple(f"{layer}." for layer in layers)

        def stays(name: str) -> bool:
            return not f"{name.removesuffix(PRODUCTS)}.".startswith(roots)

        left = {name: each for name, each in self.operations.items() if stays(name)}
        rest = {name: count for name, count in self.rest.items() if stays(name)}
        for cut in neurons:
            for member in cut.group.members:
                if member.module in left:
                    left[member.module] = _narrowed(left[member.module], member, len(cut.drop))
            for name in _attended(cut, left):
                stay = left[name].calls * (cut.group.count - len(cut.drop)) // cut.group.count
                left[name] = replace(left[name], calls=stay)
        return Bill(left, rest, self.embeddings)


def bill(model: nn.Module, sample: Batch) -> Bill:
    """What each operation of `model` costs, found by one forward pass of the first of `sample`."""
    calls: dict[str, int] = {}
    handles = []

    def counter(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            calls[name] = calls.get(name, 0) + _positions(module, args, kwargs, output)

        return hook

    for name, module in model.named_modules():
        if is_dense(module) or isinstance(module, _ConvNd):
            handles.append(module.register_forward_hook(counter(name), with_kwargs=True))
    try:
        # Inference mode would hide what composite operations, such as attention, are made of.
        with torch.no_grad(), evaluating(model), counted_products(model) as products:
            forward(model, sample[:1].inputs)
    finally:
        for handle in handles:
            handle.remove()
    operations = {
        name: operation
        for name, module in model.named_modules()
        if (operation := _operation(module, calls.get(name, 0))) is not None
    }
    operations |= {
        f"{name}{PRODUCTS}": Operation(0, 0, 1, 1, macs, 0, "attention")
        for name, macs in products.items()
        if macs
    }
    rest = {name: -operation.params for name, operation in operations.items()}
    for name, parameter in model.named_parameters():
        owner = name.rpartition(".")[0]
        rest[owner] = rest.get(owner, 0) + parameter.numel()
    looked_up = {
        id(module.weight): module.weight.numel()
        for module in model.modules()
        if isinstance(module, nn.Embedding)
    }
    rest = {name: count for name, count in rest.items() if count}
    return Bill(operations, rest, sum(looked_up.values()))


def cut_of(
    kind: Literal["layer", "neurons"], before: Bill, layers: Any = (), neurons: Any = ()
) -> Cut:
    """The cut of `layers` or of `neurons`, with what it saves on the bill `before`."""
    after = before.without([layer.name for layer in layers], neurons)
    saved = {key: before.totals()[key] - value for key, value in after.totals().items()}
    return Cut(kind, tuple(layers), tuple(neurons), saved)


def measure(model: nn.Module, sample: Batch, of: Target, known: Bill | None = None) -> float:
    """The cost `of` a network: macs (for one sample), params, memory (bytes to infer one sample) or
    latency (seconds for one sample on the model's device, the median of many runs). `known` is its
    bill, where that was found already."""
    if of in ("macs", "params"):
        return float((known or bill(model, sample)).totals()[of])
    from leanfair.evaluation.speed import latency, peak_memory

    if of == "memory":
        return float(peak_memory(model, sample))
    return latency(model, sample, batch_size=1, runs=100, warmup=10, budget=5.0).median


def _positions(module: nn.Module, args: Any, kwargs: Any, output: Any) -> int:
    """How many positions a call of `module` multiplies its weight at."""
    if is_dense(module):
        return int(output.shape[:-1].numel())
    # A transposed convolution spreads each position of its input.
    at = first_tensor(args, kwargs)[1] if isinstance(module, _ConvTransposeNd) else output
    return int(at.shape[2:].numel()) * int(at.shape[0])


def _operation(module: nn.Module, calls: int) -> Operation | None:
    own = dict(module.named_parameters(recurse=False))
    biased = int("bias" in own)
    if isinstance(module, _ConvNd):
        kernel = prod(module.kernel_size)
        widths = (module.in_channels, module.out_channels, module.groups)
        return Operation(*widths, kernel, calls, biased, "convolution")
    if is_dense(module):
        outward, inward = dense_weight(module).shape
        return Operation(inward, outward, 1, 1, calls, biased, "dense")
    if isinstance(module, (_BatchNorm, _InstanceNorm)):
        channels = module.num_features
    elif isinstance(module, nn.PReLU):
        channels = module.num_parameters
    else:
        return None
    return Operation(channels, channels, 1, 1, 0, len(own), "channels")


def _attended(cut: NeuronCut, operations: Mapping[str, Operation]) -> list[str]:
    """The attention that the heads of a cut take part in: the innermost around what feeds it."""
    if cut.group.unit != "head":
        return []
    feeds = [member.module for member in cut.group.members if member.side == "out"]
    around = [
        name
        for name, operation in operations.items()
        if operation.kind == "attention"
        and any(feed.startswith(f"{name.removesuffix(PRODUCTS)}.") for feed in feeds)
    ]
    return sorted(around, key=len)[-1:]


def _narrowed(operation: Operation, member: Member, dropped: int) -> Operation:
    gone = dropped * member.repeat
    if member.side == "in":
        return replace(operation, features_in=operation.features_in - gone)
    out = operation.features_out - gone
    if member.side == "out":
        return replace(operation, features_out=out)
    if operation.kind == "channels":
        return replace(operation, features_in=out, features_out=out)
    groups = gone * operation.groups // operation.features_out  # whole groups of a convolution go
    return replace(
        operation,
        features_in=operation.features_in - groups * operation.features_in // operation.groups,
        features_out=out,
        groups=operation.groups - groups,
    )
