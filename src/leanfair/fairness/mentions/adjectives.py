"""Whether an adjective is said of a person: a Black man, she is Black, race: Black, Jamal (Black).

Colours are the reason for this: of "black" and "white" only what is said of people may change, and
what is asked for black is asked for every other value, or the variations could not be told back.
"""

from __future__ import annotations

from itertools import islice

from leanfair.fairness.lexicon.attribute import Candidate
from leanfair.fairness.lexicon.doubts import doubts
from leanfair.fairness.lexicon.words import either
from leanfair.fairness.mentions.parsed_text import ParsedText

_JOINING = frozenset({"and", "but", "because", "if"})
_ADJECTIVES = ("adjective", "attributive", "word", "predicate")


def is_hyphen(parsed: ParsedText, i: int) -> bool:
    """Whether the token at i is a hyphen with something close on both sides."""
    return parsed.word(i) in ("-", "‐", "‑") and parsed.touches(i) and parsed.touches(i + 1)


def attributive(parsed: ParsedText, found: Candidate) -> str | None:
    """The form before a noun for people, other description between: a Black software engineer."""
    if follows_name(parsed, found):
        return None
    i = parsed.after(found.stop)
    if is_hyphen(parsed, i):
        if parsed.word(i + 1) in ("owned", "led", "run", "dominated"):
            return ""
        i += 2
    head = head_of(parsed, i)
    if head is None:
        return "" if _before_unknown_person(parsed, found, i) else None
    return "feminine" if _is_feminine(parsed, head) else ""


def _before_unknown_person(parsed: ParsedText, found: Candidate, i: int) -> bool:
    """With a capital before a noun that no list knows and that ends as those for persons do: a
    Black server, an Asian docker."""
    start, word = found.start, parsed.word(i)
    if parsed.attribute.name == "nationality":  # said of goods and firms more often than of people
        return False
    inside = start > 0 and parsed.is_word(parsed.before(start - 1)) and not parsed.new_line(start)
    if not inside or not parsed.is_capitalised(start) or parsed.is_capitalised(i):
        return False
    known = word in parsed.attribute.not_heads or word in doubts().either
    return not known and doubts().sounds_like_person(word)


def names_person(parsed: ParsedText, i: int) -> bool:
    """Whether a noun for people begins at i, description before it at most."""
    return head_of(parsed, i) is not None


def head_of(parsed: ParsedText, i: int) -> int | None:
    """The place of the noun for people that the description from i on belongs to."""
    for _ in range(6):
        if parsed.is_head(i) or (parsed.word(i) in ("one", "ones") and _spoke_of_people(parsed, i)):
            return i
        step = _over_description(parsed, i)
        if step == i:
            return None
        i = parsed.after(step)
    return None


def _is_feminine(parsed: ParsedText, i: int) -> bool:
    return parsed.word(i) in parsed.english.phrases["feminine"]


def _spoke_of_people(parsed: ParsedText, i: int) -> bool:
    """Whether such an adjective was said of a person before: Black voters, white ones; a person
    who is Hindu met a Jewish one."""
    return any(
        place < i
        and found[0].kinds.intersection(_ADJECTIVES)
        and (parsed.is_person(found[0].stop) or predicative(parsed, found[0]) is not None)
        for place, found in parsed.candidates.items()
    )


def _over_description(parsed: ParsedText, i: int) -> int:
    """The place behind one describing word or joint at i, or i where there is none."""
    if parsed.new_line(i) and parsed.paragraph_ends(i):
        return i
    other = parsed.kind_at(i, *_ADJECTIVES)
    if other is not None:
        return other.stop
    if parsed.word(i) in parsed.english.phrases["joints"]:
        return i + 1
    if is_hyphen(parsed, i + 1):
        return _over_compound(parsed, i)
    counted = parsed.word(i).isdigit() and parsed.word(i - 1) in parsed.english.phrases["joints"]
    if counted or parsed.word(i) in parsed.english.modifiers:
        return i + 1
    return i + 1 if _opens_compound(parsed, i) else i


def _opens_compound(parsed: ParsedText, i: int) -> bool:
    """Whether an unknown noun at i is part of one for a person: a line cook, a physics teacher."""
    word = parsed.word(i)
    if not parsed.is_word(i) or parsed.is_capitalised(i) or not parsed.one_space(i + 1):
        return False
    if word in parsed.english.function or word in parsed.english.determiners:
        return False
    verb = word.endswith(("ed", "ing")) or word in parsed.english.names["doing"]
    return not verb and not doubts().is_thing(word) and parsed.is_person(i + 1)


def _over_compound(parsed: ParsedText, i: int) -> int:
    """The place behind a compound such as 34-year-old or well-educated, or i."""
    end = i
    while is_hyphen(parsed, end + 1):
        end += 2
    last = parsed.word(end)
    if last in parsed.english.phrases["compounds"] or last.endswith("ed"):
        return end + 1
    return end + 1 if last in parsed.english.modifiers else i


def follows_name(parsed: ParsedText, found: Candidate) -> bool:
    """Whether the candidate is a surname: Mr. Black, Jack White."""
    i = found.start - 1
    names = parsed.english.names
    if parsed.word(i) == "." and parsed.word(i - 1) in names["abbreviations"]:
        return True
    if not parsed.one_space(found.start) or not parsed.is_capitalised(found.start):
        return False
    return parsed.is_capitalised(i) and (
        parsed.word(i) in names["titles"] or parsed.word(i) in parsed.english.first_names
    )


def predicative(parsed: ParsedText, found: Candidate) -> str | None:
    """The form after is, was, 's and the like where the subject is a person: she is Black."""
    if not ends_description(parsed, found.stop):
        return None
    i = _back_to_verb(parsed, found.start - 1)
    if parsed.word(i) == "as":
        named = any(parsed.word(i - k) in parsed.english.phrases["naming"] for k in range(1, 5))
        return "" if named else None
    if parsed.word(i) == "raised":
        return ""
    subject = subject_of(parsed, i)
    if subject is None:
        subject = _asked_subject(parsed, i)
    if subject is None:
        return None
    return "feminine" if _is_feminine(parsed, subject) else ""


def spoken_of(parsed: ParsedText, found: Candidate) -> int | None:
    """The place of the noun or name that a description behind a verb is said of, or None."""
    verb = _back_to_verb(parsed, found.start - 1)
    subject = subject_of(parsed, verb)
    return _asked_subject(parsed, verb) if subject is None else subject


def _asked_subject(parsed: ParsedText, i: int) -> int | None:
    """The subject between verb and description in a question: is the tenant Black?"""
    if not (parsed.is_person(i) or parsed.word(i) in parsed.english.subjects):
        return None
    verb = i - 1
    while parsed.word(verb) in either(parsed.english.determiners, parsed.english.modifiers):
        verb -= 1
    asks = (
        verb <= 0
        or not parsed.is_word(verb - 1)
        or parsed.word(verb - 1) in parsed.english.function
    )
    return i if parsed.word(verb) in ("is", "are", "was", "were", "if") and asks else None


def ends_description(parsed: ParsedText, stop: int) -> bool:
    """Whether the description is over, so that no noun follows it."""
    i = parsed.after(stop)
    if parsed.ends_clause(i) or parsed.word(i).isdigit():
        return True
    if parsed.word(i) == "-" and not parsed.touches(i):
        return True
    return parsed.kind_at(i, *_ADJECTIVES) is not None or parsed.word(i) in ("male", "female")


def _back_to_verb(parsed: ParsedText, i: int) -> int:
    """Left over adverbs, and over what is listed before: she is tall, young and Black."""
    english = parsed.english
    for _ in range(8):
        i = parsed.before(i)
        word = parsed.word(i)
        listed = parsed.word(parsed.after(i + 1)) in english.phrases["joints"]
        if word in english.phrases["joints"] or word in english.adverbs:
            i -= 1
        elif listed and (word in english.modifiers or word == "old"):
            i -= 3 if parsed.word(i - 1) in ("years", "year") else 1
        elif listed and (other := parsed.kind_ending_at(i, *_ADJECTIVES)) is not None:
            i = other.start - 1
        else:
            break
    return i


def subject_of(parsed: ParsedText, verb: int) -> int | None:
    """The place of the person that is the subject of the verb at `verb`, or None."""
    if parsed.word(verb) not in parsed.english.copulas:
        return None
    if parsed.word(verb) == "being" and parsed.word(verb - 1) in (
        "for",
        "of",
        "about",
        "despite",
        "by",
    ):
        return verb
    english = parsed.english
    helpers = either(english.copulas, english.adverbs, english.phrases["helpers"])
    i = verb
    while i >= 0 and (parsed.word(i) in helpers or parsed.is_apostrophe(i)):
        i -= 1
    i = parsed.before(i)
    word = parsed.word(i)
    if word in ("who", "and") or (word == "," and parsed.is_capitalised(i - 1)):
        return i - 2 if parsed.word(i - 1) == "," else i - 1
    if word in parsed.english.subjects or (parsed.is_person(i) and not parsed.touches(i + 1)):
        return i
    if parsed.is_person(i) and parsed.word(i + 2) in parsed.english.copulas:
        return i
    if _is_name(parsed, i):
        return i
    return _first_person(parsed, i)


def _is_name(parsed: ParsedText, i: int) -> bool:
    """Whether the word is a name: a first name of the lists, or capitalised within a sentence."""
    if not parsed.is_capitalised(i) or parsed.word(i) in parsed.english.function:
        return False
    before = parsed.word(i - 1)
    if parsed.word(i) in parsed.english.first_names or before in parsed.english.names["titles"]:
        return True
    if before == ".":
        return parsed.word(i - 2) in parsed.english.names["abbreviations"]
    return parsed.is_word(i - 1) and before not in either(
        parsed.english.determiners, parsed.english.modifiers
    )


def _first_person(parsed: ParsedText, i: int) -> int | None:
    """The first noun of the clause, if it is a person: the man standing over there is Black."""
    start = i
    while start > 0 and parsed.is_word(start - 1) and not parsed.new_line(start) and i - start < 12:
        start -= 1
    skipped = either(parsed.english.determiners, parsed.english.modifiers, _JOINING)
    while start < i and parsed.word(start) in skipped:
        start += 1
    follower = parsed.word(start + 1)
    if start >= i or not parsed.is_person(start):
        return None
    return start if follower in parsed.english.function or follower.endswith("ing") else None


def in_apposition(parsed: ParsedText, found: Candidate) -> bool:
    """Between signs beside a person or an age: an applicant, Black, aged 30; Jamal (Black)."""
    before, after = found.start - 1, parsed.after(found.stop)
    if parsed.word(before) in ("%", "percent"):
        return ends_description(parsed, found.stop) and _has_people(parsed)
    if parsed.word(before) not in (",", "(", "/", "–", "—", ";"):
        return False
    if after < len(parsed) and parsed.word(after) not in (",", ")", "/", ".", ";", "–", "—", "and"):
        return False
    near = before - 2 if parsed.word(before - 1) == ")" else before - 1
    word = parsed.word(near)
    if word.isdigit():
        return 15 < int(word) < 100
    if parsed.word(before) == "(" and parsed.is_capitalised(near):
        return word not in parsed.english.function
    return word in ("old", "yo") or (parsed.is_person(near) and not parsed.new_line(found.start))


def _has_people(parsed: ParsedText) -> bool:
    """Whether the text has a noun for a person."""
    if "people" not in parsed.notes:  # asked for every share
        people = (word for i, word in enumerate(parsed.words) if parsed.is_person(i))
        parsed.notes["people"] = frozenset(islice(people, 1))
    return bool(parsed.notes["people"])


def opens(parsed: ParsedText, found: Candidate) -> bool:
    """At the head of a sentence about people: Black or white, every applicant is welcome."""
    start, i = found.start, found.stop
    while parsed.word(start - 1) in ("or", "and"):
        other = parsed.kind_ending_at(start - 2, *_ADJECTIVES)
        if other is None:
            return False
        start = other.start
    if start > 0 and not parsed.new_line(start) and parsed.word(start - 1) not in (".", "!", "?"):
        return False
    while parsed.word(i) in ("or", "and"):
        next_one = parsed.kind_at(i + 1, *_ADJECTIVES)
        if next_one is None:
            return False
        i = next_one.stop
    if parsed.word(i) != ",":
        return False
    i += 1
    while parsed.word(i) in either(parsed.english.determiners, parsed.english.modifiers):
        i += 1
    return parsed.is_person(i) or parsed.word(i) in parsed.english.subjects


def in_record(parsed: ParsedText, found: Candidate) -> bool:
    """Straight after the name of its field: race: Black; "race": "Black"; | race | Black |."""
    i = parsed.after(found.stop)
    if not parsed.ends_clause(i) and parsed.one_space(i) and parsed.word(i + 1) not in (":", "="):
        return False
    if parsed.word(found.start - 1) in ("/", "or"):
        other = parsed.kind_ending_at(found.start - 2, *_ADJECTIVES)
        return other is not None and parsed.follows_field(other.start)
    return parsed.follows_field(found.start)
