"""Which blocks of a network can go: found by what they do, not by what they are called.

A block is residual when its input comes out around everything in it that has weights, and comes out
unchanged when the last of those give zero, on real inputs. That equal shapes are not enough is why
both are tried out. It can go when the network without it gives the outputs that it gives with the
block at zero: that tells the blocks, too, that a network calls by name or by number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.data.language import is_transformer
from leanfair.pruning.structures.tracing.dependency import Dye, is_chain
from leanfair.pruning.structures.tracing.recording import Call, again, handles, record, tensors
from leanfair.pruning.structures.tracing.tied_weights import shared
from leanfair.pruning.structures.trials import Trials
from leanfair.pruning.surgery.masking import zero_output
from leanfair.pruning.surgery.modules import first_tensor
from leanfair.pruning.types import Cut, Layer


@dataclass(frozen=True)
class Blocks:
    """`layers`: the blocks that can go. `residual`: these, and those that could but for how the
    network calls them. `stages`: runs of blocks of one shape in one container; they also begin with
    a block of the same kind that changes the shape. `refused`: why others cannot go."""

    layers: tuple[Layer, ...]
    residual: frozenset[str]
    stages: tuple[tuple[str, ...], ...]
    refused: dict[str, str]

    @property
    def all(self) -> tuple[str, ...]:
        """The blocks of all stages, in order of execution."""
        return tuple(name for stage in self.stages for name in stage)


def find_blocks(model: nn.Module, sample: Batch, dye: Dye, trials: Trials) -> Blocks:
    """The blocks of `model`, tried out on `sample` (real inputs [n, ...])."""
    around = [name for name in _candidates(dye) if dye.passes_around(name)]
    found, refused = _residual(around, record(model, sample, around).calls, dye, trials)
    if is_transformer(model):
        found |= _left_out(found, refused, dye, trials)
    stages = _stages(_of_a_kind(found, dye), dye)
    firsts = {stage[0] for stage in stages}
    free = [layer for name, layer in found.items() if name not in refused]
    going = tuple(layer for layer in free if layer.name not in firsts)
    if going and not _can_go(going, trials):
        refused |= {
            layer.name: "the network does not run the same without it"
            for layer in going
            if not _can_go((layer,), trials)
        }
    layers = {layer.name: layer for layer in free if layer.name not in refused}
    order = [name for name in dye.seen.order if name in layers]
    blocks = [name for stage in stages for name in stage]
    kept = {n: why for n, why in refused.items() if n in found or not _nested(n, blocks)}
    offered = tuple(trials.told(layers[name]) for name in order)
    return Blocks(offered, frozenset(found), stages, kept)


def _residual(
    around: list[str], inputs: dict[str, Call], dye: Dye, trials: Trials
) -> tuple[dict[str, Layer], dict[str, str]]:
    """The residual ones of `around`, none inside another; and by name, why one of them cannot go or
    why another is none. `inputs`: what they were given.

    Of blocks in blocks those are taken that can go and have others of their kind beside them, then
    those that can go, then the rest; the inner before the outer.
    """
    refused: dict[str, str] = {}
    ranked: list[tuple[int, Layer]] = []
    for name in sorted(around, key=lambda name: -name.count(".")):
        if any(rank == 0 and _inside(layer.name, name) for rank, layer in ranked):
            continue
        weights = dye.last_weights(name)
        exits = _exits(dye.modules[name], name, weights, inputs[name])
        if not exits:
            if weights:
                refused[name] = "with its branches at zero it still changes its input"
            continue
        layer = Layer(name, name.rpartition(".")[0], exits)
        if why := _stays(layer, dye, trials):
            refused[name] = why
        ranked.append((2 if why else 0 if _repeated(layer, dye) else 1, layer))
    found: dict[str, Layer] = {}
    for _, layer in sorted(ranked, key=lambda item: item[0]):
        if not _nested(layer.name, found):
            found[layer.name] = layer
    return found, refused


def _left_out(
    found: dict[str, Layer], refused: dict[str, str], dye: Dye, trials: Trials
) -> dict[str, Layer]:
    """Blocks in lists of blocks of one class that are not residual, as where a normalisation comes
    last: they can be left out for all that, with their input handed on; not those of convolutional
    networks, which are residual or hang together. Why not goes to `refused`.
    """
    more: dict[str, Layer] = {}
    for name in _candidates(dye):
        container = name.rpartition(".")[0]
        layer = Layer(name, container, ())
        listed = isinstance(dye.modules[container], nn.ModuleList) and _repeated(layer, dye)
        convolves = any(isinstance(part, nn.Conv2d) for part in dye.modules[name].modules())
        if not listed or convolves or _nested(name, (*found, *more)):
            continue
        refused.pop(name, None)
        if why := _stays(layer, dye, trials):
            refused[name] = why
        more[name] = layer
    return more


def _candidates(dye: Dye) -> list[str]:
    """Every module that has parts and, after its first call, a shape that came in unchanged."""
    names = []
    for name, call in dye.seen.calls.items():
        module = dye.modules[name]
        if not name or is_chain(module) or not any(True for _ in module.children()):
            continue
        x = next(tensors([call.args, call.kwargs]), None)
        if x is not None and x.shape == call.shape:
            names.append(name)
    return names


def _exits(block: nn.Module, name: str, weights: tuple[str, ...], call: Call) -> tuple[str, ...]:
    """As few of the modules `weights` as zeroed leave the input of `block` unchanged; () if all of
    them do not."""

    def enough(exits: Iterable[str]) -> bool:
        return _passes_on(block, [leaf[len(name) + 1 :] for leaf in exits], call)

    if not weights or not enough(weights):
        return ()
    if enough(()):  # as it is before training: it tells nothing about which are needed
        return weights
    for leaf in weights:
        fewer = tuple(other for other in weights if other != leaf)
        if fewer and enough(fewer):
            weights = fewer
    return weights


def _passes_on(block: nn.Module, exits: list[str], call: Call) -> bool:
    """Whether `block` gives what it is given when its modules `exits` give zero."""
    _, x = first_tensor(call.args, call.kwargs)
    with handles() as held:
        held += [block.get_submodule(leaf).register_forward_hook(zero_output) for leaf in exits]
        try:
            y = next(tensors(again(block, call)), None)
        except Exception:  # it may refuse zeros
            return False
    return y is not None and x.shape == y.shape and torch.allclose(x, y, rtol=1e-5, atol=1e-6)


def _stays(layer: Layer, dye: Dye, trials: Trials) -> str:
    """Why a residual block cannot go; "" where it can."""
    if not dye.once(layer.name):
        return "it runs more than once"
    if other := shared(dye.modules[layer.name], dye.places):
        return f"it shares weights with another module ({other})"
    if not trials.acts(layer.exits):
        return "the logits do not depend on it"
    if is_chain(dye.modules[layer.container]) and dye.once(layer.container):
        return ""  # by its construction; tried out together with others
    return "" if trials.seems_to_go(layer) else "the network calls it by name or by number"


def _can_go(layers: tuple[Layer, ...], trials: Trials) -> bool:
    return trials.gap(Cut("layer", layers=layers), samples=2) <= 1.0


def _repeated(layer: Layer, dye: Dye) -> bool:
    """Whether there are others of the block's class beside it."""
    beside = Counter(type(child) for child in dye.modules[layer.container].children())
    return beside[type(dye.modules[layer.name])] > 1


def _of_a_kind(found: Iterable[str], dye: Dye) -> list[str]:
    """`found` and all other modules of their classes, in order of execution, none in another."""
    found = list(found)
    classes = {type(dye.modules[name]) for name in found}
    result = set(found)
    for name in dye.seen.order:
        if type(dye.modules[name]) in classes and dye.once(name) and not _nested(name, result):
            result.add(name)
    return [name for name in dye.seen.order if name in result]


def _stages(blocks: list[str], dye: Dye) -> tuple[tuple[str, ...], ...]:
    """Consecutive blocks of one container and one output shape."""
    result: list[list[str]] = []
    last: Any = None
    for name in blocks:
        key = name.rpartition(".")[0], dye.seen.calls[name].shape
        if key != last:
            result.append([])
        result[-1].append(name)
        last = key
    return tuple(tuple(stage) for stage in result)


def _inside(name: str, other: str) -> bool:
    return name.startswith(f"{other}.")


def _nested(name: str, others: Iterable[str]) -> bool:
    """Whether `name` is one of `others`, in one of them, or around one."""
    return any(name == o or _inside(name, o) or _inside(o, name) for o in others)
