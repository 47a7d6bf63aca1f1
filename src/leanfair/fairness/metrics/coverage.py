"""How much of a table was understood: the rows varied in full, left alone, and half understood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from leanfair.errors import InputError
from leanfair.fairness import schema
from leanfair.fairness.lexicon.attribute import Attribute
from leanfair.fairness.metrics.groupings import Grouping
from leanfair.fairness.types import Understanding, Variation

_Unvaried: TypeAlias = Literal["left alone", "half understood"]
_MOST_REASONS = 20
_LEAST_VALUES = 2
_AGES = "age"


@dataclass(frozen=True)
class RowReading:
    """How far a row was understood. `note`: why it was not varied. `unread`: the words in question.
    `clear`: whether its value is known to be that of the person decided about. `tells`: whether it
    tells the attribute for sure."""

    reading: Understanding
    note: str = ""
    unread: tuple[str, ...] = ()
    clear: bool = True
    tells: bool = False


def row_readings(sets: Sequence[Sequence[Variation]]) -> list[RowReading]:
    """How far each row was understood, by its variations."""
    return [
        RowReading(one.reading, one.note, one.unread, one.clear, bool(one.spans))
        for one, *_ in sets
    ]


def coverage_entry(
    readings: Sequence[RowReading], numbers: Sequence[int] | None = None
) -> schema.Coverage:
    """The key `coverage` of summary.json. `numbers`: what the rows are called, where that is not
    their place."""
    called = numbers or range(1, len(readings) + 1)
    counts = Counter(row.reading for row in readings)
    reasons: Counter[tuple[_Unvaried, str]] = Counter(
        (row.reading, row.note) for row in readings if row.reading != "varied"
    )
    return {
        "rows": len(readings),
        "varied": counts["varied"],
        "left_alone": counts["left alone"],
        "without_counterpart": sum(r.reading == "left alone" and r.tells for r in readings),
        "half_understood": counts["half understood"],
        "unread_share": counts["half understood"] / max(1, len(readings)),
        "unclear": sum(row.reading == "varied" and not row.clear for row in readings),
        "left_by_choice": sum(row.reading == "varied" and bool(row.unread) for row in readings),
        "reasons": [
            {
                "reading": reading,
                "reason": note,
                "rows": n,
                "first_row": next(
                    number for number, row in zip(called, readings, strict=True) if row.note == note
                ),
            }
            for (reading, note), n in sorted(reasons.items(), key=_most_first)[:_MOST_REASONS]
        ],
        "words": dict(
            Counter(word for row in readings for word in row.unread).most_common(_MOST_REASONS)
        ),
    }


def _most_first(pair: tuple[tuple[_Unvaried, str], int]) -> tuple[bool, int, str]:
    (reading, note), n = pair
    return reading == "left alone", -n, note


def coverage_sentence(coverage: schema.Coverage) -> str:
    """Coverage in a line, for a terminal and the head of a page."""
    rows = coverage["rows"]
    sentence = (
        f"Of {rows:,} rows {coverage['varied']:,} were varied in full, "
        f"{coverage['left_alone']:,} left alone for a reason, and "
        f"{coverage['half_understood']:,} ({coverage['unread_share']:.1%}) half understood"
    )
    words = list(coverage["words"])[:3] if coverage["half_understood"] else []
    return f"{sentence}{': ' * bool(words)}{', '.join(map(repr, words))}."


def coverage_notes(coverage: schema.Coverage) -> list[str]:
    """What a reader has to know of it before the numbers."""
    rows = coverage["rows"]
    notes = []
    if coverage["half_understood"]:
        notes.append(
            f"{coverage['half_understood']} of {rows} rows are half understood: they tell the "
            f"attribute, or may, by words that could not be varied. Nothing here holds for them."
        )
    for reason in coverage["reasons"][:5]:
        notes.append(f"{reason['rows']} of {rows} rows were not varied: {reason['reason']}.")
    if coverage["left_by_choice"]:
        words = ", ".join(map(repr, list(coverage["words"])[:4]))
        notes.append(
            f"{coverage['left_by_choice']} of {rows} rows tell the attribute by other fields or by "
            f"people's names too, which were left as they are, as was asked: {words}."
        )
    if coverage["unclear"]:
        notes.append(
            f"{coverage['unclear']} of {rows} rows tell several values, or that of somebody "
            f"else, and not which is that of the person decided about: they count as flips, and in "
            f"no direction."
        )
    return notes


# ---- whose value: what the groups tell -----------------------------------------------------------


def known_values(
    groupings: Sequence[Grouping], attributes: Sequence[Attribute]
) -> list[dict[str, str]]:
    """For each row attribute -> value, as far as a column of groups tells the attribute."""
    rows = len(groupings[0].codes) if groupings else 0
    found: list[dict[str, str]] = [{} for _ in range(rows)]
    for attribute in attributes:
        for grouping in groupings:
            values = _values_of_groups(grouping, attribute)
            if len(set(values.values())) < _LEAST_VALUES:
                continue
            for row, code in zip(found, grouping.codes, strict=True):
                value = values.get(grouping.names[code]) if code >= 0 else None
                if value is not None:
                    row.setdefault(attribute.name, value)
    return found


def _values_of_groups(grouping: Grouping, attribute: Attribute) -> Mapping[str, str]:
    """Group -> value, of a column whose groups are values of the attribute. Bands of age are not:
    each table draws them elsewhere."""
    if len(grouping.columns) > 1 or len(attribute.axes) > 1 or attribute.name == _AGES:
        return {}
    written = {term: value for coding in attribute.codings for value, term in coding.terms.items()}
    values = {}
    for name in grouping.names:
        value = _value_of(name, attribute) or written.get(name)
        if value is not None:
            values[name] = value
    return values if 2 * len(values) >= len(grouping.names) else {}


def _value_of(name: str, attribute: Attribute) -> str | None:
    try:
        return attribute.value_name(attribute.find_value(name))
    except InputError:
        return None
