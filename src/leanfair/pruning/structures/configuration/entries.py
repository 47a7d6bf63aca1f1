"""The configuration entries that hold the numbers of heads, hidden units and layers.

They are not listed per model family but searched for: an entry is accepted if transformers, given
its changed value, builds exactly the shapes that the removal leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any, NamedTuple

from torch import nn

from leanfair.errors import SurgeryError
from leanfair.pruning.surgery.config import changed, configuration_errors, entries
from leanfair.pruning.surgery.copies import frame_of
from leanfair.pruning.surgery.narrowing import narrow
from leanfair.pruning.surgery.rebuild import Shapes, alike, build_from, is_apart, shapes
from leanfair.pruning.types import Cut, Layer, NeuronCut, Neurons

Entries = dict[str, Any]

_NO_COUNT = ("dim", "size", "width", "bias", "mask", "scale", "dropout")
_HIDDEN = ("inner", "intermediate", "ffn", "feed_forward", "mlp")
_DEPTH = ("layer", "depth", "block")


class Widths(NamedTuple):
    """Configuration entries that determine a number of neurons.

    `fields`: pairs (path, value per neuron). `fixed`: entries that must be set besides, with their
    values. `counts`: the numbers of neurons that the configuration can express, if not all.
    """

    fields: tuple[tuple[str, int], ...]
    fixed: tuple[tuple[str, int], ...] = ()
    counts: tuple[int, ...] = ()

    def entries(self, count: int) -> Entries:
        """The entries and their values for `count` neurons."""
        return {
            **{path: per_neuron * count for path, per_neuron in self.fields},
            **dict(self.fixed),
        }


class Depth(NamedTuple):
    """Configuration entries that determine a number of blocks: `fields` hold the number, `lists`
    one item for each block."""

    fields: tuple[str, ...]
    lists: tuple[str, ...]


class ConfiguredModel:
    """A model together with `reference`, the network that transformers builds from its unchanged
    configuration: on these, changes of entries are tried."""

    def __init__(self, model: nn.Module, reference: nn.Module) -> None:
        self.model = model
        self.reference = reference
        self.entries = entries(model.config)
        self._built: dict[str, Shapes | None] = {}
        self._depths: dict[str, Depth | None] = {}

    @property
    def same(self) -> bool:
        """Whether the model has the shapes and settings of its configuration."""
        if is_apart(self.model) or shapes(self.reference) != shapes(self.model):
            return False
        return alike(self.reference, self.model)

    def widths(self, groups: Iterable[Neurons]) -> Widths | None:
        """The entries that narrow all `groups` by the same number of neurons; None if there are
        none that do exactly that."""
        groups = tuple(groups)
        first = groups[0]
        if first.unit == "channel":
            return self._matching(groups, first.count - 1, _units(self.entries, first))
        # In many models the number of heads must divide the width of the network.
        for count in range(first.count - 1, 0, -1):
            widths = self._matching(groups, count, _heads(self.entries, first))
            if widths is not None:
                fewer = range(count - 1, 0, -1)
                possible = (c for c in fewer if self._shapes(widths.entries(c)) is not None)
                return widths._replace(counts=(count, *possible))
        return None

    def _matching(
        self, groups: tuple[Neurons, ...], count: int, tries: Iterable[Widths]
    ) -> Widths | None:
        """The first of `tries` that gives the shapes of `groups` with `count` neurons each."""
        cuts = tuple(NeuronCut(group, tuple(range(count, group.count))) for group in groups)
        built = ((widths, self._shapes(widths.entries(count))) for widths in tries)
        fit = [(widths, shape) for widths, shape in built if shape is not None]
        wanted = self._after(Cut("neurons", neurons=cuts)) if fit else None
        return next((widths for widths, shape in fit if shape == wanted), None)

    def with_depth_entries(self, layer: Layer) -> Layer:
        """`layer` with the entries that hold the number of layers in its container, if there are
        any."""
        if layer.container not in self._depths:
            self._depths[layer.container] = self._depth(layer.container)
        depth = self._depths[layer.container]
        return layer if depth is None else replace(layer, fields=depth.fields, lists=depth.lists)

    def _depth(self, container: str) -> Depth | None:
        """The entries that hold the number of blocks in `container`; None if there are none."""
        try:
            blocks = [name for name, _ in self.reference.get_submodule(container).named_children()]
        except AttributeError:  # transformers builds something else
            return None
        count = len(blocks)
        if count != len(list(self.model.get_submodule(container).children())):
            return None
        # Removing the last block leaves the numbers and settings of the others as they were.
        last = Layer(f"{container}.{blocks[-1]}", container, ())
        wanted = self._after(Cut("layer", layers=(last,)))
        if wanted is None:
            return None
        for field in (*_counting(self.entries, count), ""):  # lists alone may determine it
            listed = _listing(self.entries, field, count)
            for lists in (*_subsets(listed), ()):
                less: Entries = {path: self.entries[path][:-1] for path in lists}
                less |= {field: count - 1} if field else {}
                if less and self._shapes(less) == wanted:
                    return Depth((field,) if field else (), lists)
        return None

    def _after(self, cut: Cut) -> Shapes | None:
        child = frame_of(self.reference)
        try:
            narrow(cut, child)
        except SurgeryError:
            return None
        return shapes(child)

    def _shapes(self, changes: Entries) -> Shapes | None:
        """The shapes that transformers builds with changed entries; None if it builds nothing."""
        key = repr(sorted(changes.items()))
        if key not in self._built:
            built = built_with(self.model, changes)
            self._built[key] = None if built is None else shapes(built)
        return self._built[key]


def configured_model(model: nn.Module) -> ConfiguredModel | None:
    """`model` beside what transformers builds from its configuration; None if that fails."""
    reference = built_with(model, {})
    return None if reference is None else ConfiguredModel(model, reference)


def built_with(model: nn.Module, changes: Entries) -> nn.Module | None:
    """What transformers builds for `model` with changed entries, with parameters on the meta
    device; None if it builds nothing."""
    try:
        config = changed(model.config, changes)
    except configuration_errors():
        return None
    return build_from(model, config)


def one_head_less(configured: ConfiguredModel, group: Neurons) -> Iterator[nn.Module]:
    """Networks with one head less than `configured`: by changing entries about heads alone and,
    where the width of a head depends on the width of the network, together with that."""
    left = group.count - 1
    wide = max(group.count * member.repeat for member in group.members if member.side == "in")
    same = (path for path, value in configured.entries.items() if value == wide)
    hidden = dict.fromkeys(same, wide * left // group.count)
    for also in ({}, hidden):
        for widths in _heads(configured.entries, group):
            changes = {path: per_head * left for path, per_head in widths.fields}
            built = built_with(
                configured.model, {**also, **changes, **({} if also else dict(widths.fixed))}
            )
            if built is not None and _reads(built, group, left):
                yield built


def _reads(built: nn.Module, group: Neurons, count: int) -> bool:
    """Whether the output projections of `group` in `built` have the width of `count` heads."""
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
    """Sets of entries that may determine the number of heads."""
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
            queries = max(per_head for _, per_head in fields)
            yield Widths(fields)
            if wide % queries == 0:
                name = f"{prefix}.head_dim" if prefix else "head_dim"
                yield Widths(fields, ((name, wide // queries),))


def _units(entries: Entries, group: Neurons) -> Iterator[Widths]:
    """Sets of entries that may determine the number of hidden units."""
    likely = sorted(entries, key=lambda path: not any(part in path for part in _HIDDEN))
    for path in likely:
        if type(entries[path]) is int and entries[path] == group.count:
            yield Widths(((path, 1),))
    for path in likely:
        if entries[path] is None and any(part in path for part in _HIDDEN):
            yield Widths(((path, 1),))


def _counting(entries: Entries, count: int) -> list[str]:
    """Entries that may hold the number of blocks, `count`; the likely ones first."""
    paths = [path for path, value in entries.items() if type(value) is int and value == count]
    return sorted(paths, key=lambda path: not any(part in path for part in _DEPTH))


def _listing(entries: Entries, field: str, count: int) -> list[str]:
    """Entries beside `field` that may hold one item for each of `count` blocks."""
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
    """Subsets of `paths`: all of them, then pairs, then single ones; so the number stays small."""
    for size in sorted(range(1, len(paths) + 1), reverse=True):
        if size in (len(paths), 1, 2):
            yield from combinations(paths, size)
