"""All variations of what was read: closure, by construction.

What is read off an item is a frame (the characters that do not tell the attribute) and mentions,
each a cell of a row. One variation turns *every* mention by the same number of places within its
row, the same way round. So mentions of one value stay together, mentions of different values stay
different (a Black man and a white woman become a White man and an asian woman), and the turns
form a group.

Theorem. Call an item *stable* if each turned item reads as the same frame with the turned
mentions, and no turn at all gives back the item. Every variation of a stable item is stable, and
has the same set of variations. For if y is x turned by s, then y turned by t is x turned by s+t,
and what that reads as is known from the stability of x. `turn_all` checks stability on the spot,
whatever the rules of reading do, and gives nothing for an item that is not stable: such an item
is left alone rather than half varied. It is then its own only variation, and no variation of
another item, so closure holds for it as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import Attribute, Cell
from leanfair.fairness.mentions.reading import Article, Mention, Reading

Reader = Callable[[str], Reading]
Rings = tuple[tuple[int, ...], ...]
"""For each axis the values that take part, in their order; a turn goes round them."""


@dataclass(frozen=True)
class Turned:
    """One variation: the value it tells, and each part of the item with its mentions."""

    cell: Cell
    parts: tuple[Reading, ...]


def rings_of(attribute: Attribute, values: Sequence[str] | None) -> Rings:
    """The values that take part: all, or those named."""
    if values is None:
        return tuple(tuple(range(len(axis))) for axis in attribute.axes)
    cells = {attribute.find_value(value) for value in values}
    rings = tuple(tuple(sorted({cell[k] for cell in cells})) for k in range(len(attribute.axes)))
    if len(cells) < 2 or len(list(product(*rings))) != len(cells):
        raise InputError(
            f"values={list(values)} of {attribute.name!r}: give two or more, and of names every"
            " combination of the groups named"
        )
    return rings


def takes_part(mention: Mention, rings: Rings) -> bool:
    """Whether the value of a mention is among those that are varied."""
    return all(i in rings[axis] for axis, i in zip(mention.row.axes, mention.cell, strict=True))


def turn_all(
    parts: Sequence[Reading], readers: Sequence[Reader], rings: Rings
) -> tuple[Turned, ...]:
    """Every variation in the order of the values, or nothing where the item is not stable."""
    lead = _lead(parts, len(rings))
    if lead is None or any(part.unpaired for part in parts):
        return ()
    found: list[Turned] = []
    for turn in product(*(range(len(ring)) for ring in rings)):
        turned = tuple(_turn(part, turn, rings) for part in parts)
        if not any(turn) and turned != tuple(parts):
            return ()
        for part, reader in zip(turned, readers, strict=True):
            if reader(part.text) != part:
                return ()
        found.append(Turned(_turned_cell(lead.row.axes, lead.cell, turn, rings), turned))
    if len({tuple(part.text for part in variation.parts) for variation in found}) < len(found):
        return ()
    return tuple(sorted(found, key=lambda variation: variation.cell))


def told(parts: Sequence[Reading], axes: int) -> bool:
    """Whether some mention tells every part of the value."""
    return _lead(parts, axes) is not None


def lead_cell(parts: Sequence[Reading], axes: int) -> Cell | None:
    """The value of the first mention that tells all of it."""
    lead = _lead(parts, axes)
    return None if lead is None else lead.cell


def _lead(parts: Sequence[Reading], axes: int) -> Mention | None:
    mentions = (mention for part in parts for mention in part.mentions)
    return next((m for m in mentions if len(m.row.axes) == axes), None)


def _turned_cell(axes: Sequence[int], cell: Cell, turn: Cell, rings: Rings) -> Cell:
    def place(axis: int, i: int) -> int:
        ring = rings[axis]
        return ring[(ring.index(i) + turn[axis]) % len(ring)]

    return tuple(place(axis, i) for axis, i in zip(axes, cell, strict=True))


def _turn(reading: Reading, turn: Cell, rings: Rings) -> Reading:
    """The reading that the turned text has to have."""
    pieces: list[str] = []
    mentions: list[Mention] = []
    taken = length = 0
    for mention in reading.mentions:
        cell = _turned_cell(mention.row.axes, mention.cell, turn, rings)
        for piece, stop in _rewritten(reading.text, mention, cell, taken):
            pieces.append(piece)
            length += len(piece)
            taken = stop
        mentions.append(_moved(mention, cell, length, reading.text))
    pieces.append(reading.text[taken:])
    return Reading("".join(pieces), tuple(mentions), reading.unpaired)


def _rewritten(text: str, mention: Mention, cell: Cell, taken: int) -> Iterator[tuple[str, int]]:
    """The frame up to the mention, the article, the term: each, and where it ends in `text`."""
    if mention.article is not None:
        yield text[taken : mention.article.start], mention.article.start
        yield mention.article_for(cell), mention.article.stop
        taken = mention.article.stop
    yield text[taken : mention.start], mention.start
    yield mention.written(cell), mention.stop


def _moved(mention: Mention, cell: Cell, stop: int, text: str) -> Mention:
    """The mention in its new place, which ends at `stop`."""
    start = stop - len(mention.written(cell))
    article: Article | None = None
    if mention.article is not None:
        gap = mention.start - mention.article.stop
        end = start - gap
        begin = end - len(mention.article_for(cell))
        article = replace(mention.article, start=begin, stop=end)
    return replace(mention, start=start, stop=stop, cell=cell, article=article)
