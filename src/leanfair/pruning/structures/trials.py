"""Verifying removals on a network and a few real inputs before they are offered."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import replace
from math import inf
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction

from leanfair.data.batches import Batch, forward
from leanfair.errors import FORWARD_ERRORS, SurgeryError, raise_if_out_of_memory
from leanfair.pruning.structures.tracing.dependency import Tracer
from leanfair.pruning.structures.tracing.markers import NAN, mark_output
from leanfair.pruning.structures.tracing.recording import handles, mapped
from leanfair.pruning.structures.update import heads
from leanfair.pruning.surgery.config import depth_entries, entries_changed
from leanfair.pruning.surgery.masking import masked
from leanfair.pruning.surgery.narrowing import remove_layers
from leanfair.pruning.surgery.removal import remove
from leanfair.pruning.surgery.verification import TOLERANCE, difference
from leanfair.pruning.types import Cut, Layer


class Trials:
    """A network and real inputs on which removals are tried."""

    def __init__(
        self,
        model: nn.Module,
        sample: Batch,
        tracer: Tracer,
        with_depth_entries: Callable[[Layer], Layer],
        head: str,
    ) -> None:
        """`with_depth_entries` adds to a layer the configuration entries that hold the number of
        layers, if there are any. `head`: the module whose input is the penultimate
        representation."""
        self.with_depth_entries = with_depth_entries
        self._head = head
        self._model = model
        self._sample = sample
        weighted = [name for name in tracer.recording.order if tracer.roles[name].kind != "clear"]
        self._influential = _influential(model, sample[:1], weighted)
        # Modules that run only in training, such as auxiliary heads, must still fit afterwards.
        idle = _has_idle_weights(model, set(tracer.recording.order))
        self._trains = idle and _trains(copy.deepcopy(model), sample)
        self._removable_containers: set[str] = set()

    def affects_logits(self, names: Iterable[str]) -> bool:
        """Whether the logits depend on every one of the modules `names`."""
        return self._influential.issuperset(names)

    def seems_removable(self, layer: Layer) -> bool:
        """Whether the logits without a block equal those with the block zeroed, on two samples and
        for one block of each container: a fast check, before all blocks are tried together."""
        if layer.container not in self._removable_containers and self._equal_without((layer,)):
            self._removable_containers.add(layer.container)
        return layer.container in self._removable_containers

    def try_one_of_each(self, layers: Iterable[Layer]) -> None:
        """`seems_removable` for the first of `layers` in each container, of all containers at
        once; where that fails, they are left to be tried one by one."""
        first: dict[str, Layer] = {}
        for layer in layers:
            if layer.container not in self._removable_containers:
                first.setdefault(layer.container, layer)
        if len(first) > 1 and self._equal_without(tuple(first.values())):
            self._removable_containers |= first.keys()

    def _equal_without(self, layers: tuple[Layer, ...]) -> bool:
        """Whether the logits without `layers` equal those with them zeroed, on two samples."""
        few = self._sample[:2].inputs
        told = tuple(self.with_depth_entries(layer) for layer in layers)
        try:
            with torch.no_grad():
                out = forward(_Without(self._model, told), few)
                with masked(self._model, layers):
                    twin = forward(self._model, few)
        except FORWARD_ERRORS as error:  # they are called by name, or by number
            raise_if_out_of_memory(error)
            return False
        close = TOLERANCE.get(twin.dtype, 1e-4) * float(twin.abs().max())
        return out.shape == twin.shape and float((out - twin).abs().max()) <= close

    def gap(self, cut: Cut, samples: int | None = None) -> float:
        """The largest difference between the outputs of the network without `cut` and of that with
        it zeroed, relative to the tolerance for rounding (at most 1 is equal); infinite if the
        smaller network does not run."""
        part = self._sample[:samples]
        cut = replace(cut, layers=tuple(self.with_depth_entries(layer) for layer in cut.layers))
        try:
            if not cut.neurons and not self._trains:  # blocks can be skipped without a copy
                without = _Without(self._model, cut.layers)
                head, head_after = heads(cut, self._head, self._model)
                # The blocks are removed during the pass only: before it, all names are unchanged.
                within = None if head_after is None else (head and f"network.{head}")
                return difference(cut, self._model, without, part, (head, within))
            child = remove(cut, self._model, share=not self._trains)
        except SurgeryError:
            return inf
        gap = difference(cut, self._model, child, part, heads(cut, self._head, self._model))
        return inf if gap <= 1.0 and self._trains and not _trains(child, self._sample) else gap


class _Without(nn.Module):
    """A network that skips some of its blocks."""

    def __init__(self, network: nn.Module, layers: tuple[Layer, ...]) -> None:
        super().__init__()
        self.network = network
        self.layers = layers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        containers = [self.network.get_submodule(layer.container) for layer in self.layers]
        before = [(container, dict(container._modules)) for container in containers]
        entries = depth_entries(Cut("layer", layers=self.layers), self.network)
        try:
            remove_layers(self.network, self.layers)
            with entries_changed(self.network, entries):
                return forward(self.network, kwargs or args[0])  # also without a cache
        finally:
            for container, modules in before:
                container._modules.clear()
                container._modules.update(modules)


def _influential(model: nn.Module, sample: Batch, names: list[str]) -> set[str]:
    """The modules in `names` on whose outputs the logits depend, by their gradients and, for those
    without a gradient, by whether NaN in their output reaches the logits."""
    heard = _differentiable(model, sample, names)
    for name in names:
        if name not in heard and _nan_reaches_logits(model, sample, name):
            heard.add(name)
    return heard


def _differentiable(model: nn.Module, sample: Batch, names: list[str]) -> set[str]:
    """The modules in `names` for whose outputs the logits have a gradient, whatever it is."""
    levers: dict[str, Tensor] = {}

    def moved(name: str) -> Any:
        def move(value: Tensor) -> Tensor:
            if not value.is_floating_point():
                return value
            lever = levers.setdefault(name, value.new_zeros(()).requires_grad_())
            return value + lever

        return lambda module, args, output: mapped(output, move)

    with handles() as held, torch.inference_mode(False), torch.enable_grad():
        held += [model.get_submodule(name).register_forward_hook(moved(name)) for name in names]
        try:
            logits = forward(model, sample.inputs).float().sum()
            found = _reached(logits)
            if found is None:
                held_by = list(levers.values())
                slopes = torch.autograd.grad(logits, held_by, allow_unused=True)
                found = {id(x) for x, at in zip(held_by, slopes, strict=True) if at is not None}
        except FORWARD_ERRORS as error:  # it keeps no gradients
            raise_if_out_of_memory(error)
            return set()
    return {name for name, lever in levers.items() if id(lever) in found}


def _reached(value: Tensor) -> set[int] | None:
    """The leaves from which `value` was computed with gradients, by id; None where that passes
    functions written in Python, which may have no gradient: only running them backwards tells."""
    nodes: list[Any] = [value.grad_fn]
    seen = set(nodes)
    leaves = set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, BackwardCFunction):
            return None
        leaves.add(id(getattr(node, "variable", None)))
        more = {after for after, _ in getattr(node, "next_functions", ())} - seen
        seen |= more
        nodes += more
    return leaves


def _nan_reaches_logits(model: nn.Module, sample: Batch, name: str) -> bool:
    """Whether NaN as the output of module `name` reaches the logits."""
    with handles() as held, torch.no_grad():
        held.append(model.get_submodule(name).register_forward_hook(mark_output))
        try:
            return NAN.found_in(forward(model, sample.inputs))
        except FORWARD_ERRORS as error:  # something refuses it
            raise_if_out_of_memory(error)
            return True


def _has_idle_weights(model: nn.Module, ran: set[str]) -> bool:
    return any(
        name not in ran and any(True for _ in module.parameters(recurse=False))
        for name, module in model.named_modules()
    )


def _trains(model: nn.Module, sample: Batch) -> bool:
    """Whether `model` runs in training mode. Changes its batch statistics."""
    model.train()
    inputs = sample.inputs
    try:
        with torch.no_grad():
            model(**inputs) if isinstance(inputs, dict) else model(inputs)
    except FORWARD_ERRORS as error:
        raise_if_out_of_memory(error)
        return False
    return True
