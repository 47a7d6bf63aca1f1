"""All variations of what was read: closure, by construction.

What is read off an item is a frame (the characters that do not tell the attribute) and mentions,
each a cell of a row. One variation shifts *every* mention by the same number of places within its
row, the same way round. So mentions of one value stay together, mentions of different values stay
different (a Black man and a white woman become a White man and an asian woman), and the shifts
form a group, that of cyclic shifts.

Theorem. Call an item *stable* if each shifted item reads as the same frame with the shifted
mentions, and no shift at all gives back the item. Every variation of a stable item is stable, and
has the same set of variations. For if y is x shifted by s, then y shifted by t is x shifted by s+t,
and what that reads as is known from the stability of x. `shift_all` checks stability on the spot,
whatever the rules of reading do, and gives nothing for an item that is not stable: such an item
is left alone rather than half varied. It is then its own only variation, and no variation of
another item, so closure holds for it as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import Attribute, Cell
from leanfair.fairness.mentions.reading import Article, Mention, Reading

Reader = Callable[[tuple[str, ...]], tuple[Reading, ...]]
"""Reads the parts of an item, all at once: one part may say how another is read."""

Cycles = tuple[tuple[int, ...], ...]
"""For each axis the values that take part, in their order; a shift goes round them."""


@dataclass(frozen=True)
class Shifted:
    """One variation: the value it tells, and each part of the item with its mentions."""

    cell: Cell
    parts: tuple[Reading, ...]


def cycles_of(attribute: Attribute, values: Sequence[str] | None) -> Cycles:
    """The values that take part: all, or those named."""
    if values is None:
        return tuple(tuple(range(len(axis))) for axis in attribute.axes)
    cells = {attribute.find_value(value) for value in values}
    cycles = tuple(tuple(sorted({cell[k] for cell in cells})) for k in range(len(attribute.axes)))
    if len(cells) < 2 or len(list(product(*cycles))) != len(cells):
        raise InputError(
            f"values={list(values)} of {attribute.name!r}: give two or more, and of names every"
            " combination of the groups named"
        )
    return cycles


def family_of(
    attribute: Attribute, cycles: Cycles, readings: Callable[[Attribute], Sequence[Reading]]
) -> tuple[Attribute, Cycles]:
    """The wider lexicon and the family of values that an item tells, as `readings` has it of a
    lexicon: where it tells values that the attribute itself lacks, and all are of one family. Else
    `attribute` and `cycles`. (Each variation tells values of the same family, so from it the same
    one is found.)"""
    wider = attribute.wider
    if wider is None or not wider.families or not any(r.unpaired for r in readings(attribute)):
        return attribute, cycles
    found = readings(wider)
    cells = {mention.cell[0] for reading in found for mention in reading.mentions}
    family = next((one for one in wider.families if cells and cells <= set(one)), None)
    return (attribute, cycles) if family is None else (wider, (family,))


def takes_part(mention: Mention, cycles: Cycles) -> bool:
    """Whether the value of a mention is among those that are varied."""
    return all(i in cycles[axis] for axis, i in zip(mention.row.axes, mention.cell, strict=True))


def shift_all(
    parts: Sequence[Reading], reader: Reader, cycles: Cycles, start: Cell | None
) -> tuple[Shifted, ...]:
    """Every variation in the order of the values, or nothing where the item is not stable. `start`:
    the value of the item as it is, by which the variations are named; None where it tells none."""
    if start is None or any(part.unpaired for part in parts):
        return ()
    found: list[Shifted] = []
    for shift in product(*(range(len(cycle)) for cycle in cycles)):
        shifted = tuple(_shift(part, shift, cycles) for part in parts)
        if not any(shift) and shifted != tuple(parts):
            return ()
        if reader(tuple(part.text for part in shifted)) != shifted:
            return ()
        found.append(Shifted(_shifted_cell(range(len(cycles)), start, shift, cycles), shifted))
    if len({tuple(part.text for part in variation.parts) for variation in found}) < len(found):
        return ()
    return tuple(sorted(found, key=lambda variation: variation.cell))


def _shifted_cell(axes: Sequence[int], cell: Cell, shift: Cell, cycles: Cycles) -> Cell:
    def place(axis: int, i: int) -> int:
        cycle = cycles[axis]
        return cycle[(cycle.index(i) + shift[axis]) % len(cycle)]

    return tuple(place(axis, i) for axis, i in zip(axes, cell, strict=True))


def _shift(reading: Reading, shift: Cell, cycles: Cycles) -> Reading:
    """The reading that the shifted text has to have."""
    pieces: list[str] = []
    mentions: list[Mention] = []
    taken = length = 0
    cells: dict[tuple[Cell, Cell], Cell] = {}
    for mention in reading.mentions:
        place = (mention.row.axes, mention.cell)
        cell = cells.get(place) or cells.setdefault(place, _shifted_cell(*place, shift, cycles))
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
        article = Article(begin, end, mention.article.right, mention.article.style)
    _, _, row, _, form, style, suffix, _, other = mention
    return Mention(start, stop, row, cell, form, style, suffix, article, other)
