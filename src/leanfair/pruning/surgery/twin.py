"""A small twin of a network that is too large to be tried out: few of its blocks, few words.

The twin is of the same class and of the same widths, but has no more blocks than it takes to have
one of each kind after the first, a small vocabulary, and weights by chance. That the blocks of the
whole network are like those of the twin is checked by the classes, names and shapes of all that is
in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.data.language import token_ids
from leanfair.errors import UnsupportedModelError
from leanfair.models.streamed import blocks_of
from leanfair.pruning.surgery.config import changed, configuration_errors, entries
from leanfair.pruning.surgery.rebuild import build_from

WORDS = 64
"""The vocabulary of a twin."""
_TOKENS = ("pad_token_id", "bos_token_id", "eos_token_id")


@dataclass(frozen=True)
class Likeness:
    """Which block of a twin, all of them in `container`, each block of the whole network is like,
    by name."""

    container: str
    template: Mapping[str, str]

    @property
    def order(self) -> list[str]:
        """The blocks of the whole network."""
        return list(self.template)

    def told(self, name: str) -> list[tuple[str, str]]:
        """The names in the whole network that `name` in the twin stands for, each with the block
        that it is in; that of what is in no block is empty."""
        if not f"{name}.".startswith(f"{self.container}.") or name == self.container:
            return [(name, "")]
        inside = name[len(self.container) + 1 :].partition(".")
        like, rest = f"{self.container}.{inside[0]}", inside[1] + inside[2]
        return [(block + rest, block) for block, each in self.template.items() if each == like]


def twin_for(network: nn.Module) -> tuple[nn.Module, Likeness]:
    """The small twin of `network` in single precision, and what stands for what in it."""
    names = blocks_of(network)
    kinds = {name: _kind(network.get_submodule(name)) for name in names}
    containers = {name.rpartition(".")[0] for name in names}
    if len(containers) != 1:
        raise _unlike(network, f"its blocks are in {len(containers)} places")
    told = _listed(network, len(names))
    for i, name in enumerate(names):
        kinds[name] = (kinds[name], *(values[i] for values in told.values()))
    chosen = _chosen([kinds[name] for name in names])
    changes = _fewer(network, len(names), len(chosen))
    changes |= {path: [values[i] for i in chosen] for path, values in told.items()}
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        made = _built(network, changes)
        twin = None if made is None else _with_chance(made)
    if twin is None:
        raise _unlike(network, "transformers builds no smaller network of its kind")
    place = containers.pop()
    if [_kind(block) for block in twin.get_submodule(place).children()] != [
        kinds[names[i]][0] for i in chosen
    ]:
        raise _unlike(network, "a smaller network of its kind has other blocks")
    first_like: dict[Any, int] = {}
    for now, i in enumerate(chosen):
        if now:
            first_like.setdefault(kinds[names[i]], now)
    template = {names[0]: f"{place}.0"}
    template |= {name: f"{place}.{first_like[kinds[name]]}" for name in names[1:]}
    return twin.eval(), Likeness(place, template)


def words_like(sample: Batch, texts: int | None = None, tokens: int | None = None) -> Batch:
    """Words of a twin by chance, as many as `sample` has, at most `texts` of `tokens`. Raises
    UnsupportedModelError where it holds none."""
    found = token_ids(sample)
    if found is None:
        raise UnsupportedModelError(
            "A model that is read block by block takes tokens, but the data hold none."
        )
    shape = tuple(found[:texts, :tokens].shape)
    ids = torch.randint(0, WORDS, shape, generator=torch.Generator().manual_seed(0))
    return Batch({"input_ids": ids})


def _built(network: Any, changes: Mapping[str, Any]) -> nn.Module | None:
    try:
        config = changed(network.config, changes)
    except configuration_errors():
        return None
    return build_from(network, config)


def _kind(block: nn.Module) -> tuple[Any, ...]:
    """What blocks that are alike have in common: the names and classes of all that is in them, and
    the shapes of their weights."""
    modules = tuple((name, type(part).__qualname__) for name, part in block.named_modules())
    return modules, tuple((name, tuple(value.shape)) for name, value in block.named_parameters())


def _listed(network: nn.Module, count: int) -> dict[str, list[Any]]:
    """The entries of the configuration that have an item for each block."""
    told = entries(network.config)
    names = ("layer", "type", "pattern", "window", "block")
    return {
        path: list(value)
        for path, value in told.items()
        if isinstance(value, list) and len(value) == count and any(n in path for n in names)
    }


def _chosen(kinds: list[Any]) -> list[int]:
    """Which blocks a twin has: the first, and after it one of each kind, two at least."""
    found: dict[Any, int] = {}
    for i, kind in enumerate(kinds[1:], start=1):
        found.setdefault(kind, i)
    chosen = [0, *found.values()]
    more = (i for i in range(1, len(kinds)) if i not in chosen)
    while len(chosen) < 3 and (another := next(more, None)) is not None:
        chosen.append(another)
    return sorted(chosen)


def _fewer(network: nn.Module, count: int, left: int) -> dict[str, Any]:
    """The entries of the configuration for `left` blocks instead of `count`, and for few words."""
    told = entries(network.config)
    depth = [path for path in ("num_hidden_layers", "n_layer", "num_layers") if path in told]
    changes: dict[str, Any] = {path: left for path in depth if told[path] == count}
    if not changes or told.get("vocab_size") is None:
        raise _unlike(network, "its configuration has no num_hidden_layers or vocab_size")
    return {**changes, "vocab_size": WORDS, **{p: None for p in _TOKENS if p in told}}


def _with_chance(model: nn.Module) -> nn.Module:
    """`model` in single precision with weights by chance: of matrices as large as keep the size of
    what goes through, of scales near 1."""
    made: dict[int, nn.Parameter] = {}
    for part in model.modules():
        for key, value in part._parameters.items():
            if value is None:
                continue
            if id(value) not in made:
                chance = torch.randn(value.shape)
                small = chance * 0.1
                wide = value.ndim > 1
                filled = chance / value.shape[-1] ** 0.5 if wide else small + (key == "weight")
                made[id(value)] = nn.Parameter(filled, requires_grad=False)
            part._parameters[key] = made[id(value)]
    model.tie_weights()  # type: ignore[operator]
    return model


def _unlike(network: nn.Module, why: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"{type(network).__name__} cannot be pruned block by block, for {why}: open it whole "
        f"(--no-low-memory)."
    )
