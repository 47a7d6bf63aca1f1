"""Whether an adjective is said of a person: a Black man, she is Black, race: Black, Jamal (Black).

Colours are the reason for this: of "black" and "white" only what is said of people may change, and
what is asked for black is asked for every other value, or the variations could not be told back.
"""

from __future__ import annotations

from leanfair.fairness.lexicon.attribute import Candidate
from leanfair.fairness.mentions.parsed_text import Scene

_ADJECTIVES = ("adjective", "attributive", "word", "predicate")


def is_hyphen(scene: Scene, i: int) -> bool:
    """Whether the token at i is a hyphen with something close on both sides."""
    return scene.word(i) in ("-", "‐", "‑") and scene.touches(i) and scene.touches(i + 1)


def attributive(scene: Scene, found: Candidate) -> str | None:
    """The form before a noun for people, other description between: a Black software engineer."""
    if follows_name(scene, found):
        return None
    i = scene.after(found.stop)
    if is_hyphen(scene, i):
        if scene.word(i + 1) in ("owned", "led", "run", "dominated"):
            return ""
        i += 2
    head = _head(scene, i)
    if head is None:
        return None
    return "feminine" if _is_feminine(scene, head) else ""


def names_person(scene: Scene, i: int) -> bool:
    """Whether a noun for people begins at i, description before it at most."""
    return _head(scene, i) is not None


def _head(scene: Scene, i: int) -> int | None:
    """The place of the noun for people that the description from i on belongs to."""
    for _ in range(6):
        if scene.is_head(i) or (scene.word(i) in ("one", "ones") and _spoke_of_people(scene, i)):
            return i
        step = _over_description(scene, i)
        if step == i:
            return None
        i = scene.after(step)
    return None


def _is_feminine(scene: Scene, i: int) -> bool:
    return scene.word(i) in scene.english.phrases["feminine"]


def _spoke_of_people(scene: Scene, i: int) -> bool:
    """Whether such an adjective was said of people before: Black voters, white ones."""
    return any(
        place < i and scene.is_person(found[0].stop) and found[0].kinds.intersection(_ADJECTIVES)
        for place, found in scene.candidates.items()
    )


def _over_description(scene: Scene, i: int) -> int:
    """The place behind one describing word or joint at i, or i where there is none."""
    if scene.new_line(i) and scene.paragraph_ends(i):
        return i
    other = scene.kind_at(i, *_ADJECTIVES)
    if other is not None:
        return other.stop
    if scene.word(i) in scene.english.phrases["joints"]:
        return i + 1
    if is_hyphen(scene, i + 1):
        return _over_compound(scene, i)
    counted = scene.word(i).isdigit() and scene.word(i - 1) in scene.english.phrases["joints"]
    return i + 1 if counted or scene.word(i) in scene.english.modifiers else i


def _over_compound(scene: Scene, i: int) -> int:
    """The place behind a compound such as 34-year-old or well-educated, or i."""
    end = i
    while is_hyphen(scene, end + 1):
        end += 2
    last = scene.word(end)
    if last in scene.english.phrases["compounds"] or last.endswith("ed"):
        return end + 1
    return end + 1 if last in scene.english.modifiers else i


def follows_name(scene: Scene, found: Candidate) -> bool:
    """Whether the candidate is a surname: Mr. Black, Jack White."""
    i = found.start - 1
    names = scene.english.names
    if scene.word(i) == "." and scene.word(i - 1) in names["abbreviations"]:
        return True
    if not scene.one_space(found.start) or not scene.is_capitalised(found.start):
        return False
    return scene.is_capitalised(i) and (
        scene.word(i) in names["titles"] or scene.word(i) in scene.english.first_names
    )


def predicative(scene: Scene, found: Candidate) -> str | None:
    """The form after is, was, 's and the like where the subject is a person: she is Black."""
    if not ends_description(scene, found.stop):
        return None
    i = _back_to_verb(scene, found.start - 1)
    if scene.word(i) == "as":
        named = any(scene.word(i - k) in scene.english.phrases["naming"] for k in range(1, 5))
        return "" if named else None
    if scene.word(i) == "raised":
        return ""
    subject = subject_of(scene, i)
    if subject is None:
        subject = _asked_subject(scene, i)
    if subject is None:
        return None
    return "feminine" if _is_feminine(scene, subject) else ""


def _asked_subject(scene: Scene, i: int) -> int | None:
    """The subject between verb and description in a question: is the tenant Black?"""
    if not (scene.is_person(i) or scene.word(i) in scene.english.subjects):
        return None
    verb = i - 1
    while scene.word(verb) in scene.english.determiners | scene.english.modifiers:
        verb -= 1
    asks = (
        verb <= 0 or not scene.is_word(verb - 1) or scene.word(verb - 1) in scene.english.function
    )
    return i if scene.word(verb) in ("is", "are", "was", "were", "if") and asks else None


def ends_description(scene: Scene, stop: int) -> bool:
    """Whether the description is over, so that no noun follows it."""
    i = scene.after(stop)
    if scene.ends_clause(i) or scene.word(i).isdigit():
        return True
    if scene.word(i) == "-" and not scene.touches(i):
        return True
    return scene.kind_at(i, *_ADJECTIVES) is not None or scene.word(i) in ("male", "female")


def _back_to_verb(scene: Scene, i: int) -> int:
    """Left over adverbs, and over what is listed before: she is tall, young and Black."""
    english = scene.english
    for _ in range(8):
        i = scene.before(i)
        word = scene.word(i)
        listed = scene.word(scene.after(i + 1)) in english.phrases["joints"]
        if word in english.phrases["joints"] or word in english.adverbs:
            i -= 1
        elif listed and (word in english.modifiers or word == "old"):
            i -= 3 if scene.word(i - 1) in ("years", "year") else 1
        elif listed and (other := scene.kind_ending_at(i, *_ADJECTIVES)) is not None:
            i = other.start - 1
        else:
            break
    return i


def subject_of(scene: Scene, verb: int) -> int | None:
    """The place of the person that is the subject of the verb at `verb`, or None."""
    if scene.word(verb) not in scene.english.copulas:
        return None
    if scene.word(verb) == "being" and scene.word(verb - 1) in (
        "for",
        "of",
        "about",
        "despite",
        "by",
    ):
        return verb
    helpers = scene.english.copulas | scene.english.adverbs | scene.english.phrases["helpers"]
    i = verb
    while i >= 0 and (scene.word(i) in helpers or scene.is_apostrophe(i)):
        i -= 1
    i = scene.before(i)
    word = scene.word(i)
    if word in ("who", "and") or (word == "," and scene.is_capitalised(i - 1)):
        return i - 2 if scene.word(i - 1) == "," else i - 1
    if word in scene.english.subjects or (scene.is_person(i) and not scene.touches(i + 1)):
        return i
    if scene.is_person(i) and scene.word(i + 2) in scene.english.copulas:
        return i
    if _is_name(scene, i):
        return i
    return _first_person(scene, i)


def _is_name(scene: Scene, i: int) -> bool:
    """Whether the word is a name: a first name of the lists, or capitalised within a sentence."""
    if not scene.is_capitalised(i) or scene.word(i) in scene.english.function:
        return False
    before = scene.word(i - 1)
    if scene.word(i) in scene.english.first_names or before in scene.english.names["titles"]:
        return True
    if before == ".":
        return scene.word(i - 2) in scene.english.names["abbreviations"]
    return (
        scene.is_word(i - 1) and before not in scene.english.determiners | scene.english.modifiers
    )


def _first_person(scene: Scene, i: int) -> int | None:
    """The first noun of the clause, if it is a person: the man standing over there is Black."""
    start = i
    while start > 0 and scene.is_word(start - 1) and not scene.new_line(start) and i - start < 12:
        start -= 1
    skipped = scene.english.determiners | scene.english.modifiers | {"and", "but", "because", "if"}
    while start < i and scene.word(start) in skipped:
        start += 1
    follower = scene.word(start + 1)
    if start >= i or not scene.is_person(start):
        return None
    return start if follower in scene.english.function or follower.endswith("ing") else None


def in_apposition(scene: Scene, found: Candidate) -> bool:
    """Between signs beside a person or an age: an applicant, Black, aged 30; Jamal (Black)."""
    before, after = found.start - 1, scene.after(found.stop)
    if scene.word(before) in ("%", "percent"):
        return ends_description(scene, found.stop) and any(map(scene.is_person, range(len(scene))))
    if scene.word(before) not in (",", "(", "/", "–", "—", ";"):
        return False
    if after < len(scene) and scene.word(after) not in (",", ")", "/", ".", ";", "–", "—", "and"):
        return False
    near = before - 2 if scene.word(before - 1) == ")" else before - 1
    word = scene.word(near)
    if word.isdigit():
        return 15 < int(word) < 100
    if scene.word(before) == "(" and scene.is_capitalised(near):
        return word not in scene.english.function
    return word in ("old", "yo") or (scene.is_person(near) and not scene.new_line(found.start))


def opens(scene: Scene, found: Candidate) -> bool:
    """At the head of a sentence about people: Black or white, every applicant is welcome."""
    start, i = found.start, found.stop
    while scene.word(start - 1) in ("or", "and"):
        other = scene.kind_ending_at(start - 2, *_ADJECTIVES)
        if other is None:
            return False
        start = other.start
    if start > 0 and not scene.new_line(start) and scene.word(start - 1) not in (".", "!", "?"):
        return False
    while scene.word(i) in ("or", "and"):
        next_one = scene.kind_at(i + 1, *_ADJECTIVES)
        if next_one is None:
            return False
        i = next_one.stop
    if scene.word(i) != ",":
        return False
    i += 1
    while scene.word(i) in scene.english.determiners | scene.english.modifiers:
        i += 1
    return scene.is_person(i) or scene.word(i) in scene.english.subjects


def in_record(scene: Scene, found: Candidate) -> bool:
    """Straight after the name of its field: race: Black; "race": "Black"; | race | Black |."""
    i = scene.after(found.stop)
    if not scene.ends_clause(i) and scene.one_space(i) and scene.word(i + 1) not in (":", "="):
        return False
    if scene.word(found.start - 1) in ("/", "or"):
        other = scene.kind_ending_at(found.start - 2, *_ADJECTIVES)
        return other is not None and scene.follows_field(other.start)
    return scene.follows_field(found.start)
