"""Places of a text that may tell the attribute and that no rule reads.

Looked at are the terms of the lexicon where its rules passed over them (a Black sous-chef), words
that tell the attribute and have no place in the lexicon, and what stands behind the name of a
field (gender: fluid). A term is let go where its place shows that it tells nothing: before a noun
for a thing, in the name of a place or a firm, or in a protected phrase.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from leanfair.fairness.lexicon.attribute import Attribute, Candidate
from leanfair.fairness.lexicon.doubts import doubts, suspicions
from leanfair.fairness.lexicon.rows.name_rows import common_surnames
from leanfair.fairness.lexicon.with_names import TOLD_BY_NAMES
from leanfair.fairness.lexicon.words import either
from leanfair.fairness.mentions.adjectives import follows_name
from leanfair.fairness.mentions.kinds import stands_free
from leanfair.fairness.mentions.names import behind_initial
from leanfair.fairness.mentions.parsed_text import ParsedText, parsed_texts
from leanfair.fairness.mentions.people.peoples import unknown_peoples
from leanfair.fairness.mentions.reading import Reading, read, spans_of
from leanfair.fairness.remembered import Remembered

Span = tuple[int, int]

_DESCRIBING = frozenset({"adjective", "attributive", "predicate", "noun"})
_BEFORE_SURNAMES = frozenset({"name", "word name", "title", "married title"})
_CERTAIN = frozenset({"having", "word", "person", "object", "possessive", "owned"})
_OF_LANGUAGES = ("speak", "spoke", "fluent", "learn", "stud", "translat", "teach", "taught", "read")
_ACRONYM = 5
"""Shorter words in capitals may be titles: an Asian MP."""
_UNCLEAR_TITLES = frozenset({"master", "miss"})
_VALUE = re.compile(r"[\"'“”*_`]*([^\n,;|\"“”*_`{}<>\]]{1,40})")
_SAYS_NOTHING = re.compile(
    r"\s*(?:$|unknown|unstated|not (?:stated|given|specified|known|disclosed)|n/?a\b|none given|"
    r"null|nan|\?|-+\s*$|prefer|declin|undisclosed|any\b|is\b|was\b|and\b|or\b|of\b|in\b|pay\b|gap\b|"
    r"discriminat|equal|bias|neutral|specific|identity\b|group\b|diversity|balance|limit\b)",
    re.IGNORECASE,
)


def doubtful(text: str, attribute: Attribute, protect: tuple[str, ...] = ()) -> tuple[Span, ...]:
    """The places of `text` that may tell the attribute and that `read` did not read."""
    return doubts_of_texts(text, attribute, protect)


def _doubtful(text: str, attribute: Attribute, protect: tuple[str, ...]) -> tuple[Span, ...]:
    parsed = parsed_texts(text, attribute, protect)
    reading = read(text, attribute, protect)
    taken = Taken(spans_of([reading]))
    found: list[Span] = []
    for span in (
        *_unread_terms(parsed, reading),
        *_suspicious_words(parsed),
        *_unread_fields(parsed),
        *(unknown_peoples(parsed) if attribute.name in TOLD_BY_NAMES else ()),
    ):
        if not taken.overlaps(span):
            found.append(span)
            taken.add(span)
    return tuple(sorted(found))


doubts_of_texts = Remembered(_doubtful, entries=4096, letters=4_000_000)


class Taken:
    """Places in a text, merged and in order, so that each question is a search by halves: a long
    text may have thousands of them."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        for start, stop in sorted(spans):
            if self._stops and start < self._stops[-1]:
                self._stops[-1] = max(self._stops[-1], stop)
            else:
                self._starts.append(start)
                self._stops.append(stop)

    def overlaps(self, span: Span) -> bool:
        """Whether any of `span` is taken."""
        i = bisect_right(self._stops, span[0])
        return i < len(self._starts) and self._starts[i] < span[1]

    def add(self, span: Span) -> None:
        """Take `span`, of which nothing is taken yet."""
        i = bisect_right(self._starts, span[0])
        self._starts.insert(i, span[0])
        self._stops.insert(i, span[1])


# ---- terms of the lexicon -----------------------------------------------------------------------


def _unread_terms(parsed: ParsedText, reading: Reading) -> Iterator[Span]:
    taken = Taken(spans_of([reading]))
    told = bool(reading.mentions)
    if parsed.attribute.has_surnames:
        yield from _unknown_surnames(parsed, reading)
    for place in sorted(parsed.candidates):
        for found in parsed.candidates[place]:
            span = parsed.tokens.starts[found.start], parsed.tokens.ends[found.stop - 1]
            if taken.overlaps(span) or not stands_free(parsed, found):
                continue
            stop = _doubtful_up_to(parsed, found, told)
            if stop is not None:
                yield span[0], parsed.tokens.ends[stop - 1]
                break


def _doubtful_up_to(parsed: ParsedText, found: Candidate, told: bool) -> int | None:
    """Where the words in question end, behind the candidate; None where it tells nothing here."""
    kinds = found.kinds
    if kinds & _CERTAIN:
        return found.stop
    if kinds & _DESCRIBING:
        return _description(parsed, found, told)
    if kinds & {"title", "married title"}:
        bare = parsed.word(found.start) not in _UNCLEAR_TITLES
        return found.stop if bare and not parsed.is_capitalised(found.stop) else None
    if kinds & {"name", "word name"}:
        return _name(parsed, found)
    return None


def _description(parsed: ParsedText, found: Candidate, told: bool) -> int | None:
    if follows_name(parsed, found):
        return None
    ambiguous = parsed.word(found.start) in doubts().ambiguous
    capital = parsed.is_capitalised(found.start) and not _opens_sentence(parsed, found.start)
    i = parsed.after(found.stop)
    word = parsed.word(i)
    lists = doubts()
    if parsed.ends_clause(i) or not parsed.is_word(i):
        return _without_noun(parsed, found, told, ambiguous and not capital)
    if word in parsed.attribute.not_heads:
        return None
    if lists.is_thing(word):  # of a black car driver it is not known who is black
        return i + 2 if parsed.is_person(i + 1) and parsed.one_space(i + 1) else None
    if parsed.is_capitalised(i):
        title = len(word) < _ACRONYM and parsed.tokens.texts[i].removesuffix("s").isupper()
        return i + 1 if parsed.is_person(i) or (title and told) else None
    if lists.sounds_like_person(word) or parsed.is_person(i):
        return i + 1
    if lists.is_thing(parsed.word(i + 1)) and not parsed.ends_clause(i + 1):
        return None
    if ambiguous and not capital and not told:
        return None
    return i + 1


def _without_noun(parsed: ParsedText, found: Candidate, told: bool, ambiguous: bool) -> int | None:
    """No noun follows: she wore black; the usher was Black; hired the Hindu."""
    before = parsed.word(parsed.before(found.start - 1))
    if ambiguous:
        said = before in parsed.english.copulas and before not in ("look", "looks", "looked")
        subject = parsed.word(parsed.before(found.start - 1) - 1)
        lists = doubts()
        may_be = not lists.is_thing(subject) if told else lists.sounds_like_person(subject)
        return found.stop if said and may_be else None
    if before in ("and", "or", "/", ","):
        return found.stop if told else None
    if before.startswith(_OF_LANGUAGES):
        return None
    subject = parsed.word(parsed.before(found.start - 1) - 1)
    if before in parsed.english.copulas and doubts().is_thing(subject):
        return None
    small = before in parsed.english.function and before not in parsed.english.copulas
    if small and before not in ("as", "the", "a", "an"):
        return None
    return found.stop


def _opens_sentence(parsed: ParsedText, i: int) -> bool:
    before = parsed.before(i - 1)
    return before < 0 or parsed.word(before) in {".", "!", "?", ":", "|"} or parsed.new_line(i)


def _name(parsed: ParsedText, found: Candidate) -> int | None:
    """A first name that the rules passed over: behind an unknown capitalised word, before another
    (Reviewer Linda Jones); or, of a name that is also a word, at the head of a sentence (Mark
    leads the team)."""
    i, stop = found.start, found.stop
    if not parsed.is_capitalised(i) or parsed.word(i - 1) in parsed.english.names["articles"]:
        return None
    if "word name" in found.kinds:
        follower = parsed.word(stop)
        acts = follower.endswith(("s", "ed")) and follower not in parsed.english.function
        return stop if _opens_sentence(parsed, i) and acts else None
    j = stop
    while parsed.is_capitalised(j) and parsed.one_space(j):
        if parsed.word(j) in parsed.english.names["places"]:
            return None
        j += 1
    before = i - 1
    if not (parsed.is_capitalised(before) and parsed.one_space(i)):
        return None
    if parsed.word(before) in parsed.english.first_names or parsed.word(before) == "st":
        return None
    behind_surname = j == stop and not parsed.is_person(before)
    return None if behind_surname else stop


def _unknown_surnames(parsed: ParsedText, reading: Reading) -> Iterator[Span]:
    """The capitalised word behind a first name or a title, which tells about as much as a first
    name does, unless it is a surname that is known to tell no race."""
    ends = {mention.stop for mention in reading.mentions if mention.row.kind in _BEFORE_SURNAMES}
    lists, common = parsed.english, common_surnames()
    behind = [i for i, end in enumerate(parsed.tokens.ends[:-1], start=1) if end in ends]
    for i in (behind_initial(parsed, place) for place in behind):
        if not parsed.one_space(i) or not parsed.is_capitalised(i):
            continue
        acts = parsed.word(i).endswith("ed") or parsed.word(i) in lists.names["doing"]
        known = acts or parsed.word(i) in common
        if known and parsed.word(i + 1) == "-" and parsed.is_capitalised(i + 2):
            known = parsed.word(i + 2) in common
        if not known and parsed.word(i) not in either(
            lists.function, lists.names["places"], lists.people
        ):
            yield parsed.tokens.starts[i], parsed.tokens.ends[i]


# ---- words and fields ---------------------------------------------------------------------------


def _suspicious_words(parsed: ParsedText) -> Iterator[Span]:
    starts = parsed.tokens.starts
    for match in suspicions(parsed.attribute.name).words.finditer(parsed.seen):
        first, last = bisect_right(starts, match.start()) - 1, bisect_left(starts, match.end())
        if parsed.is_protected(first, first + 1) or _FIELD_JOINT.match(parsed.seen, match.end()):
            continue
        if not _is_of_thing(parsed, first, last):
            yield match.span()


def _is_of_thing(parsed: ParsedText, first: int, stop: int) -> bool:
    """Whether the words from `first` to `stop` are said of a thing: the house is 40 years old, a
    40-year-old bridge."""
    is_thing, verb = doubts().is_thing, first - 1
    while parsed.word(verb) in parsed.english.adverbs:
        verb -= 1
    if parsed.word(verb) in parsed.english.copulas and is_thing(parsed.word(verb - 1)):
        return True
    return is_thing(parsed.word(stop)) and parsed.one_space(stop)


def _unread_fields(parsed: ParsedText) -> Iterator[Span]:
    """What stands behind the name of a field, such as "gender: fluid", whatever it is."""
    fields = suspicions(parsed.attribute.name).fields
    for match in fields.finditer(parsed.seen):
        joint = _FIELD_JOINT.match(parsed.seen, match.end())
        if joint is None:
            continue
        value = _VALUE.match(parsed.seen, joint.end())
        if value is None or _SAYS_NOTHING.match(value[1]) or not value[1].strip():
            continue
        words = value[1].split()
        if len(words) > 4:
            continue
        start = value.start(1) + len(value[1]) - len(value[1].lstrip())
        yield start, start + len(value[1].strip())


_FIELD_JOINT = re.compile(r"[\"'“”*_`]*\s*[:=]\s*")
