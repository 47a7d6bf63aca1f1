"""What a network costs: MACs, parameters and filters by arithmetic, latency and memory by measure.

MACs are the multiply-accumulates of all matrix products and convolutions that run for one sample,
the rule of the paper's tables (arXiv 2506.04513): those of layers, those of recurrent and attention
kernels, and those of attention between tokens, which grow with the square of the sample's length
(that a causal mask hides half of them saves nothing in most kernels). Biases, normalisations,
activations, additions and looking up an embedding count nothing. Parameters are all of them,
embeddings among them, and shared ones once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.instancenorm import _InstanceNorm

from leanfair.data.batches import Batch
from leanfair.models.streamed import shelf_of
from leanfair.pruning.cost.counting import Product, Work, work_of
from leanfair.pruning.cost.times import SECOND, Times
from leanfair.pruning.surgery.modules import is_dense, weight_shape
from leanfair.pruning.surgery.twin import Likeness, twin_for, words_like
from leanfair.pruning.types import Cut, Member, NeuronCut, Target


@dataclass(frozen=True)
class Operation:
    """One module with weights: its widths, and what a sample costs in it.

    `calls` is how many positions (pixels, tokens) of one sample its weight is applied to, `kernel`
    how many positions it reads for each. `per_channel` parameters belong to each output channel
    beside the weight: a bias, or the values of a normalisation.
    """

    features_in: int
    features_out: int
    groups: int
    kernel: int
    calls: int
    per_channel: int
    kind: Literal["convolution", "dense", "channels"]

    @property
    def macs(self) -> int:
        return self.calls * self.weights

    @property
    def params(self) -> int:
        return self.weights + self.per_channel * self.features_out

    @property
    def filters(self) -> int:
        """A dense layer over many positions is a convolution, too: one with kernel size 1."""
        convolves = self.kind == "convolution" or (self.kind == "dense" and self.calls > 1)
        return self.features_out if convolves else 0

    @property
    def weights(self) -> int:
        """The size of the weight that is multiplied."""
        if self.kind == "channels":
            return 0
        return self.kernel * self.features_in * self.features_out // self.groups


@dataclass(frozen=True)
class Cost:
    """The layers of a network (`operations`) and `rest`, the parameters outside of them, by module
    name; `embeddings` of all parameters are those of embeddings. `products` are all
    multiply-accumulates outside of layers. `times`: how long its blocks take, where that was
    measured."""

    operations: Mapping[str, Operation]
    rest: Mapping[str, int]
    embeddings: int = 0
    products: tuple[Product, ...] = ()
    times: Times | None = None

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one sample."""
        layers = sum(operation.macs for operation in self.operations.values())
        return layers + sum(product.macs for product in self.products)

    @property
    def attention(self) -> int:
        """Those of the `macs` that are products between activations, as of tokens."""
        return sum(product.macs for product in self.products if product.between)

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
        """The counts by name and, where times are known, the latency in nanoseconds."""
        timed = {} if self.times is None else {"latency": self.times.total}
        return {"macs": self.macs, "params": self.params, "filters": self.filters, **timed}

    def without(self, layers: Iterable[str] = (), neurons: Iterable[NeuronCut] = ()) -> Cost:
        """The cost after blocks `layers` and `neurons` are removed: exactly what `cost_of` finds
        on the network cut so."""
        layers, neurons = tuple(layers), tuple(neurons)
        roots = tuple(f"{layer}." for layer in layers)
        times = None if self.times is None else self.times.without(layers, neurons)

        def stays(name: str) -> bool:
            return not f"{name}.".startswith(roots)

        left = {name: each for name, each in self.operations.items() if stays(name)}
        rest = {name: count for name, count in self.rest.items() if stays(name)}
        products = [each for each in self.products if stays(each.place) and stays(each.weight)]
        for cut in neurons:
            for member in cut.group.members:
                if member.module in left:
                    left[member.module] = _narrowed(left[member.module], member, len(cut.drop))
            # A product that the neurons come to without another layer's having read them keeps them
            # apart, as no neurons are offered otherwise: each has its share of it.
            made = {member.module for member in cut.group.members if member.side != "in"}
            remain = cut.group.count - len(cut.drop)
            products = [
                _scaled(each, remain, cut.group.count)
                if each.feeders & made and not each.whole
                else each
                for each in products
            ]
        products = [self._lent(each, left) if each.whole else each for each in products]
        counted = tuple(each for each in products if each.macs)
        return Cost(left, rest, self.embeddings, counted, times)

    def renamed(self, now: Callable[[str], str]) -> Cost:
        """The same cost with every module called what `now` makes of its name."""
        products = tuple(
            replace(
                each, place=now(each.place), weight=now(each.weight),
                feeders=frozenset(map(now, each.feeders)),
            )
            for each in self.products
        )  # fmt: skip
        operations = {now(name): each for name, each in self.operations.items()}
        rest = {now(name): count for name, count in self.rest.items()}
        return replace(self, operations=operations, rest=rest, products=products)

    def _lent(self, product: Product, left: Mapping[str, Operation]) -> Product:
        """A product with the weight of a layer, after that may have been narrowed."""
        name = product.weight.rpartition(".")[0]
        return _scaled(product, left[name].weights, self.operations[name].weights)


def cost_of(model: nn.Module, sample: Batch) -> Cost:
    """What each operation of `model` costs, found by one forward pass of the first of `sample`.
    Raises UnsupportedModelError, naming it, for an operation that cannot be counted."""
    work = work_of(model, sample) if shelf_of(model) is None else _by_twin(model, sample)
    operations = {
        name: operation
        for name, module in model.named_modules()
        if (operation := _operation(module, work.calls.get(name, 0))) is not None
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
    return Cost(operations, rest, sum(looked_up.values()), work.products)


def _by_twin(model: nn.Module, sample: Batch) -> Work:
    """What a streamed `model` multiplies: what a small twin of it does, told for all blocks."""
    twin, likeness = twin_for(model)
    found = work_of(twin, words_like(sample))
    told = likeness.told
    products = [
        (block, replace(each, place=place, weight=_now(each.weight, block, likeness),
                        feeders=frozenset(_now(f, block, likeness) for f in each.feeders)))
        for each in found.products
        for place, block in told(each.place)
    ]  # fmt: skip
    order = ["", *likeness.order]
    ordered = sorted(products, key=lambda item: order.index(item[0]))
    calls = {name: n for each, n in found.calls.items() for name, _ in told(each)}
    return Work(calls, tuple(each for _, each in ordered))


def _now(name: str, block: str, likeness: Likeness) -> str:
    """What `name` in the twin is called in `block`, where it is in one."""
    return next((now for now, where in likeness.told(name) if where in ("", block)), name)


def cut_of(
    kind: Literal["layer", "neurons"], before: Cost, layers: Any = (), neurons: Any = ()
) -> Cut:
    """The cut of `layers` or of `neurons`, with what it saves of the cost `before`."""
    after = before.without([layer.name for layer in layers], neurons)
    saved = {key: before.totals()[key] - value for key, value in after.totals().items()}
    return Cut(kind, tuple(layers), tuple(neurons), saved)


def measure(model: nn.Module, sample: Batch, of: Target, known: Cost | None = None) -> float:
    """The cost `of` a network: macs (for one sample), params, memory (bytes to infer one sample) or
    latency (seconds: by its `known` times, or else for one sample on the model's device, the median
    of many runs). `known` is what its operations cost, where that was found already."""
    if of in ("macs", "params"):
        return float((known or cost_of(model, sample)).totals()[of])
    if of == "latency" and known is not None and known.times is not None:
        return known.times.total / SECOND
    from leanfair.evaluation.speed import latency, peak_memory

    if of == "memory":
        return float(peak_memory(model, sample))
    return latency(model, sample, batch_size=1, runs=100, warmup=10, budget=5.0).median


def _operation(module: nn.Module, calls: int) -> Operation | None:
    own = dict(module.named_parameters(recurse=False))
    biased = int("bias" in own)
    if isinstance(module, _ConvNd):
        kernel = prod(module.kernel_size)
        widths = (module.in_channels, module.out_channels, module.groups)
        return Operation(*widths, kernel, calls, biased, "convolution")
    if is_dense(module):
        outward, inward = weight_shape(module)
        return Operation(inward, outward, 1, 1, calls, biased, "dense")
    if isinstance(module, (_BatchNorm, _InstanceNorm)):
        channels = module.num_features
    elif isinstance(module, nn.PReLU):
        channels = module.num_parameters
    else:
        return None
    return Operation(channels, channels, 1, 1, 0, len(own), "channels")


def _scaled(product: Product, left: int, before: int) -> Product:
    return replace(product, macs=product.macs * left // before)


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
