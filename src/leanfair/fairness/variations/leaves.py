"""The plain values of a record, those inside of nested records and lists too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from leanfair.fairness.types import Item, Record, Variation
from leanfair.fairness.variations.codings import normalised

Path: TypeAlias = tuple["str | int", ...]
"""The way from a record to a value in it: names of fields and places in lists."""


@dataclass(frozen=True)
class Leaf:
    """A value of a record that holds no others, and where it stands."""

    path: Path
    value: Any

    @property
    def label(self) -> str:
        """The path in a sentence: race, applicant.race, messages.0.content."""
        return ".".join(map(str, self.path))

    @cached_property
    def name(self) -> str:
        """The innermost name of a field, in small letters with spaces."""
        return normalised(str(next((p for p in reversed(self.path) if isinstance(p, str)), "")))


def leaves(record: Record) -> list[Leaf]:
    """Every plain value, and what is empty, in the order in which the record shows them."""
    return list(_leaves(record, ()))


def _leaves(value: Any, path: Path) -> Iterator[Leaf]:
    if isinstance(value, Mapping) and (value or not path):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, (list, tuple)) and value:
        for place, inner in enumerate(value):
            yield from _leaves(inner, (*path, place))
    else:
        yield Leaf(path, value)


def as_lines(record: Record) -> str:
    """The record as it is shown: each value on a line, behind its label."""
    return "\n".join(f"{leaf.label}: {leaf.value}" for leaf in leaves(record))


def without_places(
    item: Item, original: bool = True, note: str = "", unread: tuple[str, ...] = ()
) -> Variation:
    """An item as a variation of no value, in which no place is told."""
    text, record = (item, None) if isinstance(item, str) else (as_lines(item), item)
    return Variation("", text, (), original, record, note, unread)


def replaced(record: Record, new: Mapping[Path, Any]) -> dict[str, Any]:
    """The record with other values at some paths; what is not touched is the very same."""
    return {name: _replaced(value, (name,), new) for name, value in record.items()}


def _replaced(value: Any, path: Path, new: Mapping[Path, Any]) -> Any:
    if path in new:
        return new[path]
    if not any(other[: len(path)] == path for other in new):
        return value
    if isinstance(value, Mapping):
        return {name: _replaced(inner, (*path, name), new) for name, inner in value.items()}
    made = [_replaced(inner, (*path, place), new) for place, inner in enumerate(value)]
    if isinstance(value, tuple):
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    return made
