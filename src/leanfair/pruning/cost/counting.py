"""One forward pass, and every multiply-accumulate of it: where it runs, and with which weight.

Operations are seen at the dispatcher, below all that composes them, so that it makes no difference
whether a layer is called, its weight is borrowed (`F.linear(x, layer.weight)`), or the module has a
kernel of its own, as attention and recurrent layers have. Paths that fuse a whole layer into one
kernel are off meanwhile. What an extension runs without telling the dispatcher cannot be seen.

A product of constants, to which neither the sample nor a parameter comes, is not counted, and nor
is what computes a weight from others in a parametrization. What multiplies without an agreed count
is refused by name where the sample comes to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.modules.conv import _ConvNd
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from leanfair.data.batches import Batch, forward
from leanfair.errors import UnsupportedModelError
from leanfair.evaluation.mode import evaluating
from leanfair.pruning.cost.kernels import Kernel, kernel_of, title, uncountable
from leanfair.pruning.surgery.modules import is_dense, weight_shape

_SAMPLE = ""
"""Stands among the names of parameters for the sample."""


@dataclass(frozen=True)
class Product:
    """The multiply-accumulates of module `place` outside of layers with weights.

    `weight`: the parameter that is multiplied, if it is one alone; `whole`: it is that of a dense
    layer or convolution, and all of it. `between`: activations are multiplied with each other.
    `feeders`: the layers whose outputs are multiplied, where no other layer has read them before.
    """

    place: str
    macs: int
    weight: str = ""
    whole: bool = False
    between: bool = False
    feeders: frozenset[str] = frozenset()


class Work(NamedTuple):
    """What a forward pass multiplies. `calls`: how many positions (pixels, tokens) each dense layer
    and convolution multiplies its weight at; `products`: all else."""

    calls: Mapping[str, int]
    products: tuple[Product, ...]


def work_of(model: nn.Module, sample: Batch) -> Work:
    """What `model` multiplies for the first of `sample`. Raises UnsupportedModelError, naming the
    operation and its module, where that cannot be counted."""
    running: list[str] = []
    counter = _Counter(model, sample[:1], running)
    # Inference mode would hide what composed operations, such as attention, are made of.
    with torch.no_grad(), evaluating(model), _entered(model, running), _unfused(), counter:
        forward(model, sample[:1].inputs)
    if counter.refused:
        operation, place = counter.refused[0]
        where = f"in {place}" if place else "outside of its modules"
        raise UnsupportedModelError(
            f"{type(model).__name__} runs {operation} {where}, whose multiply-accumulates cannot "
            f"be counted: write it as matrix products or convolutions, or give a network without."
        )
    return Work(counter.calls, counter.products())


@contextmanager
def _entered(model: nn.Module, running: list[str]) -> Iterator[None]:
    """While this lasts, `running` has the names of the modules that run, innermost last."""

    def enter(name: str) -> Any:
        return lambda module, args: running.append(name)

    def leave(module: nn.Module, args: Any, output: Any) -> None:
        running.pop()

    handles = []
    for name, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(enter(name)))
        handles.append(module.register_forward_hook(leave, always_call=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _unfused() -> Iterator[None]:
    """While this lasts, attention and encoder layers of PyTorch run operation by operation."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


class _Layer(NamedTuple):
    """A dense layer or convolution: the parameters that its weight is made of, and its size."""

    name: str
    made_of: frozenset[str]
    size: int


class _Factor(NamedTuple):
    """A tensor that is multiplied: what it comes from, its size, and that of one of its
    matrices."""

    origin: frozenset[str]
    size: int
    matrix: int

    @property
    def parameter(self) -> str:
        """The one parameter that it comes from, if it is one."""
        alone = len(self.origin) == 1 and _SAMPLE not in self.origin
        return next(iter(self.origin)) if alone else ""

    def is_weight_of(self, layer: _Layer) -> bool:
        """Whether it is the weight of a layer, or made of it alone."""
        made = _SAMPLE not in self.origin and bool(self.origin & layer.made_of)
        return made and layer.size in (self.size, self.matrix)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations as they run, and keeps for every tensor which parameters it comes from,
    whether it comes from the sample, and which layers' outputs it is made of."""

    supports_higher_order_operators = True

    def __init__(self, model: nn.Module, sample: Batch, running: list[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.running = running
        self.calls: Counter[str] = Counter()
        self.refused: list[tuple[str, str]] = []
        self._found: Counter[Product] = Counter()
        self._layers = {layer.name: layer for layer in _layers(model)}
        self._origins: dict[StorageWeakRef | None, frozenset[str]] = {}
        self._feeders: dict[StorageWeakRef | None, frozenset[str]] = {}
        for name, value in model.named_parameters():
            self._note(value, frozenset({name}))
        for value in tree_leaves(sample.inputs):
            self._note(value, frozenset({_SAMPLE}))

    def products(self) -> tuple[Product, ...]:
        """What was counted outside of layers."""
        return tuple(replace(each, macs=macs) for each, macs in self._found.items())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        kernel = kernel_of(func)
        if kernel is None and isinstance(func, torch._ops.OpOverload):
            with self:  # in inference mode, composed operations arrive as they are
                made = func.decompose(*args, **kwargs)
            if made is not NotImplemented:
                return made
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        origin = frozenset[str]().union(*map(self._origin, given))
        feeders = frozenset[str]().union(*map(self._fed_by, given))
        out = func(*args, **kwargs)
        if kernel is not None and all(x.layout == torch.strided for x in given):
            layer = self._count(kernel, args, out, origin, feeders)
            feeders = feeders if layer is None else frozenset({layer.name})
        elif _SAMPLE in origin and uncountable(func, given):
            self.refused.append((title(func), self._place()))
        for value in tree_leaves(out):
            if isinstance(value, Tensor):
                self._note(value, origin, feeders)
        return out

    def _count(
        self,
        kernel: Kernel,
        args: Sequence[Any],
        out: Any,
        origin: frozenset[str],
        feeders: frozenset[str],
    ) -> _Layer | None:
        """Count one operation; the layer whose weight it multiplies, if it is one."""
        place = self._place()
        if not origin or ".parametrizations." in f".{place}.":
            return None
        macs = kernel.macs(args, tree_leaves(out)[0])
        factors = [self._factor(args[i]) for i in kernel.factors]
        layer = self._layer(place, factors)
        if layer is not None and layer.size and f"{layer.name}.".startswith(_root(place)):
            self.calls[layer.name] += macs // layer.size
            return layer
        weight = next((factor.parameter for factor in factors if factor.parameter), "")
        if layer is not None:
            weight = f"{layer.name}.weight"
        active = all(_SAMPLE in factor.origin for factor in factors)
        between = active or (kernel.batched and not weight)
        self._found[Product(place, 0, weight, layer is not None, between, feeders)] += macs
        return layer

    def _factor(self, value: Any) -> _Factor:
        first = tree_leaves(value)[0]
        return _Factor(self._origin(first), first.numel(), first.shape[-2:].numel())

    def _layer(self, place: str, factors: Sequence[_Factor]) -> _Layer | None:
        """The layer whose weight is one of the factors: that which runs or, where a weight is
        borrowed, its owner."""
        own = self._layers.get(place)
        if own is not None and any(factor.is_weight_of(own) for factor in factors):
            return own
        borrowed = [factor for factor in factors if factor.parameter]
        found = (
            layer
            for layer in self._layers.values()
            if any(factor.is_weight_of(layer) for factor in borrowed)
        )
        return next(found, None)

    def _place(self) -> str:
        return self.running[-1] if self.running else ""

    def _origin(self, value: Tensor) -> frozenset[str]:
        return self._origins.get(_storage(value), frozenset())

    def _fed_by(self, value: Tensor) -> frozenset[str]:
        return self._feeders.get(_storage(value), frozenset())

    def _note(
        self, value: Tensor, origin: frozenset[str], feeders: frozenset[str] = frozenset()
    ) -> None:
        """A tensor is made of `origin` and `feeders`, and of what was in its storage before: it may
        be a view, or changed in place."""
        stored = _storage(value)
        if stored is not None:
            origin |= self._origin(value)
            # What comes from the sample may come from anything else, too.
            self._origins[stored] = frozenset({_SAMPLE}) if _SAMPLE in origin else origin
            self._feeders[stored] = feeders | self._fed_by(value)


def _layers(model: nn.Module) -> Iterator[_Layer]:
    names = {id(value): name for name, value in model.named_parameters()}
    for name, module in model.named_modules():
        if is_dense(module) or isinstance(module, _ConvNd):
            made_of = frozenset(
                names[id(value)]
                for part, value in module.named_parameters()
                if part == "weight" or part.startswith("parametrizations.weight.")
            )
            yield _Layer(name, made_of, prod(weight_shape(module)))


def _root(name: str) -> str:
    return f"{name}." if name else ""


def _storage(value: Tensor) -> StorageWeakRef | None:
    """What tensors are told apart by: views have the storage of what they view. None where a tensor
    has none of its own, as a sparse one."""
    if value.layout != torch.strided:
        return None
    return StorageWeakRef(value.untyped_storage())  # type: ignore[no-untyped-call]
