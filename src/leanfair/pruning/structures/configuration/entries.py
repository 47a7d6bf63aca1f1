"""Which entries of a configuration tell how many heads, units and layers there are.

No table of families: an entry is found by changing it and looking whether transformers then builds
exactly the shapes that the removal leaves.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any, NamedTuple

from torch import nn

from leanfair.errors import SurgeryError
from leanfair.pruning.surgery.config import changed, entries
from leanfair.pruning.surgery.narrowing import narrow
from leanfair.pruning.surgery.rebuild import Shapes, alike, is_apart, shapes, skeleton
from leanfair.pruning.types import Cut, Layer, NeuronCut, Neurons

Entries = dict[str, Any]

_NO_COUNT = ("dim", "size", "width", "bias", "mask", "scale", "dropout")
_HIDDEN = ("inner", "intermediate", "ffn", "feed_forward", "mlp")
_DEPTH = ("layer", "depth", "block")


class Widths(NamedTuple):
    """The entries that say how many neurons there are, each with what one neuron adds to it, those
    that have to be stated then, and the numbers of neurons that can be told, where not all can."""

    fields: tuple[tuple[str, int], ...]
    fixed: tuple[tuple[str, int], ...] = ()
    counts: tuple[int, ...] = ()

    def entries(self, count: int) -> Entries:
        """The entries for `count` neurons."""
        return {**{path: each * count for path, each in self.fields}, **dict(self.fixed)}


class Depth(NamedTuple):
    """The entries that say how many blocks there are, and those with an item for each block."""

    fields: tuple[str, ...]
    lists: tuple[str, ...]


class Stock:
    """A model and what transformers builds from its configuration: what entries are tried on."""

    def __init__(self, model: nn.Module, bare: nn.Module) -> None:
        self.model = model
        self.bare = bare
        self.entries = entries(model.config)
        self._built: dict[str, Shapes | None] = {}
        self._depths: dict[str, Depth | None] = {}

    @property
    def same(self) -> bool:
        """Whether the model is what its configuration says."""
        if is_apart(self.model) or shapes(self.bare) != shapes(self.model):
            return False
        return alike(self.bare, self.model)

    def widths(self, groups: Iterable[Neurons]) -> Widths | None:
        """The entries that narrow `groups`, of which each loses as many; None where there are none
        that do just that."""
        groups = tuple(groups)
        first = groups[0]
        if first.unit == "channel":
            return self._telling(groups, first.count - 1, _units(self.entries, first))
        # Often a number of heads has to divide the width of the network.
        for count in range(first.count - 1, 0, -1):
            widths = self._telling(groups, count, _heads(self.entries, first))
            if widths is not None:
                fewer = range(count - 1, 0, -1)
                told = (c for c in fewer if self._shapes(widths.entries(c)) is not None)
                return widths._replace(counts=(count, *told))
        return None

    def _telling(
        self, groups: tuple[Neurons, ...], count: int, tries: Iterable[Widths]
    ) -> Widths | None:
        """The first of `tries` that makes the shapes of `groups` with `count` neurons each."""
        cuts = tuple(NeuronCut(group, tuple(range(count, group.count))) for group in groups)
        found = ((widths, self._shapes(widths.entries(count))) for widths in tries)
        fit = [(widths, shape) for widths, shape in found if shape is not None]
        wanted = self._after(Cut("neurons", neurons=cuts)) if fit else None
        return next((widths for widths, shape in fit if shape == wanted), None)

    def told(self, layer: Layer) -> Layer:
        """`layer` with the entries that say how many blocks there are beside it, if there are."""
        if layer.container not in self._depths:
            self._depths[layer.container] = self._depth(layer.container)
        depth = self._depths[layer.container]
        return layer if depth is None else replace(layer, fields=depth.fields, lists=depth.lists)

    def _depth(self, container: str) -> Depth | None:
        """The entries that say how many blocks `container` has; None where none does."""
        try:
            blocks = [name for name, _ in self.bare.get_submodule(container).named_children()]
        except AttributeError:  # transformers builds something else
            return None
        count = len(blocks)
        if count != len(list(self.model.get_submodule(container).children())):
            return None
        # Without the last one all others are what they were.
        last = Layer(f"{container}.{blocks[-1]}", container, ())
        wanted = self._after(Cut("layer", layers=(last,)))
        if wanted is None:
            return None
        for field in (*_counting(self.entries, count), ""):  # lists may tell it alone
            listed = _listing(self.entries, field, count)
            for lists in (*_subsets(listed), ()):
                less: Entries = {path: self.entries[path][:-1] for path in lists}
                less |= {field: count - 1} if field else {}
                if less and self._shapes(less) == wanted:
                    return Depth((field,) if field else (), lists)
        return None

    def _after(self, cut: Cut) -> Shapes | None:
        child = copy.deepcopy(self.bare)
        try:
            narrow(cut, child)
        except SurgeryError:
            return None
        return shapes(child)

    def _shapes(self, changes: Entries) -> Shapes | None:
        """What comes out of a changed configuration."""
        key = repr(sorted(changes.items()))
        if key not in self._built:
            built = built_with(self.model, changes)
            self._built[key] = None if built is None else shapes(built)
        return self._built[key]


def stock_of(model: nn.Module) -> Stock | None:
    """`model` beside what transformers builds from its configuration; None where it fails to."""
    bare = built_with(model, {})
    return None if bare is None else Stock(model, bare)


def built_with(model: nn.Module, changes: Entries) -> nn.Module | None:
    """What transformers builds for `model` with entries changed; None where it builds nothing."""
    try:
        config = changed(model.config, changes)
    except Exception:  # a configuration may be refused in any way
        return None
    return skeleton(model, config)


def one_head_less(stock: Stock, group: Neurons) -> Iterator[nn.Module]:
    """Models with one head less than `stock`, from entries about heads alone or, where the width of
    a head hangs on that of the network, from these, too."""
    left = group.count - 1
    wide = max(group.count * member.repeat for member in group.members if member.side == "in")
    same = (path for path, value in stock.entries.items() if value == wide)
    hidden = dict.fromkeys(same, wide * left // group.count)
    for also in ({}, hidden):
        for widths in _heads(stock.entries, group):
            changes = {path: each * left for path, each in widths.fields}
            built = built_with(
                stock.model, {**also, **changes, **({} if also else dict(widths.fixed))}
            )
            if built is not None and _reads(built, group, left):
                yield built


def _reads(built: nn.Module, group: Neurons, count: int) -> bool:
    """Whether the attention in `built` ends in as many channels as `count` heads have."""
    for member in group.members:
        if member.side == "in":
            try:
                weight: Any = built.get_submodule(member.module).weight
            except AttributeError:
                return False
            if count * member.repeat not in weight.shape:
                return False
    return True


def _heads(entries: Entries, group: Neurons) -> Iterator[Widths]:
    """Ways to say that there are fewer heads."""
    parts: dict[str, list[str]] = {}
    for path, value in entries.items():
        prefix, _, name = path.rpartition(".")
        plain = type(value) is int and value >= group.count and value % group.count == 0
        if plain and "head" in path and not any(part in name for part in _NO_COUNT):
            parts.setdefault(prefix if not name.isdigit() else path, []).append(path)
    wide = max(member.repeat for member in group.members if member.side == "in")
    for prefix, paths in parts.items():
        for some in _subsets(paths):
            fields = tuple((path, entries[path] // group.count) for path in some)
            queries = max(each for _, each in fields)
            yield Widths(fields)
            if wide % queries == 0:
                name = f"{prefix}.head_dim" if prefix else "head_dim"
                yield Widths(fields, ((name, wide // queries),))


def _units(entries: Entries, group: Neurons) -> Iterator[Widths]:
    """Ways to say that there are fewer hidden units."""
    likely = sorted(entries, key=lambda path: not any(part in path for part in _HIDDEN))
    for path in likely:
        if type(entries[path]) is int and entries[path] == group.count:
            yield Widths(((path, 1),))
    for path in likely:
        if entries[path] is None and any(part in path for part in _HIDDEN):
            yield Widths(((path, 1),))


def _counting(entries: Entries, count: int) -> list[str]:
    """Entries that may say that there are `count` blocks, the likely ones first."""
    paths = [path for path, value in entries.items() if type(value) is int and value == count]
    return sorted(paths, key=lambda path: not any(part in path for part in _DEPTH))


def _listing(entries: Entries, field: str, count: int) -> list[str]:
    """Entries beside `field` that may have an item for each of `count` blocks."""
    prefix = field.rpartition(".")[0]
    return [
        path
        for path, value in entries.items()
        if isinstance(value, list)
        and len(value) == count
        and path.rpartition(".")[0] == prefix
        and any(part in path for part in (*_DEPTH, "type", "pattern", "window"))
    ]


def _subsets(paths: list[str]) -> Iterator[tuple[str, ...]]:
    """All of `paths`, then fewer, but never more than a handful of tries."""
    for size in sorted(range(1, len(paths) + 1), reverse=True):
        if size in (len(paths), 1, 2):
            yield from combinations(paths, size)
