"""Telling apart the three jobs of him, her, his and hers.

Between the two sets {him, his} and {her, hers} there are only two ways to pair off: his with her,
or else him with her and his with hers. The first is right before a noun ("his book"), the second
everywhere else ("saw him", "it is his"). So one question decides all four words, and because it
is asked of the words around them it has the same answer in every variation. Where the writer's
word does not fit the answer (him before a noun), the item is left alone.
"""

from __future__ import annotations

import re

from leanfair.fairness.mentions.parsed_text import ParsedText

_ADVERB_ENDINGS = ("ly", "wards", "wise")
_STATE_ENDINGS = ("ful", "less", "ous", "able", "ible")
_OPENING = frozenset("\"“‘'*_([")
_TIME_UNITS = frozenset(
    ["night", "week", "weekend", "month", "year", "summer", "winter", "spring", "fall", "time"]
).union(["day", "morning", "evening", "afternoon", "hour", "minute"])
_INTENSE = frozenset(["very", "so", "too", "more", "less", "quite", "rather", "even"])
_OVER_TIME = frozenset(["in", "during", "of", "about", "throughout", "since", "until"])
_OBJECT_OPENERS = frozenset(
    ["a", "an", "the", "this", "that", "these", "those", "my", "your", "it"]
)


def is_before_noun(parsed: ParsedText, i: int) -> bool:
    """Whether the pronoun at i stands before what is his or hers."""
    after = _thing(parsed, i)
    if after is None:
        return False
    word, verb = parsed.word(after), parsed.word(i - 1)
    if _opens_clause(parsed, i):
        return True
    if word in parsed.english.pronouns["degrees"]:
        return _owns_by_degree(parsed, verb, after)
    if word in ("back", "home") and _closes(parsed, after + 1):
        return verb in parsed.english.pronouns[f"having_{word}"]
    return not _takes_object(parsed, verb, after) and not _is_adverb(parsed, after)


def _opens_clause(parsed: ParsedText, i: int) -> bool:
    """At the head of a clause an object cannot stand: because her back ached."""
    if i == 0 or parsed.new_line(i) or parsed.word(i - 1) in (".", "!", "?", ":", ";"):
        return True
    return parsed.word(i - 1) in parsed.english.pronouns["opening"] - {"and", "but", "or"}


def _owns_by_degree(parsed: ParsedText, verb: str, after: int) -> bool:
    """her only child, his most recent work; but: likes him more, made her very happy"""
    lists = parsed.english.pronouns
    if verb in lists["giving"] or parsed.ends_clause(after + 1):
        return False
    if verb in lists["finding"] and parsed.word(after) in _INTENSE:
        return False
    follower = parsed.word(after + 1)
    return not follower.endswith("ly") and follower not in _TIME_UNITS


def _closes(parsed: ParsedText, i: int) -> bool:
    """Whether the clause is over at i, but for a time: every day."""
    return parsed.ends_clause(i) or parsed.word(i) in parsed.english.pronouns["times"]


def _takes_object(parsed: ParsedText, verb: str, after: int) -> bool:
    """Whether the verb before makes the pronoun its object although a word of substance follows."""
    lists, word = parsed.english.pronouns, parsed.word(after)
    closes = parsed.ends_clause(after + 1)
    if _is_given(parsed, verb, word, after) or _is_done(parsed, verb, after):
        return True
    if verb in lists["finding"] and _is_state(parsed, after):
        return True
    if closes and word in lists["only_states"]:
        return True
    if verb in lists["appointing"] and word in lists["roles"]:
        return True
    if verb in lists["naming"] and parsed.is_capitalised(after):
        return True
    if word.endswith("ing") and verb in lists["seeing"] and word not in lists["things"]:
        return True
    passive = (word.endswith("ed") and word not in lists["things"]) or word in lists["participles"]
    return passive and verb in lists["wanting"] and closes


def _is_adverb(parsed: ParsedText, after: int) -> bool:
    """loved her deeply, saw him Monday, called her last night; but: her daily routine"""
    lists, word = parsed.english.pronouns, parsed.word(after)
    closes = parsed.ends_clause(after + 1)
    if word in lists["times"]:
        if parsed.word(after - 2) in _OVER_TIME or parsed.word(after + 2) == "of":
            return False
        return closes or parsed.word(after + 1) in _TIME_UNITS
    return word.endswith(_ADVERB_ENDINGS) and word not in lists["prenominal"] and closes


def _thing(parsed: ParsedText, i: int) -> int | None:
    """Where the thing owned would stand, or None where a small word or a sign follows."""
    after = i + 1
    while parsed.word(after) in ("*", "_") and parsed.touches(after):
        after += 1
    if parsed.word(after) in ("and", "or", "/", "&") and _is_pronoun(parsed, after + 1):
        return None if _same_person(parsed, i, after + 1) else _thing(parsed, after + 1)
    if parsed.word(i - 1) in ("of", "but") and _is_verb(parsed, after):
        return None
    if parsed.word(after) == "(" or parsed.word(after) in ("'s", "own"):
        return after if parsed.word(after) == "own" else None
    while parsed.word(after) in _OPENING and parsed.one_space(after) and parsed.touches(after + 1):
        after += 1
    if after >= len(parsed) or (parsed.new_line(after) and parsed.paragraph_ends(after)):
        return None
    word = parsed.word(after)
    if word == "$":
        return None if parsed.word(i - 1) in parsed.english.pronouns["counting"] else after
    if not parsed.tokens.texts[after][0].isalnum() or word in parsed.english.function:
        return None
    return after


def _is_pronoun(parsed: ParsedText, i: int) -> bool:
    return parsed.word(i) in ("him", "her", "his", "hers", "their", "theirs", "them", "my", "your")


def _same_person(parsed: ParsedText, i: int, other: int) -> bool:
    """Whether two pronouns have one gender: him and his boss, but not: his or her name."""
    first = parsed.kind_at(i, "object", "possessive", "owned")
    second = parsed.kind_at(other, "object", "possessive", "owned")
    if first is None or second is None:
        return False
    return first.entries[0].cell == second.entries[0].cell


def _is_verb(parsed: ParsedText, i: int) -> bool:
    """a friend of his called the office"""
    word, follower = parsed.word(i), parsed.word(i + 1)
    said = word.endswith("ed") or word in parsed.english.names["doing"]
    return said and (parsed.ends_clause(i + 1) or follower in parsed.english.determiners)


def _is_given(parsed: ParsedText, verb: str, word: str, after: int) -> bool:
    """gave her money, owes her 50 dollars, told her funny stories"""
    lists = parsed.english.pronouns
    if verb in lists["counting"] and (word.isdigit() or word in parsed.english.determiners):
        return True
    if verb not in lists["giving"]:
        return False
    if word in lists["given"] and parsed.ends_clause(after + 1):
        return True
    return _over_adjective(parsed, after) or (
        verb in lists["handing"] and _are_things(parsed, after)
    )


def _are_things(parsed: ParsedText, i: int) -> bool:
    """Whether a plural of things closes the phrase: fresh ideas, but not: old friends."""
    last = i if parsed.ends_clause(i + 1) else i + 1
    word = parsed.word(last)
    return word.endswith("s") and parsed.ends_clause(last + 1) and not parsed.is_person(last)


def _over_adjective(parsed: ParsedText, after: int) -> bool:
    """told her funny stories"""
    lists = parsed.english.pronouns
    return parsed.word(after + 1) in lists["given"] and parsed.ends_clause(after + 2)


def _is_done(parsed: ParsedText, verb: str, after: int) -> bool:
    """let her go, made her cry, watched her dance, helped him identify the errors"""
    lists, word = parsed.english.pronouns, parsed.word(after)
    if verb not in lists["letting"]:
        return False
    if word in lists["doing"] or parsed.word(after + 1) in ("it", "them"):
        return True
    if re.match(r"let|mak|made|help|watch", verb) is None:
        return False
    return word in lists["doing_or_thing"] or parsed.word(after + 1) in _OBJECT_OPENERS


def _is_state(parsed: ParsedText, i: int) -> bool:
    """made her happy, found him sexually attractive; but: made her happy ending"""
    word, lists = parsed.word(i), parsed.english.pronouns
    if word.endswith("ly") and word not in lists["prenominal"]:
        return _is_state(parsed, i + 1)
    state = word in lists["states"] or word.endswith(_STATE_ENDINGS)
    return state and parsed.ends_clause(i + 1)
