"""Where a term tells the attribute: one rule per kind of row.

A rule looks at the words around a candidate, never at the candidate's own letters, and answers with
the form that belongs there, or None where the term tells nothing (the black car, the White House).
`OWN` is the form that the writer chose, where the place leaves a choice.
"""

from __future__ import annotations

from collections.abc import Callable

from leanfair.fairness.lexicon.attribute import NAMES, Candidate, Entry
from leanfair.fairness.mentions.adjectives import (
    attributive,
    ends_description,
    follows_name,
    in_apposition,
    in_record,
    is_hyphen,
    opens,
    predicative,
    subject_of,
)
from leanfair.fairness.mentions.ages import is_age, is_decade
from leanfair.fairness.mentions.names import (
    is_first_name,
    is_married,
    is_surname,
    is_title,
    is_word_name,
    joins_names,
)
from leanfair.fairness.mentions.parsed_text import ParsedText
from leanfair.fairness.mentions.pronouns import is_before_noun

OWN = "*"
Rule = Callable[[ParsedText, Candidate, Entry], "str | None"]

_FROM = (
    ("from",), ("born", "in"), ("raised", "in"), ("grew", "up", "in"), ("citizen", "of"),
    ("citizens", "of"), ("native", "of"), ("natives", "of"), ("national", "of"),
    ("nationals", "of"), ("resident", "of"), ("residents", "of"), ("lived", "in"), ("lives", "in"),
)  # fmt: skip


def stands_free(parsed: ParsedText, found: Candidate) -> bool:
    """Whether a candidate is a word of its own, not a piece of one (blackboard, man-made)."""
    start, stop = found.start, found.stop
    if parsed.touches(start) and parsed.word(start - 1).isalnum():
        return False
    if parsed.touches(stop) and parsed.word(stop).isalnum() and not found.kinds & {"age", "decade"}:
        return False
    if parsed.touches(start) and parsed.is_apostrophe(start - 1) and parsed.touches(start - 1):
        return not parsed.is_word(start - 2)
    if found.kinds & NAMES and joins_names(parsed, found):
        return True
    prefixes, suffixes = parsed.english.phrases["prefixes"], parsed.english.phrases["suffixes"]
    if is_hyphen(parsed, start - 1) and parsed.word(start - 2) not in prefixes:
        return False
    return not (is_hyphen(parsed, stop) and parsed.word(stop + 1) not in suffixes)


def _own(holds: bool) -> str | None:
    return OWN if holds else None


def _anywhere(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    return OWN


def _adjective(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    form = attributive(parsed, found)
    if form is None:
        form = predicative(parsed, found)
    if form is None and any(rule(parsed, found) for rule in (in_record, in_apposition, opens)):
        return ""
    return form


def _attributive(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    return attributive(parsed, found)


def _predicate(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    return _own(predicative(parsed, found) is not None or in_apposition(parsed, found))


def _noun(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    """A noun by its place: no noun follows, and for one person an article stands before."""
    i = parsed.after(found.stop)
    if follows_name(parsed, found) or parsed.word(i) == "of":
        return None
    if entry.form == "many" or in_record(parsed, found):
        return OWN
    closed = _is_verb(parsed, i, found) or parsed.ends_clause(i) or parsed.is_apostrophe(i)
    return _own(closed and _has_article(parsed, found.start - 1))


def _is_verb(parsed: ParsedText, i: int, found: Candidate) -> bool:
    """Whether a verb follows and not a noun: a Muslim applied; a Jew and a Muslim run the shop."""
    word = parsed.word(i)
    if word.endswith(("ed", "ing")) or word in parsed.english.names["doing"]:
        return True
    if parsed.word(found.start - 2) not in ("and", "or"):
        return word in parsed.english.pronouns["doing"]
    pronouns = parsed.english.pronouns
    return word in pronouns["doing"] or word in pronouns["doing_or_thing"]


def _has_article(parsed: ParsedText, i: int) -> bool:
    """Whether an article or the like opens the noun phrase: a typical young American."""
    for _ in range(4):
        i = parsed.before(i)
        word = parsed.word(i)
        if word in parsed.english.determiners or word == "as":
            return True
        if not parsed.is_word(i) or word in parsed.english.function or parsed.new_line(i + 1):
            return False
        i -= 1
    return False


def _having(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    verb = parsed.word(found.start - 1) in parsed.english.phrases["having"]
    return _own(verb and ends_description(parsed, found.stop))


def _agreeing(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    """Before a word for one gender (Latina women), or after he or she is (a)."""
    if parsed.kind_at(parsed.after(found.stop), "person") is not None:
        return OWN
    verb = found.start - 1
    if parsed.word(verb) in ("a", "an"):
        verb -= 1
    subject = subject_of(parsed, verb)
    return _own(
        subject is not None and parsed.kind_at(subject, "word", "person", "name") is not None
    )


def _object(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    return _own(not is_before_noun(parsed, found.start))


def _possessive(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    return _own(is_before_noun(parsed, found.start))


def _title(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    return _own(is_title(parsed, found) and not is_married(parsed))


def _married_title(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    return _own(is_title(parsed, found) and is_married(parsed))


def _address(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    greeted = parsed.word(found.start - 1) in ("dear", ",", "yes", "no", "you")
    return _own(greeted and not parsed.is_capitalised(found.stop))


def _country(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    before = parsed.words[max(0, found.start - 3) : found.start]
    return _own(any(before[-len(p) :] == p for p in _FROM) or in_record(parsed, found))


def _record(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    return _own(in_record(parsed, found))


def _age(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    return _own(is_age(parsed, found))


def _decade(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    return _own(is_decade(parsed, found))


def _name(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    return _own(is_first_name(parsed, found))


def _word_name(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    return _own(is_word_name(parsed, found))


def _surname(parsed: ParsedText, found: Candidate, entry: Entry) -> str | None:
    """With a first name; `repeats` adds the places that repeat one."""
    return _own(is_surname(parsed, found))


RULES: dict[str, Rule] = {
    "word": _anywhere,
    "person": _anywhere,
    "noun": _noun,
    "adjective": _adjective,
    "attributive": _attributive,
    "predicate": _predicate,
    "having": _having,
    "agreeing": _agreeing,
    "object": _object,
    "possessive": _possessive,
    "owned": _object,
    "title": _title,
    "married title": _married_title,
    "address": _address,
    "country": _country,
    "record": _record,
    "age": _age,
    "decade": _decade,
    "name": _name,
    "word name": _word_name,
    "surname": _surname,
}
