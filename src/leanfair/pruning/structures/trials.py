"""Trying a removal out on a network before it is offered."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import replace
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward
from leanfair.errors import SurgeryError
from leanfair.pruning.structures.tracing.dependency import Dye
from leanfair.pruning.structures.tracing.markers import NAN, dye_all
from leanfair.pruning.structures.tracing.recording import handles, mapped
from leanfair.pruning.structures.update import heads
from leanfair.pruning.surgery.config import depth_entries, told
from leanfair.pruning.surgery.masking import masked
from leanfair.pruning.surgery.narrowing import remove_layers
from leanfair.pruning.surgery.removal import remove
from leanfair.pruning.surgery.verification import TOLERANCE, difference
from leanfair.pruning.types import Cut, Layer


class Trials:
    """A network and real inputs to try removals on."""

    def __init__(
        self,
        model: nn.Module,
        sample: Batch,
        dye: Dye,
        told: Callable[[Layer], Layer],
        head: str,
    ) -> None:
        """`told` gives a layer the entries of the configuration that count it, where it has any;
        `head` is the module whose input is the penultimate representation."""
        self.told = told
        self._head = head
        self._model = model
        self._sample = sample
        weighted = [name for name in dye.seen.order if dye.roles[name].kind != "clear"]
        self._heard = _heard(model, sample[:1], weighted)
        # Some modules run in training alone, as auxiliary heads do: they have to fit, too.
        idle = _has_idle_weights(model, set(dye.seen.order))
        self._trains = idle and _trains(copy.deepcopy(model), sample)
        self._loose: set[str] = set()

    def acts(self, names: Iterable[str]) -> bool:
        """Whether the logits depend on all of these modules."""
        return self._heard.issuperset(names)

    def seems_to_go(self, layer: Layer) -> bool:
        """Whether the logits without a block are those with it zeroed: a quick look, on little, at
        one block of each container. All are tried together in the end."""
        if layer.container in self._loose:
            return True
        few = self._sample[:2].inputs
        try:
            with torch.no_grad():
                out = forward(_Without(self._model, (self.told(layer),)), few)
                with masked(self._model, (layer,)):
                    twin = forward(self._model, few)
        except Exception:  # it is called by name, or by number
            return False
        close = TOLERANCE.get(twin.dtype, 1e-4) * float(twin.abs().max())
        if out.shape != twin.shape or float((out - twin).abs().max()) > close:
            return False
        self._loose.add(layer.container)
        return True

    def gap(self, cut: Cut, samples: int | None = None) -> float:
        """How far the network without `cut` is from the one with it zeroed, in units of what
        rounding may explain; infinite where it does not run."""
        part = self._sample[:samples]
        cut = replace(cut, layers=tuple(self.told(layer) for layer in cut.layers))
        try:
            if not cut.neurons and not self._trains:  # no copy is needed to leave blocks out
                without = _Without(self._model, cut.layers)
                mine, its = heads(cut, self._head, self._model)
                # Its blocks are taken out in the pass itself: until then it has all its names.
                within = None if its is None else f"network.{mine}"
                return difference(cut, self._model, without, part, (mine, within))
            child = remove(cut, self._model)
        except SurgeryError:
            return inf
        gap = difference(cut, self._model, child, part, heads(cut, self._head, self._model))
        return inf if gap <= 1.0 and self._trains and not _trains(child, self._sample) else gap


class _Without(nn.Module):
    """A network that runs without some of its blocks."""

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
            with told(self.network, entries):
                return forward(self.network, kwargs or args[0])  # also without a cache
        finally:
            for container, modules in before:
                container._modules.clear()
                container._modules.update(modules)


def _heard(model: nn.Module, sample: Batch, names: list[str]) -> set[str]:
    """Those of the modules `names` whose outputs the logits depend on: as gradients tell and, where
    they tell nothing, as NaN does."""
    heard = _differentiable(model, sample, names)
    for name in names:
        if name not in heard and _spoils(model, sample, name):
            heard.add(name)
    return heard


def _differentiable(model: nn.Module, sample: Batch, names: list[str]) -> set[str]:
    """Those of the modules `names` from whose outputs a gradient comes to the logits."""
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
            slopes = torch.autograd.grad(logits, list(levers.values()), allow_unused=True)
        except Exception:  # it keeps no gradients
            return set()
    return {name for name, slope in zip(levers, slopes, strict=True) if slope is not None}


def _spoils(model: nn.Module, sample: Batch, name: str) -> bool:
    """Whether NaN for the outputs of module `name` comes to the logits."""
    with handles() as held, torch.no_grad():
        held.append(model.get_submodule(name).register_forward_hook(dye_all))
        try:
            return NAN.is_in(forward(model, sample.inputs))
        except Exception:  # something refuses it
            return True


def _has_idle_weights(model: nn.Module, ran: set[str]) -> bool:
    return any(
        name not in ran and any(True for _ in module.parameters(recurse=False))
        for name, module in model.named_modules()
    )


def _trains(model: nn.Module, sample: Batch) -> bool:
    """Whether `model` runs in training mode; its batch statistics are lost."""
    model.train()
    inputs = sample.inputs
    try:
        with torch.no_grad():
            model(**inputs) if isinstance(inputs, dict) else model(inputs)
    except Exception:
        return False
    return True
