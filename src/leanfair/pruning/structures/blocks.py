"""The blocks of a network that can be removed, found by what they compute and not by their names.

A block is residual if its input reaches its output around all of its modules with weights, and if
its output equals its input once the last of those modules return zero, on real inputs; equal shapes
alone do not show that. It can be removed if the network without it gives the outputs of the network
in which the block contributes zero, which also excludes blocks that are called by name or index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from torch import nn

from leanfair.data.language import is_transformer
from leanfair.errors import FORWARD_ERRORS, raise_if_out_of_memory
from leanfair.pruning.structures.tracing.dependency import Tracer, is_chain
from leanfair.pruning.structures.tracing.kinds import Kinds, renamed
from leanfair.pruning.structures.tracing.recording import Call, again, handles, is_close, tensors
from leanfair.pruning.structures.tracing.tied_weights import shared
from leanfair.pruning.structures.trials import Trials
from leanfair.pruning.surgery.masking import zero_output
from leanfair.pruning.surgery.modules import first_tensor
from leanfair.pruning.types import Cut, Layer


@dataclass(frozen=True)
class Blocks:
    """The blocks of a network.

    `layers`: the blocks that can be removed. `residual`: names of these and of
    the blocks that are kept only for the way the network calls them. `stages`:
    consecutive blocks of one container and one output shape, including a first block of the same
    class that changes the shape. `refused`: name of a block -> why it cannot be removed.
    """

    layers: tuple[Layer, ...]
    residual: frozenset[str]
    stages: tuple[tuple[str, ...], ...]
    refused: dict[str, str]

    @property
    def all(self) -> tuple[str, ...]:
        """The blocks of all stages, in order of execution."""
        return tuple(name for stage in self.stages for name in stage)


def find_blocks(model: nn.Module, kinds: Kinds, trials: Trials) -> Blocks:
    """The blocks of `model`, verified by `trials`."""
    tracer = kinds.tracer
    residual, refused = _residual(_around(kinds), kinds, trials)
    if is_transformer(model):
        residual |= _not_residual(residual, refused, tracer, trials)
    stages = _stages(_of_a_kind(residual, tracer), tracer)
    firsts = {stage[0] for stage in stages}
    free = [layer for name, layer in residual.items() if name not in refused]
    removable = tuple(layer for layer in free if layer.name not in firsts)
    if removable and not _removable(removable, trials):
        refused |= {
            layer.name: "the network does not run the same without it"
            for layer in removable
            if not _removable((layer,), trials)
        }
    layers = {layer.name: layer for layer in free if layer.name not in refused}
    order = [name for name in tracer.recording.order if name in layers]
    blocks = [name for stage in stages for name in stage]
    kept = {n: why for n, why in refused.items() if n in residual or not _nested(n, blocks)}
    offered = tuple(trials.with_depth_entries(layers[name]) for name in order)
    return Blocks(offered, frozenset(residual), stages, kept)


def _around(kinds: Kinds) -> list[str]:
    """The modules whose input reaches their output around all modules with weights."""
    passes = kinds.tracer.bypasses_weights
    return [
        name
        for name in _candidates(kinds.tracer)
        if kinds.once("around", name, passes, lambda found, was, now: found)
    ]


def _last_weights(name: str, kinds: Kinds) -> tuple[str, ...]:
    """`Tracer.last_weights` of block `name`."""

    def told(names: tuple[str, ...], was: str, now: str) -> tuple[str, ...]:
        return tuple(renamed(each, was, now) for each in names)

    return kinds.once("last weights", name, kinds.tracer.last_weights, told)


def _residual(
    around: list[str], kinds: Kinds, trials: Trials
) -> tuple[dict[str, Layer], dict[str, str]]:
    """The residual blocks among `around`, none inside another, and the reasons why some cannot be
    removed or are not residual.

    Of nested blocks, one that can be removed and has siblings of its class is preferred, then one
    that can be removed, then any other; the inner one before the outer one.
    """
    tracer = kinds.tracer
    refused: dict[str, str] = {}
    ranked: list[tuple[int, Layer]] = []
    for _, level in groupby(sorted(around, key=_depth), key=_depth):
        outside = [n for n in level if not any(r == 0 and _inside(it.name, n) for r, it in ranked)]
        layers = {name: _layer(name, kinds) for name in outside}
        tried = (layer for layer in layers.values() if layer.exits)
        trials.try_one_of_each([layer for layer in tried if _must_be_tried(layer, tracer, trials)])
        for name, layer in layers.items():
            if not layer.exits:
                if _last_weights(name, kinds):
                    refused[name] = "with its branches at zero it still changes its input"
                continue
            if why := _why_kept(layer, tracer, trials):
                refused[name] = why
            ranked.append((2 if why else 0 if _repeated(layer, tracer) else 1, layer))
    chosen: dict[str, Layer] = {}
    for _, layer in sorted(ranked, key=lambda item: item[0]):
        if not _nested(layer.name, chosen):
            chosen[layer.name] = layer
    return chosen, refused


def _depth(name: str) -> int:
    """Less for a module that is further inside."""
    return -name.count(".")


def _layer(name: str, kinds: Kinds) -> Layer:
    """Block `name` as a layer, without exits where it is not residual."""
    tracer = kinds.tracer
    weights = _last_weights(name, kinds)
    exits = _exits(tracer.modules[name], name, weights, tracer.recording.calls[name])
    return Layer(name, name.rpartition(".")[0], exits)


def _not_residual(
    residual: dict[str, Layer], refused: dict[str, str], tracer: Tracer, trials: Trials
) -> dict[str, Layer]:
    """Blocks in a ModuleList of one class that are not residual, as in a transformer with a
    normalisation after the addition: they can be skipped nevertheless, passing their input on.
    Blocks with convolutions are excluded. Reasons against a block are added to `refused`.
    """
    more: dict[str, Layer] = {}
    for name in _candidates(tracer):
        container = name.rpartition(".")[0]
        layer = Layer(name, container, ())
        listed = isinstance(tracer.modules[container], nn.ModuleList) and _repeated(layer, tracer)
        convolves = any(isinstance(part, nn.Conv2d) for part in tracer.modules[name].modules())
        if not listed or convolves or _nested(name, (*residual, *more)):
            continue
        refused.pop(name, None)
        if why := _why_kept(layer, tracer, trials):
            refused[name] = why
        more[name] = layer
    return more


def _candidates(tracer: Tracer) -> list[str]:
    """Names of the modules with children whose output has the shape of their input."""
    names = []
    for name, call in tracer.recording.calls.items():
        module = tracer.modules[name]
        if not name or is_chain(module) or not any(True for _ in module.children()):
            continue
        x = next(tensors([call.args, call.kwargs]), None)
        if x is not None and x.shape == call.shape:
            names.append(name)
    return names


def _exits(block: nn.Module, name: str, weights: tuple[str, ...], call: Call) -> tuple[str, ...]:
    """A minimal subset of the modules `weights` that, when they return zero, make the output of
    `block` equal its input; () if even all of them do not."""

    def enough(exits: Iterable[str]) -> bool:
        return _passes_on(block, [leaf[len(name) + 1 :] for leaf in exits], call)

    if not weights or not enough(weights):
        return ()
    if call.passes_on:  # zero already, as before training: does not show which ones are needed
        return weights
    for leaf in weights:
        fewer = tuple(other for other in weights if other != leaf)
        if fewer and enough(fewer):
            weights = fewer
    return weights


def _passes_on(block: nn.Module, exits: list[str], call: Call) -> bool:
    """Whether the output of `block` equals its input when its modules `exits` return zero."""
    _, x = first_tensor(call.args, call.kwargs)
    with handles() as held:
        held += [block.get_submodule(leaf).register_forward_hook(zero_output) for leaf in exits]
        try:
            y = next(tensors(again(block, call)), None)
        except FORWARD_ERRORS as error:  # it may refuse zeros
            raise_if_out_of_memory(error)
            return False
    return y is not None and is_close(x, y)


def _why_kept(layer: Layer, tracer: Tracer, trials: Trials) -> str:
    """Why a block cannot be removed; "" if it can."""
    if why := _why_unfit(layer, tracer, trials):
        return why
    if not _must_be_tried(layer, tracer, trials) or trials.seems_removable(layer):
        return ""
    return "the network calls it by name or by number"


def _why_unfit(layer: Layer, tracer: Tracer, trials: Trials) -> str:
    """What speaks against the removal of a block without trying; "" if nothing does."""
    if not tracer.runs_once(layer.name):
        return "it runs more than once"
    if other := shared(tracer.modules[layer.name], tracer.holders):
        return f"it shares weights with another module ({other})"
    return "" if trials.affects_logits(layer.exits) else "the logits do not depend on it"


def _must_be_tried(layer: Layer, tracer: Tracer, trials: Trials) -> bool:
    """Whether only trying shows that a block can be removed. A block of a sequence can by
    construction; it is verified together with the others."""
    runs_in_sequence = is_chain(tracer.modules[layer.container]) and tracer.runs_once(
        layer.container
    )
    return not runs_in_sequence and not _why_unfit(layer, tracer, trials)


def _removable(layers: tuple[Layer, ...], trials: Trials) -> bool:
    return trials.gap(Cut("layer", layers=layers), samples=2) <= 1.0


def _repeated(layer: Layer, tracer: Tracer) -> bool:
    """Whether the container has other blocks of the same class."""
    beside = Counter(type(child) for child in tracer.modules[layer.container].children())
    return beside[type(tracer.modules[layer.name])] > 1


def _of_a_kind(names: Iterable[str], tracer: Tracer) -> list[str]:
    """`names` and all other modules of their classes, none inside another, in order of
    execution."""
    names = list(names)
    classes = {type(tracer.modules[name]) for name in names}
    result = set(names)
    for name in tracer.recording.order:
        if (
            type(tracer.modules[name]) in classes
            and tracer.runs_once(name)
            and not _nested(name, result)
        ):
            result.add(name)
    return [name for name in tracer.recording.order if name in result]


def _stages(blocks: list[str], tracer: Tracer) -> tuple[tuple[str, ...], ...]:
    """Consecutive blocks of one container and one output shape, as stages."""
    result: list[list[str]] = []
    last: Any = None
    for name in blocks:
        key = name.rpartition(".")[0], tracer.recording.calls[name].shape
        if key != last:
            result.append([])
        result[-1].append(name)
        last = key
    return tuple(tuple(stage) for stage in result)


def _inside(name: str, other: str) -> bool:
    return name.startswith(f"{other}.")


def _nested(name: str, others: Iterable[str]) -> bool:
    """Whether `name` is one of `others`, inside one of them, or contains one."""
    return any(name == o or _inside(name, o) or _inside(o, name) for o in others)
