"""Whether a capitalised word is somebody's first name, a title belongs to a name, and the like."""

from __future__ import annotations

from leanfair.fairness.lexicon.attribute import Candidate
from leanfair.fairness.mentions.parsed_text import ParsedText

_NAMES = ("name", "word name")


def is_first_name(parsed: ParsedText, found: Candidate) -> bool:
    """Whether a name of the lists is a first name where it stands.

    Not after a determiner, not as the last of a run of capitals (LeBron James), not in the name of
    a place or a firm (James Street).
    """
    i = found.start
    if not parsed.is_capitalised(i):
        return False
    if parsed.word(i - 1) in parsed.english.names["articles"] and parsed.one_space(i):
        return False
    return not _names_a_place(parsed, found.stop) and _may_open_name(parsed, i, found.stop)


def is_word_name(parsed: ParsedText, found: Candidate) -> bool:
    """The same for a name that is also a word: at the head of a sentence only before a verb."""
    i = found.start
    if not is_first_name(parsed, found):
        return False
    names = parsed.english.names
    if _opens_sentence(parsed, i):
        if parsed.one_space(found.stop) and parsed.is_capitalised(found.stop):
            return parsed.word(found.stop) not in parsed.english.function
        verb = parsed.word(found.stop)
        if verb in names["being"]:
            return _has_pronoun(parsed)
        return verb in names["doing"] or (verb.endswith("ed") and verb not in ("need", "used"))
    return parsed.word(i - 1) not in ("of", "in", "at", "near")


def _has_pronoun(parsed: ParsedText) -> bool:
    """Whether the text has he, she, his or her: then "Grace is" speaks of somebody."""
    return not {"he", "she", "his", "her", "him", "hers"}.isdisjoint(parsed.words)


def _opens_sentence(parsed: ParsedText, i: int) -> bool:
    before = parsed.before(i - 1)
    return before < 0 or parsed.word(before) in {".", "!", "?", ":", "|", "-"} or parsed.new_line(i)


def _names_a_place(parsed: ParsedText, i: int) -> bool:
    """Whether the run of capitals from i on ends in a word such as Street or University."""
    while parsed.is_capitalised(i) and parsed.one_space(i):
        if parsed.word(i) in parsed.english.names["places"]:
            return True
        i += 1
    return False


def _may_open_name(parsed: ParsedText, i: int, stop: int) -> bool:
    """Whether what stands before leaves room for a first name."""
    before = i - 1
    names = parsed.english.names
    if parsed.word(before) == "." and parsed.word(before - 1) == "st":
        return False
    if parsed.word(before) == "." and parsed.word(before - 1) in names["abbreviations"]:
        return _has_surname(parsed, stop)
    if not (parsed.is_capitalised(before) and parsed.one_space(i)):
        return True
    if parsed.word(before) in names["kin"] | parsed.english.function:
        return True
    if parsed.word(before) in names["titles"]:
        return _has_surname(parsed, stop) or parsed.word(before) in (
            "nurse",
            "detective",
            "officer",
        )
    if (
        parsed.kind_ending_at(before, *_NAMES) is not None
        or parsed.word(before) in parsed.english.first_names
    ):
        return _has_surname(parsed, stop)
    described = parsed.is_person(before) or parsed.word(before) in parsed.english.determiners
    return _opens_sentence(parsed, before) and (described or not parsed.is_capitalised(stop))


def _has_surname(parsed: ParsedText, stop: int) -> bool:
    return parsed.is_capitalised(stop) and parsed.one_space(stop)


def is_title(parsed: ParsedText, found: Candidate) -> bool:
    """Whether a title stands before a name: Mr. Smith, Mr. and Mrs. Smith, MR SMITH."""
    if not parsed.is_capitalised(found.start):
        return False
    i = found.stop
    if parsed.word(i) in ("and", "&", "or"):
        return parsed.kind_at(i + 1, "title", "married title") is not None
    if parsed.word(i) == "/":
        return parsed.kind_at(i + 1, "title", "married title") is not None
    if parsed.word(found.start - 1) == "/":
        return True
    return parsed.is_capitalised(i) and (
        parsed.one_space(i) or parsed.text[parsed.tokens[i].start - 1] == "."
    )


def is_married(parsed: ParsedText) -> bool:
    """Whether the text speaks of a marriage, or of Mr. and Mrs. together."""
    if not parsed.english.names["marital"].isdisjoint(parsed.words):
        return True
    return any(
        _is_couple(parsed, i) for i, word in enumerate(parsed.words) if word in ("and", "&", "/")
    )


def _is_couple(parsed: ParsedText, i: int) -> bool:
    before = parsed.kind_ending_at(i - 1, "title", "married title")
    return before is not None and parsed.kind_at(i + 1, "title", "married title") is not None
