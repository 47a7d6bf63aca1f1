"""A text as the rules see it: tokens, what each may be, and what is protected."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from functools import cached_property, lru_cache

from leanfair.fairness.lexicon.attribute import Attribute, Candidate
from leanfair.fairness.lexicon.tokens import Tokens, mail_addresses, tokenise
from leanfair.fairness.lexicon.words import English, english
from leanfair.fairness.mentions.markup import HIDDEN, column_of, seen
from leanfair.fairness.remembered import Remembered

_PRONOUNS = frozenset({"object", "possessive", "owned"})
_TITLES = frozenset({"title", "married title"})
_EITHER = _PRONOUNS | _TITLES | {"person", "address", "word"}
_QUOTES = frozenset("*_\"“”‘’`'")
_APOSTROPHES = frozenset("'’")
_OPAQUE = re.compile(
    r"https?://\S+|www\.\S+|(?<!\w)[#@]\w+|(?<![A-Za-z0-9])[A-Za-z0-9]+_[A-Za-z0-9_]+"
    r"|(?<!\w)\w+\.(?:com|org|net)\b"
)


class ParsedText:
    """A text, cut up, with the candidates of one attribute.

    The rules in `kinds` ask it about neighbours. A neighbour that is itself a candidate is
    judged by the kind of its row, not by its letters, so that they read all variations alike.
    """

    def __init__(self, text: str, attribute: Attribute, protect: Sequence[str] = ()) -> None:
        self.text = text
        self.attribute = attribute
        self.seen = seen(text)
        self._hides = HIDDEN in self.seen
        self.tokens: Tokens = tokenise(self.seen)
        self.words: tuple[str, ...] = tuple(map(str.lower, self.tokens.texts))
        self.english: English = english()
        self._protected = self._find_protected((*attribute.protected, *protect))
        self.notes: dict[str, frozenset[str]] = {}
        self.candidates: dict[int, tuple[Candidate, ...]] = self._find_candidates()

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each word stands in the text: a rule that asks for one at every mention would
        read all of it as often."""
        return Counter(self.words)

    def word(self, i: int) -> str:
        """The token at i in lower case, or nothing outside the text."""
        try:
            return self.words[i] if i >= 0 else ""
        except IndexError:
            return ""

    def is_word(self, i: int) -> bool:
        """Whether there is a word at i."""
        return 0 <= i < len(self.words) and self.tokens.texts[i][0].isalpha()

    def is_capitalised(self, i: int) -> bool:
        """Whether there is a word at i that begins with a capital."""
        return 0 <= i < len(self.words) and self.tokens.texts[i][0].isupper()

    def touches(self, i: int) -> bool:
        """Whether a reader sees nothing between the tokens before and at i."""
        if not 0 < i < len(self.words):
            return False
        return self.tokens.ends[i - 1] == self.tokens.starts[i] or not self._gap(i)

    def adjoins(self, i: int) -> bool:
        """Whether nothing stands between the tokens before and at i, no tag either."""
        return 0 < i < len(self.words) and self.tokens.ends[i - 1] == self.tokens.starts[i]

    def _gap(self, i: int) -> str:
        """What a reader sees between the tokens before and at i."""
        gap = self.seen[self.tokens.ends[i - 1] : self.tokens.starts[i]]
        return gap.replace(HIDDEN, "") if self._hides else gap

    def one_space(self, i: int) -> bool:
        """Whether one space stands between the tokens before and at i."""
        if not 0 < i < len(self.words):
            return False
        return self._gap(i) == " "

    def new_line(self, i: int) -> bool:
        """Whether a line ends before the token at i."""
        if not 0 < i < len(self.words):
            return True
        return "\n" in self._gap(i)

    def paragraph_ends(self, i: int) -> bool:
        """Whether an empty line stands before the token at i."""
        if not 0 < i < len(self.words):
            return True
        return self._gap(i).count("\n") > 1

    def follows_field(self, i: int) -> bool:
        """Whether the name of one of the attribute's fields stands just before the token at i."""
        if not self.attribute.fields:
            return False
        before = self.seen_before(i, 60)
        return self.attribute.ends_in_field(before) or self._heads_column(i)

    def seen_before(self, i: int, most: int) -> str:
        """What a reader sees just before the token at i, about `most` characters of it."""
        stop = self.tokens.starts[i]
        return self.seen[max(0, stop - most - 60) : stop].replace(HIDDEN, "")[-most:]

    def seen_after(self, i: int, most: int) -> str:
        """What a reader sees just behind the token at i, about `most` characters of it."""
        start = self.tokens.ends[i]
        return self.seen[start : start + most + 60].replace(HIDDEN, "")[:most]

    def _heads_column(self, i: int) -> bool:
        """Whether the token opens a cell of a table in the text whose column is one of the
        fields."""
        return column_of(self.seen, self.tokens.starts[i]) in self.attribute.fields

    def after(self, i: int) -> int:
        """The first place from i on that is no quotation mark or emphasis."""
        while i < len(self.words) and self.words[i] in _QUOTES and not self._is_suffix(i):
            i += 1
        return i

    def before(self, i: int) -> int:
        """The last place up to i that is no quotation mark or emphasis; -1 at the head."""
        while i >= 0 and self.words[i] in _QUOTES and not self._is_suffix(i):
            i -= 1
        return i

    def _is_suffix(self, i: int) -> bool:
        """Whether the apostrophe at i belongs to a word, as in man's."""
        return self.words[i] in _APOSTROPHES and self.touches(i) and self.is_word(i - 1)

    @cached_property
    def first_quote(self) -> int:
        """The first place of an apostrophe that belongs to no word before it."""
        places = range(len(self.words))
        return next(
            (k for k in places if self.is_apostrophe(k) and not self.touches(k)), len(self.words)
        )

    def is_apostrophe(self, i: int) -> bool:
        """Whether the token at i is an apostrophe."""
        return self.word(i) in _APOSTROPHES

    def ends_clause(self, i: int) -> bool:
        """Whether nothing of the clause follows at i: a sign, a small word, or the end."""
        if i >= len(self.words) or self.new_line(i):
            return True
        if not self.is_word(i):
            return self.word(i) != "-" and not self.tokens.texts[i].isdigit()
        return self.words[i] in self.english.closing

    def kind_at(self, i: int, *kinds: str) -> Candidate | None:
        """The candidate at i, if it may be of one of these kinds."""
        for candidate in self.candidates.get(i, ()):
            if candidate.kinds.intersection(kinds):
                return candidate
        return None

    def kind_ending_at(self, i: int, *kinds: str) -> Candidate | None:
        """The candidate whose last token is at i, if it may be of one of these kinds."""
        for start in range(i, max(i - 6, -1), -1):
            for candidate in self.candidates.get(start, ()):
                if candidate.stop == i + 1 and candidate.kinds.intersection(kinds):
                    return candidate
        return None

    def is_person(self, i: int) -> bool:
        """Whether the token at i is a noun for a person or for people."""
        word = self.word(i)
        if word in self.attribute.not_heads:
            return False
        return word in self.english.people or word in self.english.groups

    def is_head(self, i: int) -> bool:
        """Whether an adjective of the attribute may be said of the noun at i."""
        return self.is_person(i) or self.word(i) in self.attribute.heads

    def is_protected(self, start: int, stop: int) -> bool:
        """Whether any of these tokens must not be touched."""
        return bool(self._protected) and not self._protected.isdisjoint(range(start, stop))

    def _find_candidates(self) -> dict[int, tuple[Candidate, ...]]:
        found: dict[int, tuple[Candidate, ...]] = {}
        lengths, seconds = self.attribute.lengths, self.attribute.seconds
        for i in [i for i, word in enumerate(self.words) if word in lengths]:
            longer = self.word(i + 1) in seconds[self.words[i]]
            many = [n for n in lengths[self.words[i]] if longer or n == 1]
            here = [c for n in many if (c := self._candidate(i, i + n)) is not None]
            if here:
                found[i] = tuple(here)
        either = self._either(found)
        return {i: those for i, those in found.items() if i not in either}

    def _either(self, found: dict[int, tuple[Candidate, ...]]) -> frozenset[int]:
        """Where words stand that say "either": he or she, his/her, Mr./Ms., a son or a daughter."""
        if not self.attribute.is_gendered:
            return frozenset()
        return frozenset(
            i
            for start, candidates in found.items()
            for first in candidates[:1]
            if (other := self._other_half(first, found)) is not None
            for i in (start, other.start)
        )

    def _other_half(
        self, first: Candidate, found: dict[int, tuple[Candidate, ...]]
    ) -> Candidate | None:
        i = first.stop
        i += self.word(i) == "." and not first.kinds.isdisjoint(_TITLES)
        if self.word(i) == "and" and self.word(i + 1) == "/":
            i += 2
        if self.word(i) not in ("or", "/"):
            return None
        i += 1
        i += self.word(i) in ("a", "an", "the")
        for other in found.get(i, ())[:1]:
            if _are_either(first, other):
                return other
        return None

    def _candidate(self, start: int, stop: int) -> Candidate | None:
        if stop > len(self.words):
            return None
        written = self.text[self.tokens.starts[start] : self.tokens.ends[stop - 1]]
        entries = self.attribute.surfaces.get(written)
        if not entries or self.is_protected(start, stop):
            return None
        return Candidate(start, stop, entries, self.attribute.kinds[written])

    def _find_protected(self, phrases: tuple[str, ...]) -> frozenset[int]:
        spans = [match.span() for match in _OPAQUE.finditer(self.text)]
        spans += mail_addresses(self.text)
        starts = self.tokens.starts
        inside = {
            i
            for start, end in spans
            for i in range(bisect_left(starts, start), bisect_left(starts, end))
            if self.tokens.ends[i] <= end
        }
        known = _by_first_word(phrases)
        for i in [i for i, word in enumerate(self.words) if word in known]:
            for words, phrase in known[self.words[i]]:
                stop = i + len(words)
                if self.words[i:stop] == words and self._reads(phrase, i, stop):
                    inside.update(range(i, stop))
        return frozenset(inside)

    def _reads(self, phrase: str, start: int, stop: int) -> bool:
        written = " ".join(
            self.text[self.tokens.starts[start] : self.tokens.ends[stop - 1]].split()
        )
        wanted = " ".join(phrase.split())
        return wanted == (written if phrase != phrase.lower() else written.lower())


parsed_texts = Remembered(ParsedText, entries=64, letters=2_000_000)
"""The latest texts as they were cut up: each is asked for what it tells and for what it may."""


def _are_either(first: Candidate, other: Candidate) -> bool:
    """Whether two words are said of both genders together: of one row, or both pronouns."""
    pairs = [(a, b) for a in first.entries for b in other.entries if a.cell != b.cell]
    same = any(a.row is b.row and a.row.kind in _EITHER for a, b in pairs)
    both = all(not candidate.kinds.isdisjoint(_PRONOUNS) for candidate in (first, other))
    return same or (both and bool(pairs)) or _are_titles(first, other)


def _are_titles(first: Candidate, other: Candidate) -> bool:
    titles = all(not candidate.kinds.isdisjoint(_TITLES) for candidate in (first, other))
    cells = [{entry.cell for entry in candidate.entries} for candidate in (first, other)]
    return titles and cells[0].isdisjoint(cells[1])


@lru_cache(maxsize=64)
def _by_first_word(phrases: tuple[str, ...]) -> dict[str, list[tuple[tuple[str, ...], str]]]:
    """Protected phrases as lower-case tokens, by the first of them."""
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for phrase in phrases:
        words = tuple(token.lower for token in tokenise(phrase))
        if words:
            found.setdefault(words[0], []).append((words, phrase))
    return found
