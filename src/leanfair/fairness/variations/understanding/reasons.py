"""Why an item comes back alone: what makes it half understood, or why nothing is to be varied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from leanfair.fairness.lexicon.attribute import NAMES
from leanfair.fairness.lexicon.protected import ProtectedAttribute
from leanfair.fairness.types import Item
from leanfair.fairness.variations.closure import Shifted
from leanfair.fairness.variations.parts import Parts, parts_of
from leanfair.fairness.variations.understanding.agreement import Person

_OF_NAMES = "people's names change too with names='turn', and stay with names='keep'"


@dataclass(frozen=True)
class Doubts:
    """What makes an item half understood: `words` that may tell the attribute and are not read, and
    people's `names` that tell it and do not change with it."""

    words: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def any(self) -> tuple[str, ...]:
        """All of them, each once."""
        names = [name for name in self.names if not name.endswith(self.words)]
        return tuple(dict.fromkeys((*self.words, *names)))


def doubts_of(found: Parts, shifted: Sequence[Shifted]) -> Doubts:
    """What may tell the attribute and is not read, in the item or in any of its variations: so all
    of them are half understood or none is."""
    readings = [found.readings, *(one.parts for one in shifted)]
    words = dict.fromkeys(word for each in readings for word in found.doubts(each))
    if found.names_stay:
        return Doubts(tuple(words), ())
    names = dict.fromkeys(name for each in readings for name in found.telling_names(each))
    return Doubts(tuple(words), tuple(names))


def told_by(found: Parts) -> tuple[str, ...]:
    """The words that tell the attribute."""
    return tuple(
        dict.fromkeys(
            reading.text[m.start : m.stop] for reading in found.readings for m in reading.mentions
        )
    )


def _by_names(found: Parts) -> tuple[str, ...]:
    """The people's names that tell race, among what tells the attribute."""
    return tuple(
        dict.fromkeys(
            reading.text[m.start : m.stop]
            for reading in found.readings
            for m in reading.mentions
            if m.row.kind in NAMES and 0 in m.row.axes
        )
    )


def why_alone(
    found: Parts,
    attribute: ProtectedAttribute,
    person: Person,
    doubts: Doubts,
    known: str | None,
) -> tuple[str, tuple[str, ...]]:
    """Why an item comes back alone, in one sentence without its full stop, and the words that make
    it half understood, none where it is not."""
    kind, name = "text" if isinstance(found.item, str) else "record", attribute.name
    told = told_by(found)
    unpaired = [reading.text[a:b] for reading in found.readings for a, b in reading.unpaired]
    if doubts.words:
        if told or unpaired:
            besides = f"it tells {name}, and may tell it besides by words not understood"
            return f"the {kind} is half understood: {besides}: {_quoted(doubts.any)}", doubts.any
        return f"the {kind} may tell {name}, not understood: {_quoted(doubts.any)}", doubts.any
    if person.against:
        words = tuple(dict.fromkeys(found.readings[i].text[a:b] for i, a, b in person.against))
        cell = person.cell
        whose = "" if cell is None else found.attribute.value_name(cell)
        where = "the table's group" if known == whose else "its field"
        against = f"{_quoted(words)} does not agree with {where}, which is {whose!r}"
        return f"the {kind} is half understood: {against}", words
    outside = attribute.names == "turn" and attribute.values is not None and not told
    if doubts.names and not (outside and _tells(found.item, replace(attribute, values=None))):
        by = f"{'also ' * bool(told or unpaired)}tells {name} by {_quoted(doubts.names)}"
        return f"the {kind} {by}; {_OF_NAMES}", doubts.names
    if unpaired:
        why = f"by {unpaired[0]!r}, which has no counterpart here in the other values"
        return f"the {kind} tells {name} {why}", ()
    partly = _by_names(found)
    if person.cell is None and partly:
        return f"the {kind} tells {name} in part, by {_quoted(partly)}", partly
    if told and person.cell is not None:
        why = "but not so that every variation leads back to it"
        return f"the {kind} tells {name}, {why}", told
    if attribute.values is not None and _tells(found.item, replace(attribute, values=None)):
        return f"the {kind} tells {name}, but none of the values asked for", ()
    if names := tuple(dict.fromkeys(found.left())):
        return (
            f"the {kind} tells {name} by {_quoted(names)}, which stays as it is, as was asked",
            (),
        )
    return f"the {kind} does not tell {name}", ()


def _quoted(words: Sequence[str], most: int = 4) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(map(repr, words[:most])) + more


def _tells(item: Item, attribute: ProtectedAttribute) -> bool:
    """Whether the item tells the attribute at all, by a term that can be varied or another."""
    found = parts_of(item, attribute)
    return any(reading.mentions or reading.unpaired for reading in found.readings)
