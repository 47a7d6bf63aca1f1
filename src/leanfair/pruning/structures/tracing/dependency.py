"""Where channels go, found by dye.

A NaN put into a channel colours everything that is computed from it, through any operation, and
nothing else. Where it arrives at a module that reads all its inputs, it is seen and washed out: a
removed channel would be gone from there. So a run of a part of the network with dyed channels tells
which positions of which modules are theirs, without knowing a single operation in between.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Set
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.pruning.structures.tracing.markers import NAN, Colour, dye_all, wash
from leanfair.pruning.structures.tracing.recording import (
    Call,
    again,
    copied,
    handles,
    record,
    tensors,
)
from leanfair.pruning.structures.tracing.roles import Role, roles
from leanfair.pruning.structures.tracing.tied_weights import places
from leanfair.pruning.surgery.modules import feature_dim
from leanfair.pruning.types import Side

Stains: TypeAlias = "dict[tuple[str, Side], Tensor]"
"""(module, side) -> which of its positions are dyed, a vector of booleans."""


OUT = "its channels leave the block, so they are the residual stream's"


class Source(NamedTuple):
    """Where channels begin: the outputs [start, stop) of a dense module."""

    module: str
    start: int
    stop: int


class Trail(NamedTuple):
    """Where dye went in a part of the network. `ends`: why it can go no further as channels that
    could be removed. `leaves`: how it gets out of that part. Both "" where it does not."""

    stains: Stains
    ends: str = ""
    leaves: str = ""


class Dye:
    """A network, ready for any part of it to be run again with dyed channels."""

    def __init__(self, model: nn.Module, sample: Batch) -> None:
        self.modules = dict(model.named_modules())
        keep = {name for name, module in self.modules.items() if has_parts(module)}
        for name, module in self.modules.items():
            if is_chain(module):
                keep |= {f"{name}.{key}" if name else key for key in module._modules}
        self.seen = record(model, sample[:1], keep)
        self.roles = roles(model, set(self.seen.order))
        self.places = places(model)

    def through(self, names: Set[str]) -> Dye:
        """The same, but what comes to the modules `names` goes on through them."""
        other = copy.copy(self)
        other.roles = {**self.roles, **dict.fromkeys(names, Role("clear"))}
        return other

    def once(self, name: str) -> bool:
        """Whether the module ran exactly once."""
        return self.seen.times[name] == 1

    def spread(
        self, scope: str, source: Source, rows: Tensor, streams: Set[str], colour: Colour = NAN
    ) -> Trail:
        """The trail in `scope` of `rows` of `source`; it ends at closed modules and at the blocks
        `streams`."""
        watch = _Watch(self, colour)
        with handles() as held, torch.no_grad():
            held.append(watch.dye(source, rows))
            for name in self._within(scope):
                if name != source.module:
                    held += watch.over(name)
            held += [watch.guard(name) for name in streams - {scope}]
            try:
                leaks = self._run(scope, source.module, colour, first=scope in streams)
            except _EndError as end:
                return Trail(watch.stains, ends=str(end))
            except Exception as error:  # it may refuse a NaN
                return Trail(watch.stains, ends=f"it fails when its channels are traced: {error}")
        if leaks:
            return Trail(watch.stains, leaves=OUT)
        for name, calls in watch.calls.items():
            if calls != self.seen.times[name]:
                return Trail(watch.stains, leaves=f"{name} is called on other inputs, too")
        return Trail(watch.stains)

    def entering(self, block: str) -> Stains:
        """The stains in `block` of all that comes into it, up to where that ends."""
        watch = _Watch(self, NAN)
        with handles() as held, suppress(Exception):  # it may refuse a NaN
            for name in self._within(block):
                held += watch.over(name)
            again(self.modules[block], self._dyed(block))
        return watch.stains

    def passes_around(self, block: str) -> bool:
        """Whether what goes into `block` comes out around everything in it that has weights."""
        first = next(tensors(self._washed(block, self._dyed(block))), None)
        return first is not None and bool(torch.isnan(first).all())

    def last_weights(self, block: str) -> tuple[str, ...]:
        """The modules with weights in `block` whose outputs come out of it past no other weights,
        in order of execution."""
        call = self.seen.calls[block]
        return tuple(
            name for name in self._within(block) if NAN.is_in(self._washed(block, call, name))
        )

    def _dyed(self, block: str) -> Call:
        call = self.seen.calls[block]
        return Call(NAN.dyed(call.args), NAN.dyed(call.kwargs), call.shape)

    def _washed(self, block: str, call: Call, dyed: str = "") -> Any:
        """What `block` gives for `call` when no dye comes through its modules with weights, and
        module `dyed` in it gives only dye; None where it refuses a NaN."""
        with handles() as held:
            for name in self._within(block):
                held.append(self.modules[name].register_forward_pre_hook(wash, with_kwargs=True))
            if dyed:
                held.append(self.modules[dyed].register_forward_hook(dye_all))
            try:
                return again(self.modules[block], call)
            except Exception:
                return None

    def _within(self, scope: str) -> list[str]:
        """The modules with weights that run in `scope`, in order."""
        root = f"{scope}." if scope else ""
        return [
            name
            for name in self.seen.order
            if name.startswith(root) and name != scope and self.roles[name].kind != "clear"
        ]

    def _run(self, scope: str, begin: str, colour: Colour, first: bool) -> bool:
        """Run `scope` on what it was given; whether dye comes out, in any tensor or in the `first`
        alone: what a block gives beside the residual stream, as attention weights, goes nowhere. Of
        a chain of modules only those from the one with `begin` on are run, and only as long as
        there is dye."""
        module = self.modules[scope]
        link = begin[len(scope) + 1 if scope else 0 :].partition(".")[0]
        head = f"{scope}.{link}" if scope else link
        if not is_chain(module) or not self.once(head):
            out = again(module, self.seen.calls[scope])
            return colour.is_in(next(tensors(out), None) if first else out)
        value = again(self.modules[head], self.seen.calls[head])
        links = list(module._modules)
        for key in links[links.index(link) + 1 :]:
            if not colour.is_in(value):
                return False
            value = module.get_submodule(key)(copied(value))
        return colour.is_in(value)


class _EndError(Exception):
    """Dye came to where channels cannot be removed."""


class _Watch:
    """Hooks that dye a source and note where the dye comes."""

    def __init__(self, network: Dye, colour: Colour) -> None:
        self.network = network
        self.colour = colour
        self.stains: Stains = {}
        self.calls: Counter[str] = Counter()
        """How often each module was called with dye, and the source at all."""

    def dye(self, source: Source, rows: Tensor) -> Any:
        """Dye `rows` of `source`."""
        module = self.network.modules[source.module]
        dim, where = feature_dim(module), rows.nonzero().flatten() + source.start

        def hook(module: nn.Module, args: Any, output: Tensor) -> Tensor:
            self.calls[source.module] += 1
            value = self.colour.value(output.dtype)
            return output.index_fill(dim, where.to(output.device), value)

        return module.register_forward_hook(hook)

    def over(self, name: str) -> list[Any]:
        """Watch a module that has weights."""
        module, role = self.network.modules[name], self.network.roles[name]
        if role.kind == "single":
            return []

        def reads(module: nn.Module, args: Any, kwargs: Any) -> Any:
            if not self.colour.is_in([args, kwargs]):
                return None
            if role.kind == "closed":
                raise _EndError(f"{name} reads its channels: {role.why}")
            if role.kind == "grouped":  # whole groups go, so its outputs tell more
                return None
            side: Side = "in" if role.kind == "dense" else "both"
            self._note(name, side, next(tensors([args, kwargs])))
            if side == "both":
                return None
            return self.colour.washed(args), self.colour.washed(kwargs)

        def gives(module: nn.Module, args: Any, output: Tensor) -> None:
            if self.colour.is_in(output):
                self._note(name, "both", output)

        held = [module.register_forward_pre_hook(reads, with_kwargs=True)]
        if role.kind == "grouped":
            held.append(module.register_forward_hook(gives))
        return held

    def guard(self, name: str) -> Any:
        """Let no dye into a block of the residual stream."""

        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            if self.colour.is_in([args, kwargs]):
                raise _EndError("its channels are the residual stream's, whose width stays")

        return self.network.modules[name].register_forward_pre_hook(hook, with_kwargs=True)

    def _note(self, name: str, side: Side, value: Tensor) -> None:
        where = self.colour.along(value, feature_dim(self.network.modules[name]))
        if not torch.equal(self.stains.setdefault((name, side), where), where):
            raise _EndError(f"{name} reads its channels each time in another place")
        self.calls[name] += 1


def is_chain(module: nn.Module) -> bool:
    """Whether the parts of `module` run one after the other, and nothing else happens in it."""
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def has_parts(module: nn.Module) -> bool:
    """Whether it is made of other modules."""
    return any(True for _ in module.children())
