"""Where a term tells the attribute: one rule per kind of row.

A rule looks at the words around a candidate, never at the candidate's own letters, and answers with
the form that belongs there, or None where the term tells nothing (the black car, the White House).
`OWN` is the form that the writer chose, where the place leaves a choice.
"""

from __future__ import annotations

from collections.abc import Callable

from leanfair.fairness.lexicon.attribute import Candidate, Entry
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
from leanfair.fairness.mentions.names import is_first_name, is_married, is_title, is_word_name
from leanfair.fairness.mentions.parsed_text import Scene
from leanfair.fairness.mentions.pronouns import is_before_noun

OWN = "*"
Rule = Callable[[Scene, Candidate, Entry], "str | None"]

_FROM = (
    ("from",), ("born", "in"), ("raised", "in"), ("grew", "up", "in"), ("citizen", "of"),
    ("citizens", "of"), ("native", "of"), ("natives", "of"), ("national", "of"),
    ("nationals", "of"), ("resident", "of"), ("residents", "of"), ("lived", "in"), ("lives", "in"),
)  # fmt: skip


def stands_free(scene: Scene, found: Candidate) -> bool:
    """Whether a candidate is a word of its own, not a piece of one (blackboard, man-made)."""
    start, stop = found.start, found.stop
    if scene.touches(start) and scene.word(start - 1).isalnum():
        return False
    if scene.touches(stop) and scene.word(stop).isalnum() and not found.kinds & {"age", "decade"}:
        return False
    if scene.touches(start) and scene.is_apostrophe(start - 1) and scene.touches(start - 1):
        return not scene.is_word(start - 2)
    prefixes, suffixes = scene.english.phrases["prefixes"], scene.english.phrases["suffixes"]
    if is_hyphen(scene, start - 1) and scene.word(start - 2) not in prefixes:
        return False
    return not (is_hyphen(scene, stop) and scene.word(stop + 1) not in suffixes)


def _own(holds: bool) -> str | None:
    return OWN if holds else None


def _anywhere(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    return OWN


def _adjective(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    form = attributive(scene, found)
    if form is None:
        form = predicative(scene, found)
    if form is None and any(rule(scene, found) for rule in (in_record, in_apposition, opens)):
        return ""
    return form


def _attributive(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    return attributive(scene, found)


def _predicate(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    return _own(predicative(scene, found) is not None or in_apposition(scene, found))


def _noun(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    """A noun by its place: no noun follows, and for one person an article stands before."""
    i = scene.after(found.stop)
    if follows_name(scene, found) or scene.word(i) == "of":
        return None
    if entry.form == "many" or in_record(scene, found):
        return OWN
    closed = _is_verb(scene, i, found) or scene.ends_clause(i) or scene.is_apostrophe(i)
    return _own(closed and _has_article(scene, found.start - 1))


def _is_verb(scene: Scene, i: int, found: Candidate) -> bool:
    """Whether a verb follows and not a noun: a Muslim applied; a Jew and a Muslim run the shop."""
    word = scene.word(i)
    if word.endswith(("ed", "ing")) or word in scene.english.names["doing"]:
        return True
    if scene.word(found.start - 2) not in ("and", "or"):
        return word in scene.english.pronouns["doing"]
    return word in scene.english.pronouns["doing"] | scene.english.pronouns["doing_or_thing"]


def _has_article(scene: Scene, i: int) -> bool:
    """Whether an article or the like opens the noun phrase: a typical young American."""
    for _ in range(4):
        i = scene.before(i)
        word = scene.word(i)
        if word in scene.english.determiners or word == "as":
            return True
        if not scene.is_word(i) or word in scene.english.function or scene.new_line(i + 1):
            return False
        i -= 1
    return False


def _having(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    verb = scene.word(found.start - 1) in scene.english.phrases["having"]
    return _own(verb and ends_description(scene, found.stop))


def _agreeing(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    """Before a word for one gender (Latina women), or after he or she is (a)."""
    if scene.kind_at(scene.after(found.stop), "person") is not None:
        return OWN
    verb = found.start - 1
    if scene.word(verb) in ("a", "an"):
        verb -= 1
    subject = subject_of(scene, verb)
    return _own(
        subject is not None and scene.kind_at(subject, "word", "person", "name") is not None
    )


def _object(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    return _own(not is_before_noun(scene, found.start))


def _possessive(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    return _own(is_before_noun(scene, found.start))


def _title(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    return _own(is_title(scene, found) and not is_married(scene))


def _married_title(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    return _own(is_title(scene, found) and is_married(scene))


def _address(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    greeted = scene.word(found.start - 1) in ("dear", ",", "yes", "no", "you")
    return _own(greeted and not scene.is_capitalised(found.stop))


def _country(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    before = scene.words[max(0, found.start - 3) : found.start]
    return _own(any(before[-len(p) :] == p for p in _FROM) or in_record(scene, found))


def _record(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    return _own(in_record(scene, found))


def _age(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    return _own(is_age(scene, found))


def _decade(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    return _own(is_decade(scene, found))


def _name(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    return _own(is_first_name(scene, found))


def _word_name(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    return _own(is_word_name(scene, found))


def _surname(scene: Scene, found: Candidate, entry: Entry) -> str | None:
    """Straight after a first name; `mentions` adds the places that repeat one."""
    first = scene.kind_ending_at(found.start - 1, "name")
    joined = first is not None and scene.one_space(found.start)
    return _own(joined and first is not None and is_first_name(scene, first))


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
