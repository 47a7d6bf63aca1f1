"""Reading a text: which places tell the attribute, and how each is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from leanfair.fairness.lexicon import grammar
from leanfair.fairness.lexicon.attribute import NAMES, Attribute, Candidate, Cell, Entry, Row
from leanfair.fairness.mentions.kinds import OWN, RULES, stands_free
from leanfair.fairness.mentions.lifetimes import (
    REFERENCE,
    bands_in,
    birth_row,
    births_in,
    contradictions,
    speaks_of_kin,
    value_part,
)
from leanfair.fairness.mentions.names import suspects
from leanfair.fairness.mentions.parsed_text import ParsedText, parsed_texts
from leanfair.fairness.mentions.people.whose import is_of_somebody_else
from leanfair.fairness.mentions.repeats import Part, parts_elsewhere, repeated
from leanfair.fairness.remembered import Remembered

_OWNS = re.compile(r"['’] \w")
_PRONOUNS = frozenset({"object", "possessive", "owned"})


class Article(NamedTuple):
    """The a or an before a mention: its place, and whether it is the right one for the sound."""

    start: int
    stop: int
    right: bool
    style: str


class Mention(NamedTuple):
    """A place that tells the attribute: characters `start` to `stop`, as a cell of a row.

    `form` and `style` say how the term is written, `suffix` is the possessive that belongs to it
    ("" or the apostrophe in use), so that any other cell of the row can be written in its place.
    `other`: whether it is said of somebody else than the one who is spoken of: whose husband.
    """

    start: int
    stop: int
    row: Row
    cell: Cell
    form: str
    style: str
    suffix: str = ""
    article: Article | None = None
    other: bool = False

    def written(self, cell: Cell) -> str:
        """The term of another cell, written as this one is."""
        return _spelled(self.row, cell, self.form, self.style, self.suffix)

    def article_for(self, cell: Cell) -> str:
        """The article for the term of a cell; where the writer's was wrong, the wrong one."""
        if self.article is None:
            return ""
        word = _article_of(self.row, cell, self.form)
        if not self.article.right:
            word = {"a": "an", "an": "a"}[word]
        return grammar.styled(word, self.article.style)


@dataclass(frozen=True)
class Reading:
    """The mentions of a text in their order, and the places of terms without a counterpart."""

    text: str
    mentions: tuple[Mention, ...] = ()
    unpaired: tuple[tuple[int, int], ...] = ()

    @property
    def places(self) -> list[tuple[int, int]]:
        """Where the text tells the attribute, by terms with a counterpart and then without."""
        return [*((mention.start, mention.stop) for mention in self.mentions), *self.unpaired]


@lru_cache(maxsize=1 << 15)
def _spelled(row: Row, cell: Cell, form: str, style: str, suffix: str) -> str:
    spelling = grammar.styled(term_of(row, cell, form), style)
    if not suffix:
        return spelling
    return spelling + grammar.possessive(spelling, form == "many").replace("'", suffix)


@lru_cache(maxsize=1 << 15)
def _article_of(row: Row, cell: Cell, form: str) -> str:
    return grammar.article(term_of(row, cell, form))


def term_of(row: Row, cell: Cell, form: str) -> str:
    """The term of a cell in a form, the plain one where the cell has no such form."""
    forms = row.cells[cell]
    if form == "initial":
        return forms[""][:1]
    return forms[form] if form in forms else forms[""]


def read(text: str, attribute: Attribute, protect: tuple[str, ...] = ()) -> Reading:
    """Every place of the text that tells the attribute."""
    return readings(text, attribute, protect)


def _read(text: str, attribute: Attribute, protect: tuple[str, ...]) -> Reading:
    parsed = parsed_texts(text, attribute, protect)
    if not parsed.candidates and not attribute.tells_age:
        return Reading(text)
    found = repeated(parsed, list(_accepted(parsed)))
    mentions = [_mention(parsed, place, entry) for place, entry in found if entry.row.paired]
    unpaired = [_span(parsed, place) for place, entry in found if not entry.row.paired]
    parts, stuck = parts_elsewhere(parsed, found)
    if parts:
        mentions = sorted([*mentions, *map(_part, parts)], key=lambda mention: mention.start)
    unpaired += [(part.start, part.stop) for part in stuck]
    if attribute.tells_age:
        mentions, more = _with_lifetimes(parsed, mentions)
        banded = [(m.start, m.stop) for m in mentions]
        unpaired = [u for u in unpaired if not any(a < u[1] and u[0] < b for a, b in banded)]
        unpaired += more
    if not mentions and any(row.kind == "surname" for row in attribute.rows):
        unpaired += [_span(parsed, candidate) for candidate in suspects(parsed)]
    unpaired += [(m.start, m.stop + 1) for m in mentions if _is_owner_in_s(parsed, m)]
    unpaired += _misplaced(
        parsed, {i for place, _ in found for i in range(place.start, place.stop)}
    )
    return Reading(text, tuple(mentions), tuple(sorted(unpaired)))


readings = Remembered(_read, entries=4096, letters=4_000_000)


def _misplaced(parsed: ParsedText, taken: set[int]) -> list[tuple[int, int]]:
    """Pronouns where the rules expect another (him before a noun): they cannot be varied."""
    return [
        _span(parsed, candidates[0])
        for i, candidates in parsed.candidates.items()
        if i not in taken and candidates[0].kinds & _PRONOUNS and stands_free(parsed, candidates[0])
    ]


def _accepted(parsed: ParsedText) -> Iterator[tuple[Candidate, Entry]]:
    """Left to right, the longest candidate whose rule holds."""
    stop = 0
    for i in sorted(parsed.candidates):
        place = next(_accepted_at(parsed, i), None) if i >= stop else None
        if place is not None:
            yield place
            stop = place[0].stop


def _accepted_at(parsed: ParsedText, i: int) -> Iterator[tuple[Candidate, Entry]]:
    for candidate in parsed.candidates.get(i, ()):
        if not stands_free(parsed, candidate):
            continue
        for entry in candidate.entries:
            form = RULES[entry.row.kind](parsed, candidate, entry)
            if form is None:
                continue
            wanted = entry.form if form == OWN else form
            forms = entry.row.cells[entry.cell]
            if forms.get(wanted, forms.get("")) == forms[entry.form]:
                yield candidate, Entry(entry.row, entry.cell, wanted, entry.style)


def _with_lifetimes(
    parsed: ParsedText, mentions: Sequence[Mention]
) -> tuple[list[Mention], list[tuple[int, int]]]:
    """The mentions with bands and years of birth; the places of what cannot change with them."""
    parts, alone = list[Part](), list[tuple[int, int]]()
    for one in (*bands_in(parsed.seen), *births_in(parsed.seen)):
        if isinstance(one, Part):
            parts.append(one)
        else:
            alone.append(one)
    over = [(part.start, part.stop) for part in parts] + alone
    kept = [m for m in mentions if not any(a < m.stop and m.start < b for a, b in over)]
    found = sorted([*kept, *map(_part, parts)], key=lambda mention: mention.start)
    numbers = [m for m in kept if m.row.kind == "age"]
    youngest = [
        int(term_of(m.row, (0,), "")) for m in numbers if term_of(m.row, (0,), "").isdigit()
    ]
    births = [int(term_of(p.row, (0,), "")) for p in parts if p.stop - p.start == 4]
    youngest += [REFERENCE - year for year in births if not numbers]
    alone += contradictions(parsed.seen, youngest)
    if len({m.cell for m in numbers}) > 1 and speaks_of_kin(parsed.words):
        alone += [(m.start, m.stop) for m in numbers]
    return list(agreeing([tuple(found)])[0]), alone


def lifetime_value(text: str, field: str) -> Reading | None:
    """A field's content that is a band of ages or a date of birth; None for another."""
    part = value_part(text, "birth" in field or field in ("dob", "yob"))
    return None if part is None else Reading(text, (_part(part),))


def agreeing(readings: Sequence[tuple[Mention, ...]]) -> list[tuple[Mention, ...]]:
    """Mentions in which years of birth are of the group of the age that is told beside them."""
    every = [m for mentions in readings for m in mentions]
    age = next((m for m in every if m.row.kind == "age" and not _is_birth(m)), None)
    if age is None:
        return list(readings)
    return [
        tuple(_of_group(m, age.cell) if _is_birth(m) else m for m in mentions)
        for mentions in readings
    ]


def _is_birth(mention: Mention) -> bool:
    term = term_of(mention.row, mention.cell, mention.form)
    return mention.row.kind == "age" and term.isdigit() and len(term) == 4


def _of_group(birth: Mention, cell: Cell) -> Mention:
    year = int(term_of(birth.row, birth.cell, birth.form))
    return birth._replace(row=birth_row(year + 20 * cell[0]), cell=cell)


def _part(part: Part) -> Mention:
    return Mention(part.start, part.stop, part.row, part.cell, part.form, part.style)


def _is_owner_in_s(parsed: ParsedText, mention: Mention) -> bool:
    """Whether a bare apostrophe makes a name possessive, which others of its row cannot take."""
    if mention.row.kind not in NAMES or not _OWNS.match(parsed.text, mention.stop):
        return False
    terms = [term for forms in mention.row.cells.values() for term in forms.values()]
    owner = parsed.text[mention.start : mention.stop].lower().endswith("s")
    return owner and not all(term.endswith("s") for term in terms)


def _span(parsed: ParsedText, found: Candidate) -> tuple[int, int]:
    return parsed.tokens.starts[found.start], parsed.tokens.ends[found.stop - 1]


def _mention(parsed: ParsedText, found: Candidate, entry: Entry) -> Mention:
    start, stop = _span(parsed, found)
    suffix = _suffix(parsed, found, entry)
    if suffix:
        written = parsed.text[start:stop]
        stop += len(grammar.possessive(written, entry.form == "many"))
    article = _article(parsed, found, entry)
    other = is_of_somebody_else(parsed, found, entry)
    return Mention(
        start, stop, entry.row, entry.cell, entry.form, entry.style, suffix, article, other
    )


def _suffix(parsed: ParsedText, found: Candidate, entry: Entry) -> str:
    """The apostrophe of a regular possessive after a noun, or nothing."""
    i = found.stop
    if entry.form not in ("one", "many") or not parsed.is_apostrophe(i) or not parsed.adjoins(i):
        return ""
    if not parsed.text.startswith(parsed.tokens.texts[i], parsed.tokens.starts[i]):
        return ""  # written as an entity
    written = parsed.tokens.texts[i - 1]
    ending = grammar.possessive(written, entry.form == "many")
    if ending == "'s":
        owns = parsed.word(i + 1) == "s" and parsed.adjoins(i + 1)
        lower = parsed.tokens.texts[i + 1] == "s" if owns else False
        return parsed.tokens.texts[i] if owns and lower else ""
    quoted = parsed.first_quote < found.start
    return parsed.tokens.texts[i] if parsed.one_space(i + 1) and not quoted else ""


def _article(parsed: ParsedText, found: Candidate, entry: Entry) -> Article | None:
    """The a or an just before, quotation marks between at most."""
    i = parsed.before(found.start - 1)
    if parsed.word(i) not in ("a", "an") or not parsed.one_space(i + 1):
        return None
    token = parsed.tokens[i]
    style = _article_style(token.text, entry.style)
    right = _article_of(entry.row, entry.cell, entry.form) == token.lower
    return Article(token.start, token.end, right, style)


def _article_style(written: str, style: str) -> str:
    if written.islower():
        return "lower"
    return "upper" if written == "AN" or (written == "A" and style == "upper") else "first"


def spans_of(readings: Sequence[Reading]) -> tuple[tuple[int, int], ...]:
    """The places of all mentions, paired or not, of several readings of one text."""
    return tuple(sorted({place for reading in readings for place in reading.places}))
