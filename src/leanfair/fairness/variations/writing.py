"""A part of an item, as it is read, and a record written anew: other content in some of its
fields, each of the type it had."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import Attribute
from leanfair.fairness.mentions.reading import Reading
from leanfair.fairness.types import Record, Variation
from leanfair.fairness.unknown import says_nothing
from leanfair.fairness.variations.leaves import Leaf, leaves, replaced

Reader = Callable[[str], Reading]
Doubter = Callable[[str], tuple[str, ...]]

_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


@dataclass(frozen=True)
class Part:
    """A text to be read: `leaf`, where it stands in a record (None for a text alone); `text`, as it
    came in. `read` reads it or a variation of it; `doubt` names words in it that may tell the
    attribute and are not read. `named`: whether its field is there for the attribute."""

    text: str
    read: Reader
    doubt: Doubter
    leaf: Leaf | None = None
    named: bool = False
    protect: tuple[str, ...] = ()


def rebuilt(record: Record, parts: Sequence[Part], texts: Iterable[str]) -> dict[str, Any]:
    """The record with new content in these fields, each of the type it had. Raises InputError for
    content that the type cannot hold."""
    new = {
        part.leaf.path: _like(part.leaf, text)
        for part, text in zip(parts, texts, strict=True)
        if part.leaf is not None and text != part.text
    }
    return replaced(record, new)


def _like(leaf: Leaf, text: str) -> Any:
    old: Any = leaf.value
    if isinstance(old, str):
        return text
    try:
        if _is_truth(old):
            return type(old)(_TRUTHS[text.strip().lower()])
        return _type_of(old)(_whole(text) if isinstance(old, Integral) else text)
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"the field {leaf.label!r} holds {old!r}, a {type(old).__name__}, and cannot be "
            f"{text!r}: name values of its kind with values=[...]"
        ) from error


def _type_of(value: Any) -> Callable[[Any], Any]:
    return type(value)


def _whole(text: str) -> int:
    """25 or 25.0 as a whole number. Raises ValueError for other numbers."""
    number = float(text)
    return int(number) if number.is_integer() else int(text)


def as_text(value: Any, attribute: Attribute) -> str:
    """A field as text: what is missing is empty, and a number is as the values write it."""
    if says_nothing(value):
        return ""
    written: list[str] = []
    if _is_truth(value):
        written = [str(bool(value)), str(int(value))]
    elif isinstance(value, Real) and math.isfinite(value) and float(value).is_integer():
        written = [str(int(float(value))), f"{int(float(value))}.0"]
    return next((one for one in written if one in attribute.surfaces), [*written, str(value)][0])


def _is_truth(value: object) -> bool:
    return type(value).__name__ in ("bool", "bool_")


def shown(
    value: str,
    record: Record,
    parts: Sequence[Part],
    readings: Sequence[Reading],
    original: bool,
) -> Variation:
    """A variation of a record, with its content as lines and the places that tell the attribute."""
    lines: list[str] = []
    spans: list[tuple[int, int]] = []
    length = 0
    read_at = {p.leaf.path: r for p, r in zip(parts, readings, strict=True) if p.leaf is not None}
    for leaf in leaves(record):
        head = f"{leaf.label}: "
        if leaf.path in read_at:
            offset = length + len(head)
            spans += [(offset + a, offset + b) for a, b in read_at[leaf.path].places]
        lines.append(f"{head}{leaf.value}")
        length += len(lines[-1]) + 1
    return Variation(value, "\n".join(lines), tuple(sorted(spans)), original, record)
