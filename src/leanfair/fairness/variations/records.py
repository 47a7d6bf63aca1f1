"""Varying a record: the field that tells the attribute changes, in the way the table writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import Attribute, Entry
from leanfair.fairness.mentions.reading import Mention, Reading, read
from leanfair.fairness.types import Record, Variation
from leanfair.fairness.variations.codings import is_missing, normalised

_NOT_A_WHOLE_VALUE = frozenset(
    {"name", "word name", "surname", "title", "married title", "address"}
)


def fields_of(
    record: Record, attribute: Attribute, field: str | Sequence[str] | None
) -> tuple[str, ...]:
    """The fields to vary: those asked for, else those named like the attribute, else every text."""
    if field is not None:
        names = (field,) if isinstance(field, str) else tuple(field)
        for name in names:
            if name not in record:
                raise InputError(
                    f"the record has no field {name!r}; it has {', '.join(map(str, record))}"
                )
        return names
    wanted = {name: i for i, name in enumerate(attribute.fields)}
    found = [name for name in record if normalised(str(name)) in wanted]
    if found:
        return tuple(sorted(found, key=lambda name: wanted[normalised(str(name))]))
    return tuple(name for name, value in record.items() if isinstance(value, str))


def read_value(text: str, attribute: Attribute, protect: tuple[str, ...] = ()) -> Reading:
    """A field's content: one term of the lexicon as a whole, or else a text."""
    entry = _whole_value(text, attribute)
    if entry is None:
        return read(text, attribute, protect)
    start = len(text) - len(text.lstrip())
    stop = start + len(text.strip())
    if not entry.row.paired:
        return Reading(text, unpaired=((start, stop),))
    mention = Mention(start, stop, entry.row, entry.cell, entry.form, entry.style)
    return Reading(text, (mention,))


def _whole_value(text: str, attribute: Attribute) -> Entry | None:
    entries = [
        entry
        for entry in attribute.surfaces.get(text.strip(), ())
        if entry.row.kind not in _NOT_A_WHOLE_VALUE
        and len(entry.row.axes) in (0, len(attribute.axes))
    ]
    entries.sort(key=lambda entry: (entry.row.kind != "record", not entry.row.paired))
    return entries[0] if entries else None


def is_named(names: Sequence[str], attribute: Attribute) -> bool:
    """Whether the fields were found by their names."""
    return any(normalised(str(name)) in attribute.fields for name in names)


def check_known(
    record: Record, names: Sequence[str], attribute: Attribute, parts: Sequence[Reading]
) -> None:
    """Raise where the first field is a single value that the lexicon lacks."""
    value = record[names[0]]
    if parts[0].mentions or parts[0].unpaired or is_missing(value) or len(attribute.axes) > 1:
        return
    if isinstance(value, str) and len(value.split()) > 4:
        return
    if attribute.name == "age" and _is_number(value):
        return
    known = dict.fromkeys(attribute.value_name(cell) for cell in attribute.cells)
    raise InputError(
        f"the field {names[0]!r} is {value!r}, which is no value of {attribute.name!r} here; "
        f"there are {', '.join(known)}. List the values of your table with values=[...]"
    )


def _is_number(value: object) -> bool:
    return re.fullmatch(r"\s*[\d.+-]+\s*", str(value)) is not None


def rebuilt(record: Record, names: Sequence[str], parts: Iterable[str]) -> dict[str, Any]:
    """The record with new content in these fields, each of the type it had."""
    changed = dict(record)
    for name, text in zip(names, parts, strict=True):
        changed[name] = _like(record[name], text)
    return changed


def _like(old: Any, text: str) -> Any:
    if isinstance(old, str) or str(old) == text:
        return text if isinstance(old, str) else old
    return type(old)(text)


def content(record: Record, names: Sequence[str]) -> tuple[str, ...]:
    """The fields as text; what is missing is empty."""
    return tuple("" if is_missing(record[name]) else _as_text(record[name]) for name in names)


def _as_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def shown(
    value: str, record: Record, names: Sequence[str], parts: Sequence[Reading], original: bool
) -> Variation:
    """A variation of a record, with its content as lines and the places that tell the attribute."""
    lines: list[str] = []
    spans: list[tuple[int, int]] = []
    length = 0
    readings = dict(zip(names, parts, strict=True))
    for name, content_ in record.items():
        head = f"{name}: "
        if name in readings:
            offset = length + len(head)
            mentions = [(m.start, m.stop) for m in readings[name].mentions]
            spans += [(offset + a, offset + b) for a, b in (*mentions, *readings[name].unpaired)]
        lines.append(f"{head}{content_}")
        length += len(lines[-1]) + 1
    return Variation(value, "\n".join(lines), tuple(sorted(spans)), original, record)
