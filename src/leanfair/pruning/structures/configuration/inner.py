"""Models of transformers inside of a network of one's own: their configurations keep in step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn

from leanfair.data.language import is_transformer
from leanfair.pruning.structures.configuration.entries import configured_model
from leanfair.pruning.surgery.config import depth_entries, with_entries
from leanfair.pruning.surgery.narrowing import keys_left
from leanfair.pruning.surgery.rebuild import matches_configuration
from leanfair.pruning.types import Cut, Layer


def keep_in_step(base: nn.Module, pruned: nn.Module, cuts: Sequence[Cut]) -> list[str]:
    """Tell the models of transformers inside `pruned`, which is what `cuts` leave of `base`, how
    many blocks they have left, so that each can be saved and opened by itself. Returns a sentence
    for each whose configuration cannot tell its shape."""
    doubts = []
    for name in inner_models(base):
        first, inner = base.get_submodule(name), pruned.get_submodule(name)
        gone = _gone(base, name, cuts)
        configured = configured_model(first) if gone else None
        if configured is not None:
            layers = tuple(configured.with_depth_entries(layer) for layer in gone)
            with_entries(inner, depth_entries(Cut("layer", layers=layers), first))
        if not matches_configuration(inner) and matches_configuration(first):
            doubts.append(
                f"The configuration of {name} ({type(inner).__name__}) cannot tell its shape: save "
                f"the whole network, and open it by leanfair.load."
            )
    return doubts


def inner_models(network: nn.Module) -> Iterator[str]:
    """The names of the outermost models of transformers inside of a network that is none."""
    if is_transformer(network):
        return
    found: list[str] = []
    for name, module in network.named_modules():
        if name and is_transformer(module) and not f"{name}.".startswith(tuple(found)):
            found.append(f"{name}.")
            yield name


def _gone(base: nn.Module, inner: str, cuts: Sequence[Cut]) -> list[Layer]:
    """The blocks of the model called `inner` that all `cuts` together remove, by the names that
    they have in it at the beginning."""
    left: dict[str, dict[str, str]] = {}
    gone = []
    for cut in cuts:
        for container in {layer.container for layer in cut.layers}:
            members = base.get_submodule(container)._modules
            had = left.setdefault(container, {key: key for key in members})
            here = (layer.name for layer in cut.layers if layer.container == container)
            lost = {name.rpartition(".")[2] for name in here}
            if f"{container}.".startswith(f"{inner}."):
                place = container.removeprefix(f"{inner}.")
                gone += [Layer(f"{place}.{had[key]}", place, ()) for key in lost]
            left[container] = {now: had[key] for key, now in keys_left(had, lost).items()}
    return gone
