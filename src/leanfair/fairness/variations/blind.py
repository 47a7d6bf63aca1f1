"""Blind: an item with the attribute left out, the baseline that any other rule has to beat.

A field of a record that tells the attribute says "not stated". In a text, an adjective is left out
("a Black man" -> "a man"), a noun becomes a person ("an Asian" -> "a person"), a word of gender a
neutral one ("his wife" -> "their spouse"), a predicate says so ("is Muslim" -> "is of unstated
religion"), and a name is "the person".

This works by the places alone that `vary` found and a few words of English, so what comes out may
be clumsy: of the verbs behind a neutral "they", only the one that follows at once is brought into
line. It is made from one and the same variation, whichever came in, so blinding is exact as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from leanfair.fairness.lexicon.attribute import NAMES, Attribute
from leanfair.fairness.lexicon.grammar import article
from leanfair.fairness.types import Item, Variation
from leanfair.fairness.variations.leaves import Path, leaves, replaced

NOT_STATED = "not stated"

_PERSONAL = {
    "he": "they", "she": "they", "him": "them", "himself": "themself", "herself": "themself",
    "hers": "theirs", "man": "person", "woman": "person", "men": "people", "women": "people",
    "gentleman": "person", "lady": "person", "gentlemen": "people", "ladies": "people",
    "boy": "child", "girl": "child", "boys": "children", "girls": "children",
    "father": "parent", "mother": "parent", "fathers": "parents", "mothers": "parents",
    "dad": "parent", "mom": "parent", "son": "child", "daughter": "child",
    "sons": "children", "daughters": "children", "husband": "spouse", "wife": "spouse",
    "husbands": "spouses", "wives": "spouses", "brother": "sibling", "sister": "sibling",
    "brothers": "siblings", "sisters": "siblings", "boyfriend": "partner", "girlfriend": "partner",
    "widower": "widowed person", "widow": "widowed person", "mr": "Mx", "mrs": "Mx", "ms": "Mx",
}  # fmt: skip
_BE = {"is": "are", "was": "were", "has": "have", "does": "do", "isn't": "aren't",
       "wasn't": "weren't", "hasn't": "haven't", "doesn't": "don't", "'s": "'re"}  # fmt: skip
_NO_VERB = frozenset({
    "always", "perhaps", "sometimes", "besides", "afterwards", "nowadays", "thus", "us", "as",
    "its", "this", "his", "hers", "ours",
})  # fmt: skip
_NO_NOUN = frozenset({
    "a", "an", "the", "and", "or", "but", "nor", "who", "whose", "that", "which", "with",
    "without", "from", "in", "on", "at", "of", "to", "by", "for", "as", "if", "is", "was",
    "are", "were", "be", "been", "has", "had", "have", "does", "did", "do", "will", "would",
    "can", "could", "should", "may", "might", "must", "not", "also", "then", "than", "when",
    "while", "because", "since", "so", "too", "there", "here", "now",
})  # fmt: skip
_PEOPLE = re.compile(r"\b(?:people|persons|men|women|human beings|folks)$|(?<![s'])s$", re.I)
_PERSON = re.compile(r"\b(?:person|man|woman|human being|individual|girl|boy|lad|lady)$", re.I)
_NEXT_WORD = re.compile(r"[ -]([^\W\d_][\w'-]*)")
_DETERMINED = re.compile(
    r"\b(?:an?|the|this|that|one|each|every|another|any)\s+(?:(?!is|was)[a-z-]+\s+)?$", re.I
)
_INDEFINITE = re.compile(r"\ban?\s+$", re.I)
_NEAR, _LONGEST = 5, 400
_AHEAD = re.compile(rf"[\s-]*(?:\S{{1,{_LONGEST}}}\s*){{0,{_NEAR}}}")
_YEARS = re.compile(r"[- ](?:years?|yrs?)[- ]old\b", re.I)


def blind(variations: Sequence[Variation], attribute: Attribute) -> Item:
    """The item whose `variations` over `attribute` these are, without that attribute.

    What does not tell the attribute comes back as it is.
    """
    if len(variations) < 2:
        return variations[0].item
    # of the values by name the last: "male" before "female", since "her" has two meanings
    chosen = max(variations, key=lambda variation: (variation.value, variation.text))
    if chosen.record is None:
        return blind_text(chosen.text, chosen.spans, attribute)
    return _blind_record(chosen, attribute)


def blind_text(text: str, spans: Sequence[tuple[int, int]], attribute: Attribute) -> str:
    """`text` without what stands at `spans`."""
    made, behind = "", [""]  # the text from `at` on: what may still change, then what does not
    at = len(text)
    for start, end in reversed(_joined(text, spans, attribute)):
        after = made[end - at :] if end > at else text[end:at] + made
        near = _AHEAD.match(after)
        reach = near.end() if near is not None else 0
        behind.append(after[reach:])
        at = _words_before(text, start)
        before, after = text[at:start], after[:reach]
        new, after = _instead(before, text[start:end], after, attribute)
        if not new:
            after = after.lstrip(" -")
        made = _with_article(before, new, after)
    return "".join((text[:at], made, *reversed(behind)))


def _words_before(text: str, stop: int) -> int:
    """Where the last words before `stop` begin: all that says what may stand in its place."""
    for _ in range(_NEAR):
        while stop and text[stop - 1].isspace():
            stop -= 1
        least = max(0, stop - _LONGEST)
        while stop > least and not text[stop - 1].isspace():
            stop -= 1
    return stop


def _blind_record(variation: Variation, attribute: Attribute) -> dict[str, Any]:
    """A record's values are found again by the lines that a variation shows."""
    record = variation.record or {}
    blinded: dict[Path, Any] = {}
    offset = 0
    for leaf in leaves(record):
        text = str(leaf.value)
        start = offset + len(f"{leaf.label}: ")
        end = start + len(text)
        spans = [(a - start, b - start) for a, b in variation.spans if start <= a and b <= end]
        if spans:
            whole = text[spans[0][0] : spans[-1][1]].strip() == text.strip()
            alone = len(spans) == 1 and whole
            blinded[leaf.path] = NOT_STATED if alone else blind_text(text, spans, attribute)
        offset = end + 1
    return replaced(record, blinded)


def _joined(
    text: str, spans: Sequence[tuple[int, int]], attribute: Attribute
) -> list[tuple[int, int]]:
    """The places, a first name and the last name behind it as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and _is_name(text[start:end], attribute) and text[joined[-1][1] : start] == " ":
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _instead(before: str, term: str, after: str, attribute: Attribute) -> tuple[str, str]:
    """What stands in the place of `term`, and what follows it then."""
    lower = term.lower()
    if lower in ("his", "her"):
        noun = _noun_after(before, after)
        return _styled(term, "their" if noun else "theirs" if lower == "his" else "them"), after
    if lower in _PERSONAL:
        new = _styled(term, _PERSONAL[lower])
        return new, _agreeing(after) if new.lower() == "they" else after
    if _is_name(term, attribute):
        return ("The person" if _starts(before) else "the person"), after
    if re.search(r"(?:[:=]\s*[\"'“]?|\b(?:age|race|gender|sex|religion) (?:is|was) )$", before):
        return NOT_STATED, after
    if re.search(r"\b(?:from|in|of)\s+(?:the\s+)?$", before) and term[:1].isupper():
        return "an unstated country", after
    return (
        _age(before, after, attribute) if term.isdigit() else _word(before, term, after, attribute)
    )


def _is_name(term: str, attribute: Attribute) -> bool:
    """Whether a person's name tells an attribute that last names tell, too."""
    if attribute.of_names or not attribute.has_surnames:
        return attribute.of_names
    first, *_ = term.split()
    return any(entry.row.kind in NAMES for entry in attribute.surfaces.get(first, ()))


def _age(before: str, after: str, attribute: Attribute) -> tuple[str, str]:
    years = _YEARS.match(after)
    if years is None:
        return NOT_STATED, after
    rest = after[years.end() :]
    if "-" in years.group():
        return ("" if _noun_after(before, rest) else "person"), rest
    return f"of unstated {attribute.name}", rest


def _word(before: str, term: str, after: str, attribute: Attribute) -> tuple[str, str]:
    if _PEOPLE.search(term):
        return _styled(term, "people", _starts(before)), after
    if _PERSON.search(term):
        return _styled(term, "person", _starts(before)), after
    if _noun_after(before, after):
        return "", after
    if _DETERMINED.search(before):
        return "person", after
    return f"of unstated {attribute.name}", after


def _noun_after(before: str, after: str) -> bool:
    """Whether what follows is a noun, or on the way to one."""
    word = _NEXT_WORD.match(after)
    if word is None or word.group(1).lower() in _NO_NOUN:
        return False
    # "a Muslim works": behind "a", what ends in s is no noun but a verb
    verb = word.group(1).endswith("s") and not word.group(1).endswith("ss")
    return not (verb and _INDEFINITE.search(before))


def _agreeing(after: str) -> str:
    """What follows "they", its first verb in the plural."""
    word = re.match(r"(\s*)([^\W\d_]+(?:n't)?|'s)(?![\w'])", after)
    if word is None:
        return after
    space, verb = word.groups()
    rest = after[word.end() :]
    if verb in _BE:
        return space + _BE[verb] + rest
    if len(verb) < 4 or not verb.endswith("s") or verb.endswith("ss") or verb in _NO_VERB:
        return after
    if verb.endswith("ies"):
        return f"{space}{verb[:-3]}y{rest}"
    cut = 2 if re.search(r"(?:o|sh|ch|ss|x|zz)es$", verb) else 1
    return space + verb[:-cut] + rest


def _with_article(before: str, new: str, after: str) -> str:
    """The text put together, with the "a" or "an" that its next word now needs."""
    found = re.search(r"\b(a|an|A|An|AN)\s$", before)
    word = new + after
    if found is None or not word[:1].isalnum():
        return before + _capital(before, new, after)
    fitting = article(word)
    written = found.group(1)
    fitting = fitting.upper() if written == "AN" else fitting
    fitting = fitting.capitalize() if written[0] == "A" and written != "AN" else fitting
    return before[: found.start(1)] + fitting + before[found.end(1) :] + word


def _capital(before: str, new: str, after: str) -> str:
    """What follows a term that was left out, in capitals where a sentence starts."""
    whole = new + after
    return whole[:1].upper() + whole[1:] if not new and _starts(before) else whole


def _starts(before: str) -> bool:
    """Whether a sentence starts behind `before`."""
    return not before.strip() or bool(re.search(r"[.!?:]\s+$|\n\s*$", before))


def _styled(term: str, new: str, capital: bool = False) -> str:
    """`new`, in capitals as `term` is."""
    if len(term) > 1 and term.isupper():
        return new.upper()
    pronoun = term.lower() in _PERSONAL or term.lower() in ("his", "her")
    return new.capitalize() if capital or (pronoun and term[:1].isupper()) else new
