"""Telling apart the three jobs of him, her, his and hers.

Between the two sets {him, his} and {her, hers} there are only two ways to pair off: his with her,
or else him with her and his with hers. The first is right before a noun ("his book"), the second
everywhere else ("saw him", "it is his"). So one question decides all four words, and because it
is asked of the words around them it has the same answer in every variation. Where the writer's
word does not fit the answer (him before a noun), the item is left alone.
"""

from __future__ import annotations

import re

from leanfair.fairness.mentions.parsed_text import Scene

_ADVERB_ENDINGS = ("ly", "wards", "wise")
_STATE_ENDINGS = ("ful", "less", "ous", "able", "ible")
_OPENING = frozenset("\"“‘'*_(")
_TIME_UNITS = frozenset(
    ["night", "week", "weekend", "month", "year", "summer", "winter", "spring", "fall", "time"]
).union(["day", "morning", "evening", "afternoon", "hour", "minute"])
_INTENSE = frozenset(["very", "so", "too", "more", "less", "quite", "rather", "even"])
_OVER_TIME = frozenset(["in", "during", "of", "about", "throughout", "since", "until"])
_OBJECT_OPENERS = frozenset(
    ["a", "an", "the", "this", "that", "these", "those", "my", "your", "it"]
)


def is_before_noun(scene: Scene, i: int) -> bool:
    """Whether the pronoun at i stands before what is his or hers."""
    after = _thing(scene, i)
    if after is None:
        return False
    word, verb = scene.word(after), scene.word(i - 1)
    if _opens_clause(scene, i):
        return True
    if word in scene.english.pronouns["degrees"]:
        return _owns_by_degree(scene, verb, after)
    if word in ("back", "home") and _closes(scene, after + 1):
        return verb in scene.english.pronouns[f"having_{word}"]
    return not _takes_object(scene, verb, after) and not _is_adverb(scene, after)


def _opens_clause(scene: Scene, i: int) -> bool:
    """At the head of a clause an object cannot stand: because her back ached."""
    if i == 0 or scene.new_line(i) or scene.word(i - 1) in (".", "!", "?", ":", ";"):
        return True
    return scene.word(i - 1) in scene.english.pronouns["opening"] - {"and", "but", "or"}


def _owns_by_degree(scene: Scene, verb: str, after: int) -> bool:
    """her only child, his most recent work; but: likes him more, made her very happy"""
    lists = scene.english.pronouns
    if verb in lists["giving"] or scene.ends_clause(after + 1):
        return False
    if verb in lists["finding"] and scene.word(after) in _INTENSE:
        return False
    follower = scene.word(after + 1)
    return not follower.endswith("ly") and follower not in _TIME_UNITS


def _closes(scene: Scene, i: int) -> bool:
    """Whether the clause is over at i, but for a time: every day."""
    return scene.ends_clause(i) or scene.word(i) in scene.english.pronouns["times"]


def _takes_object(scene: Scene, verb: str, after: int) -> bool:
    """Whether the verb before makes the pronoun its object although a word of substance follows."""
    lists, word = scene.english.pronouns, scene.word(after)
    closes = scene.ends_clause(after + 1)
    if _is_given(scene, verb, word, after) or _is_done(scene, verb, after):
        return True
    if verb in lists["finding"] and _is_state(scene, after):
        return True
    if closes and word in lists["only_states"]:
        return True
    if verb in lists["appointing"] and word in lists["roles"]:
        return True
    if verb in lists["naming"] and scene.is_capitalised(after):
        return True
    if word.endswith("ing") and verb in lists["seeing"] and word not in lists["things"]:
        return True
    passive = (word.endswith("ed") and word not in lists["things"]) or word in lists["participles"]
    return passive and verb in lists["wanting"] and closes


def _is_adverb(scene: Scene, after: int) -> bool:
    """loved her deeply, saw him Monday, called her last night; but: her daily routine"""
    lists, word = scene.english.pronouns, scene.word(after)
    closes = scene.ends_clause(after + 1)
    if word in lists["times"]:
        if scene.word(after - 2) in _OVER_TIME or scene.word(after + 2) == "of":
            return False
        return closes or scene.word(after + 1) in _TIME_UNITS
    return word.endswith(_ADVERB_ENDINGS) and word not in lists["prenominal"] and closes


def _thing(scene: Scene, i: int) -> int | None:
    """Where the thing owned would stand, or None where a small word or a sign follows."""
    after = i + 1
    while scene.word(after) in ("*", "_") and scene.touches(after):
        after += 1
    if scene.word(after) in ("and", "or", "/", "&") and _is_pronoun(scene, after + 1):
        return None if _same_person(scene, i, after + 1) else _thing(scene, after + 1)
    if scene.word(i - 1) in ("of", "but") and _is_verb(scene, after):
        return None
    if scene.word(after) == "(" or scene.word(after) in ("'s", "own"):
        return after if scene.word(after) == "own" else None
    while scene.word(after) in _OPENING and scene.one_space(after) and scene.touches(after + 1):
        after += 1
    if after >= len(scene) or (scene.new_line(after) and scene.paragraph_ends(after)):
        return None
    word = scene.word(after)
    if word == "$":
        return None if scene.word(i - 1) in scene.english.pronouns["counting"] else after
    if not scene.tokens[after].text[0].isalnum() or word in scene.english.function:
        return None
    return after


def _is_pronoun(scene: Scene, i: int) -> bool:
    return scene.word(i) in ("him", "her", "his", "hers", "their", "theirs", "them", "my", "your")


def _same_person(scene: Scene, i: int, other: int) -> bool:
    """Whether two pronouns have one gender: him and his boss, but not: his or her name."""
    first = scene.kind_at(i, "object", "possessive", "owned")
    second = scene.kind_at(other, "object", "possessive", "owned")
    if first is None or second is None:
        return False
    return first.entries[0].cell == second.entries[0].cell


def _is_verb(scene: Scene, i: int) -> bool:
    """a friend of his called the office"""
    word, follower = scene.word(i), scene.word(i + 1)
    said = word.endswith("ed") or word in scene.english.names["doing"]
    return said and (scene.ends_clause(i + 1) or follower in scene.english.determiners)


def _is_given(scene: Scene, verb: str, word: str, after: int) -> bool:
    """gave her money, owes her 50 dollars, told her funny stories"""
    lists = scene.english.pronouns
    if verb in lists["counting"] and (word.isdigit() or word in scene.english.determiners):
        return True
    if verb not in lists["giving"]:
        return False
    if word in lists["given"] and scene.ends_clause(after + 1):
        return True
    return _over_adjective(scene, after) or (verb in lists["handing"] and _are_things(scene, after))


def _are_things(scene: Scene, i: int) -> bool:
    """Whether a plural of things closes the phrase: fresh ideas, but not: old friends."""
    last = i if scene.ends_clause(i + 1) else i + 1
    word = scene.word(last)
    return word.endswith("s") and scene.ends_clause(last + 1) and not scene.is_person(last)


def _over_adjective(scene: Scene, after: int) -> bool:
    """told her funny stories"""
    lists = scene.english.pronouns
    return scene.word(after + 1) in lists["given"] and scene.ends_clause(after + 2)


def _is_done(scene: Scene, verb: str, after: int) -> bool:
    """let her go, made her cry, watched her dance, helped him identify the errors"""
    lists, word = scene.english.pronouns, scene.word(after)
    if verb not in lists["letting"]:
        return False
    if word in lists["doing"] or scene.word(after + 1) in ("it", "them"):
        return True
    if re.match(r"let|mak|made|help|watch", verb) is None:
        return False
    return word in lists["doing_or_thing"] or scene.word(after + 1) in _OBJECT_OPENERS


def _is_state(scene: Scene, i: int) -> bool:
    """made her happy, found him sexually attractive; but: made her happy ending"""
    word, lists = scene.word(i), scene.english.pronouns
    if word.endswith("ly") and word not in lists["prenominal"]:
        return _is_state(scene, i + 1)
    state = word in lists["states"] or word.endswith(_STATE_ENDINGS)
    return state and scene.ends_clause(i + 1)
