"""Dependency tracing: which positions of which modules belong to a channel.

A marker value (NaN) written into a channel propagates to everything computed from that channel,
through any operation, and to nothing else. Each module with weights records at which positions of
its input the marker arrives, and then continues with zeros in their place: once the channel is
removed, nothing of it passes a module that is narrowed to match. One that combines its channels
need not run for that, and gives what it gave in the recorded pass. Running a part of the network
once with marked channels therefore yields the positions that depend on them, without a model of the
operations in between.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Collection, Set
from typing import Any, NamedTuple, TypeAlias, get_args

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.errors import FORWARD_ERRORS, raise_if_out_of_memory
from leanfair.pruning.structures.tracing.markers import NAN, Marker, clear_inputs, mark_output
from leanfair.pruning.structures.tracing.recording import (
    Answering,
    Call,
    again,
    copied,
    handles,
    record,
    tensors,
)
from leanfair.pruning.structures.tracing.roles import Kind, Role, roles
from leanfair.pruning.structures.tracing.tied_weights import holders
from leanfair.pruning.surgery.modules import feature_dim
from leanfair.pruning.types import Side

Marked: TypeAlias = "dict[tuple[str, Side], Tensor]"
"""(module, side) -> which of its positions carry the marker, bool [features]."""

OUT = "its channels leave the block, so they are the residual stream's"


class ChannelRange(NamedTuple):
    """Output channels [start, stop) of a dense module."""

    module: str
    start: int
    stop: int


class Trace(NamedTuple):
    """The result of tracing channels through a part of the network.

    `marked`: the positions that depend on them. `refusal`: why the channels cannot be removed, ""
    if nothing was found against it. `escape`: how they reach the outside of that part, "" if they
    do not.
    """

    marked: Marked
    refusal: str = ""
    escape: str = ""


class Tracer:
    """A network with the recording of one forward pass of the first sample, from which any part of
    it can be run again with marked channels."""

    def __init__(self, model: nn.Module, sample: Batch) -> None:
        self.modules = dict(model.named_modules())
        keep = {name for name, module in self.modules.items() if has_parts(module)}
        for name, module in self.modules.items():
            if is_chain(module):
                keep |= {f"{name}.{key}" if name else key for key in module._modules}
        self.recording = record(model, sample[:1], keep)
        self.roles = roles(model, set(self.recording.order))
        self.holders = holders(model)
        self.place = {name: i for i, name in enumerate(self.recording.order)}
        self._inside: dict[str, list[str]] = {}

    def weighted(self, scope: str) -> list[str]:
        """The modules with weights inside `scope`, in order of execution."""
        if scope not in self._inside:
            root = f"{scope}." if scope else ""
            self._inside[scope] = [
                name
                for name in self.recording.order
                if name.startswith(root) and name != scope and self.roles[name].kind != "clear"
            ]
        return self._inside[scope]

    def through(self, names: Set[str]) -> Tracer:
        """A tracer for which the modules `names` let the marker pass instead of recording it."""
        other = copy.copy(self)
        other.roles = {**self.roles, **dict.fromkeys(names, Role("clear"))}
        other._inside = {}
        return other

    def answering(self, scope: str, stopping: Collection[str] = ("dense",)) -> dict[str, Answering]:
        """Handles, by the names of modules, by which those with weights inside `scope` of the kinds
        `stopping` give what they gave before instead of running: as they stop the marker, nothing
        of what is looked for depends on the values that they compute."""
        return {
            name: Answering(self.modules[name], self.recording.answers[name])
            for name in self.weighted(scope)
            if self.roles[name].kind in stopping
            and self.runs_once(name)
            and name in self.recording.answers
        }

    def runs_once(self, name: str) -> bool:
        """Whether the module runs exactly once in a forward pass."""
        return self.recording.times[name] == 1

    def trace(
        self,
        scope: str,
        source: ChannelRange,
        rows: Tensor,
        residual: Set[str],
        marker: Marker = NAN,
    ) -> Trace:
        """Trace the channels of `source` selected by `rows`, bool [channels], through the module
        `scope`. Modules that cannot be narrowed, and the residual blocks `residual`, refuse them.
        """
        observer = _Observer(self, marker)
        with handles() as held, torch.no_grad():
            held.append(observer.mark(source, rows))
            for name in self.weighted(scope):
                if name != source.module:
                    held += observer.observe(name)
            held += [observer.guard(name) for name in residual - {scope}]
            held += self.answering(scope).values()
            try:
                leaks = self._run(scope, source.module, marker, first=scope in residual)
            except _BlockedError as end:
                return Trace(observer.marked, refusal=str(end))
            except FORWARD_ERRORS as error:  # it may refuse a NaN
                raise_if_out_of_memory(error)
                return Trace(
                    observer.marked, refusal=f"it fails when its channels are traced: {error}"
                )
        if leaks:
            return Trace(observer.marked, escape=OUT)
        for name, calls in observer.calls.items():
            if calls != self.recording.times[name]:
                return Trace(observer.marked, escape=f"{name} is called on other inputs, too")
        return Trace(observer.marked)

    def trace_input(self, block: str) -> Marked:
        """The positions in `block` that depend on its input, as far as it can be traced."""
        observer = _Observer(self, NAN)
        with handles() as held:
            for name in self.weighted(block):
                held += observer.observe(name)
            held += self.answering(block).values()
            try:
                again(self.modules[block], self._marked_call(block))
            except _BlockedError:
                pass
            except FORWARD_ERRORS as error:  # it may refuse a NaN
                raise_if_out_of_memory(error)
        return observer.marked

    def bypasses_weights(self, block: str) -> bool:
        """Whether the input of `block` reaches its output around all of its modules with weights,
        as it does in a residual block."""
        first = next(tensors(self._isolated(block, self._marked_call(block))), None)
        return first is not None and bool(torch.isnan(first).all())

    def last_weights(self, block: str) -> tuple[str, ...]:
        """The modules with weights in `block` whose output reaches the output of `block` through no
        other module with weights, in order of execution."""
        call = self.recording.calls[block]
        return tuple(
            name for name in self.weighted(block) if NAN.found_in(self._isolated(block, call, name))
        )

    def _marked_call(self, block: str) -> Call:
        call = self.recording.calls[block]
        return Call(NAN.filled(call.args), NAN.filled(call.kwargs), call.shape)

    def _isolated(self, block: str, call: Call, source: str = "") -> Any:
        """The output of `block` for `call` when its modules with weights stop the marker, apart
        from module `source`, whose whole output is marked; None if the block fails on NaN."""
        with handles() as held:
            for name in self.weighted(block):
                held.append(
                    self.modules[name].register_forward_pre_hook(clear_inputs, with_kwargs=True)
                )
            held += self.answering(block, get_args(Kind)).values()
            if source:
                held.append(self.modules[source].register_forward_hook(mark_output))
            try:
                return again(self.modules[block], call)
            except FORWARD_ERRORS as error:
                raise_if_out_of_memory(error)
                return None

    def _run(self, scope: str, begin: str, marker: Marker, first: bool) -> bool:
        """Run `scope` on its recorded input and return whether the marker reaches its output: any
        tensor of it or, with `first`, its first one (a block may return attention weights beside
        the residual stream, which nothing reads). Of a sequential module only the children from
        the one that contains `begin` on are run, and only while the marker is present."""
        module = self.modules[scope]
        link = begin[len(scope) + 1 if scope else 0 :].partition(".")[0]
        head = f"{scope}.{link}" if scope else link
        if not is_chain(module) or not self.runs_once(head):
            out = again(module, self.recording.calls[scope])
            return marker.found_in(next(tensors(out), None) if first else out)
        value = again(self.modules[head], self.recording.calls[head])
        links = list(module._modules)
        for key in links[links.index(link) + 1 :]:
            if not marker.found_in(value):
                return False
            value = module.get_submodule(key)(copied(value))
        return marker.found_in(value)


class _BlockedError(Exception):
    """The marker reached a place from which channels cannot be removed."""


class _Observer:
    """Forward hooks that mark the source channels and record where the marker arrives."""

    def __init__(self, network: Tracer, marker: Marker) -> None:
        self.network = network
        self.marker = marker
        self.marked: Marked = {}
        self.calls: Counter[str] = Counter()
        """Calls of each module with marked inputs, and all calls of the source."""

    def mark(self, source: ChannelRange, rows: Tensor) -> Any:
        """Write the marker into the channels of `source` selected by `rows`, bool [channels]."""
        module = self.network.modules[source.module]
        dim, where = feature_dim(module), rows.nonzero().flatten() + source.start

        def hook(module: nn.Module, args: Any, output: Tensor) -> Tensor:
            self.calls[source.module] += 1
            value = self.marker.value(output.dtype)
            return output.index_fill(dim, where.to(output.device), value)

        return module.register_forward_hook(hook)

    def observe(self, name: str) -> list[Any]:
        """Record where the marker enters a module with weights, and stop it there if the module
        combines its channels."""
        module, role = self.network.modules[name], self.network.roles[name]
        if role.kind == "single":
            return []

        def reads(module: nn.Module, args: Any, kwargs: Any) -> Any:
            if not self.marker.found_in([args, kwargs]):
                return None
            if role.kind == "closed":
                raise _BlockedError(f"{name} reads its channels: {role.why}")
            if role.kind == "grouped":  # whole groups are removed: recorded at the output
                return None
            side: Side = "in" if role.kind == "dense" else "both"
            self._note(name, side, next(tensors([args, kwargs])))
            if side == "both":
                return None
            return self.marker.cleared(args), self.marker.cleared(kwargs)

        def gives(module: nn.Module, args: Any, output: Tensor) -> None:
            if self.marker.found_in(output):
                self._note(name, "both", output)

        held = [module.register_forward_pre_hook(reads, with_kwargs=True)]
        if role.kind == "grouped":
            held.append(module.register_forward_hook(gives))
        return held

    def guard(self, name: str) -> Any:
        """Refuse channels that enter a block of the residual stream."""

        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            if self.marker.found_in([args, kwargs]):
                raise _BlockedError("its channels are the residual stream's, whose width stays")

        return self.network.modules[name].register_forward_pre_hook(hook, with_kwargs=True)

    def _note(self, name: str, side: Side, value: Tensor) -> None:
        where = self.marker.along(value, feature_dim(self.network.modules[name]))
        if not torch.equal(self.marked.setdefault((name, side), where), where):
            raise _BlockedError(f"{name} reads its channels each time in another place")
        self.calls[name] += 1


def is_chain(module: nn.Module) -> bool:
    """Whether `module` does nothing but run its children in sequence."""
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def has_parts(module: nn.Module) -> bool:
    """Whether the module has children."""
    return any(True for _ in module.children())
