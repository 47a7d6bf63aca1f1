"""Whether a capitalised word is somebody's first or last name, a title belongs to a name, and such.

Names stand as Emily Clark, Emily R. Clark, EMILY CLARK, Clark, Emily and Nguyen Van Minh.
"""

from __future__ import annotations

from leanfair.fairness.lexicon.attribute import Candidate
from leanfair.fairness.lexicon.words import either
from leanfair.fairness.mentions.parsed_text import ParsedText

_NAMES = ("name", "word name")
_BOTH = frozenset({"both"})


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
    if not _goes_with_its_half(parsed, found):
        return False
    if parsed.word(i) in _last_words(parsed) and not _has_surname(parsed, found.stop):
        return False
    if _before_last_name(parsed, i) or _behind_last_name(parsed, found):
        return True
    return not _names_a_place(parsed, found.stop) and _may_open_name(parsed, i, found.stop)


def _last_words(parsed: ParsedText) -> frozenset[str]:
    """Words that stand behind a first name somewhere: Clark, where there is an Emily (R.) Clark."""
    if "last words" not in parsed.notes:
        stops = {
            candidate.stop
            for candidates in parsed.candidates.values()
            for candidate in candidates
            if candidate.kinds.intersection(_NAMES) and parsed.is_capitalised(candidate.start)
        }
        behind = {behind_initial(parsed, i) for i in stops if parsed.one_space(i)}
        ends = {i for i in behind if parsed.is_capitalised(i) and parsed.one_space(i)}
        parsed.notes["last words"] = frozenset(parsed.word(i) for i in ends)
    return parsed.notes["last words"]


def joins_names(parsed: ParsedText, found: Candidate) -> bool:
    """Whether a hyphen joins a name to another capitalised word: Mary-Jane, Garcia-Lopez."""
    return _half_before(parsed, found) or _half_behind(parsed, found)


def _half_before(parsed: ParsedText, found: Candidate) -> bool:
    i = found.start
    joint = parsed.word(i - 1) == "-" and parsed.touches(i) and parsed.touches(i - 1)
    return joint and parsed.is_capitalised(i - 2)


def _half_behind(parsed: ParsedText, found: Candidate) -> bool:
    i = found.stop
    joint = parsed.word(i) == "-" and parsed.touches(i) and parsed.touches(i + 1)
    return joint and parsed.is_capitalised(i + 1)


def _goes_with_its_half(parsed: ParsedText, found: Candidate) -> bool:
    """Whether the other half of a first name with a hyphen is one for the same gender."""
    halves = []
    if _half_before(parsed, found):
        halves.append(parsed.kind_ending_at(found.start - 2, *_NAMES))
    if _half_behind(parsed, found):
        halves.append(parsed.kind_at(found.stop + 1, *_NAMES))
    return all(half is not None and _genders(half) & _genders(found) for half in halves)


def _genders(found: Candidate) -> set[int]:
    return {entry.cell[-1] for entry in found.entries if entry.row.kind in _NAMES}


def suspects(parsed: ParsedText) -> list[Candidate]:
    """Names that stand where they cannot be varied: half of Jean-Paul, Chen of Xiaomu Chen."""
    found = []
    for i, candidates in parsed.candidates.items():
        candidate = candidates[0]
        if not parsed.is_capitalised(i) or parsed.is_person(i - 1):
            continue
        half = candidate.kinds.intersection(_NAMES) and joins_names(parsed, candidate)
        if half or ("surname" in candidate.kinds and _behind_some_name(parsed, candidate)):
            found.append(candidate)
    return found


def _behind_some_name(parsed: ParsedText, found: Candidate) -> bool:
    """Whether what may be an unknown first name stands before: no place, title or the like."""
    i = found.start - 1
    english = parsed.english
    lists = english.function, english.names["titles"], english.names["saints"], english.modifiers
    known = either(*lists)
    named = parsed.is_capitalised(i) and parsed.one_space(found.start)
    return named and parsed.word(i) not in known and not _names_a_place(parsed, found.stop)


def is_word_name(parsed: ParsedText, found: Candidate) -> bool:
    """The same for a name that is also a word: at the head of a sentence only before a verb."""
    i = found.start
    if not is_first_name(parsed, found):
        return False
    names = parsed.english.names
    if is_also_place(parsed, found) and not _is_whole_name(parsed, found):
        return False
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
    if "pronouns" not in parsed.notes:  # asked for every name that is also a word
        pronouns = frozenset({"he", "she", "his", "her", "him", "hers"})
        parsed.notes["pronouns"] = pronouns.intersection(parsed.words)
    return bool(parsed.notes["pronouns"])


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
    if parsed.word(before) == "." and not parsed.new_line(i):
        if parsed.word(before - 1) == "st":
            return False
        initial = len(parsed.word(before - 1)) == 1 and parsed.is_capitalised(before - 1)
        if initial or parsed.word(before - 1) in names["abbreviations"]:
            return _has_surname(parsed, stop)
    if parsed.word(before) in names["saints"] and parsed.is_capitalised(before):
        return not parsed.one_space(i)
    if not (parsed.is_capitalised(before) and parsed.one_space(i)):
        return True
    if parsed.word(before) in either(names["kin"], parsed.english.function, _BOTH):
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
    if parsed.word(before) in names["rulers"]:
        return False
    described = parsed.is_person(before) or parsed.word(before) in parsed.english.determiners
    if described and _has_surname(parsed, stop):
        return True
    return _opens_sentence(parsed, before) and (described or not parsed.is_capitalised(stop))


def _has_surname(parsed: ParsedText, stop: int) -> bool:
    return parsed.is_capitalised(stop) and parsed.one_space(stop)


def is_also_place(parsed: ParsedText, found: Candidate) -> bool:
    """Whether the name, or one that it is varied with, is a place or a thing as well."""
    places = parsed.english.names["also places"]
    return any(
        term.lower() in places
        for entry in found.entries
        if entry.row.kind == "word name"
        for forms in entry.row.cells.values()
        for term in forms.values()
    )


def _is_whole_name(parsed: ParsedText, found: Candidate) -> bool:
    """Whether a surname follows a name that is also a place: Austin Miller, not Austin, Texas."""
    place = parsed.word(found.start - 1) in ("in", "from", "to", "at", "near", "of")
    if parsed.follows_field(found.start):
        return True
    return not place and _has_surname(parsed, behind_initial(parsed, found.stop))


def is_surname(parsed: ParsedText, found: Candidate) -> bool:
    """Whether a surname stands with a first name: behind it, or before it as in Clark, Emily."""
    if not parsed.is_capitalised(found.start):
        return False
    if is_behind_title(parsed, found):
        return True
    first = _first_before(parsed, found.start)
    if first is not None and is_first_name(parsed, first):
        return True
    return any(
        _before_last_name(parsed, i) == found.start or _behind_last_name(parsed, first) is found
        for i in range(found.stop, min(found.stop + 4, len(parsed)))
        if (first := parsed.kind_at(i, *_NAMES)) is not None
    )


def is_behind_title(parsed: ParsedText, found: Candidate) -> bool:
    """Whether a title for a gender stands before: Ms. Washington."""
    i = found.start - 1
    i -= parsed.word(i) == "."
    title = parsed.kind_ending_at(found.start - 1, "title", "married title")
    return (title is not None or parsed.word(i) in ("mr", "mrs", "ms", "mx", "miss")) and (
        not parsed.new_line(found.start)
    )


def _first_before(parsed: ParsedText, i: int) -> Candidate | None:
    """The first name before the surname at i, an initial or the first part of the surname between:
    Emily R. Clark, Emily Garcia-Lopez."""
    before = i - 1
    if parsed.word(before) == "-" and parsed.touches(i) and parsed.touches(before):
        before -= 1
        if (first := parsed.kind_ending_at(before - 1, *_NAMES)) is not None:
            return first if parsed.one_space(before) else None
        return None
    if not parsed.one_space(i):
        return None
    if parsed.word(before) == ".":
        before -= 1
    if len(parsed.word(before)) == 1 and parsed.one_space(before):
        before -= 1
    return parsed.kind_ending_at(before, *_NAMES)


def behind_initial(parsed: ParsedText, i: int) -> int:
    """The place behind an initial that stands at i: R. or R; else i."""
    if len(parsed.word(i)) == 1 and parsed.is_capitalised(i) and parsed.one_space(i):
        return i + 2 if parsed.word(i + 1) == "." else i + 1
    return i


def _before_last_name(parsed: ParsedText, i: int) -> int | None:
    """Where the surname begins of a first name at i in Clark, Emily: it opens its line or field."""
    if parsed.word(i - 1) != ",":
        return None
    last = _surname_ending_at(parsed, i - 2)
    start = i - 2 if last is None else last.start
    opens = parsed.new_line(start) or parsed.follows_field(start)
    if not opens or not parsed.is_capitalised(start):
        return None
    stop = behind_initial(parsed, i + 1)
    ends = stop >= len(parsed) or parsed.new_line(stop) or parsed.word(stop) in ("|", ";", '"')
    return start if ends else None


def _surname_ending_at(parsed: ParsedText, i: int) -> Candidate | None:
    """The longest surname whose last word is at i: De La Cruz, not Cruz."""
    for start in range(max(i - 3, 0), i + 1):
        for candidate in parsed.candidates.get(start, ()):
            if candidate.stop == i + 1 and "surname" in candidate.kinds:
                return candidate
    return None


def _behind_last_name(parsed: ParsedText, found: Candidate) -> Candidate | None:
    """The surname before a first name that closes a run of capitals, as in Nguyen Van Minh."""
    i = found.start
    if parsed.is_capitalised(found.stop) and parsed.one_space(found.stop):
        return None
    for _ in range(2):
        if not (parsed.one_space(i) and parsed.is_capitalised(i - 1)):
            return None
        last = _surname_ending_at(parsed, i - 1)
        if last is not None:
            alone = parsed.kind_ending_at(last.start - 1, *_NAMES) is None
            return last if alone and parsed.one_space(i) else None
        i -= 1
    return None


def is_title(parsed: ParsedText, found: Candidate) -> bool:
    """Whether a title stands before a name: Mr. Smith, Mr. and Mrs. Smith, MR SMITH."""
    if not parsed.is_capitalised(found.start):
        return False
    i = found.stop
    if parsed.word(i) in ("and", "&", "or", "/"):
        return parsed.kind_at(i + 1, "title", "married title") is not None
    if parsed.word(found.start - 1) == "/":
        return True
    return parsed.is_capitalised(i) and (
        parsed.one_space(i) or parsed.text[parsed.tokens.starts[i] - 1] == "."
    )


def is_married(parsed: ParsedText) -> bool:
    """Whether the text speaks of a marriage, or of Mr. and Mrs. together."""
    if "marriage" not in parsed.notes:  # asked for every title
        parsed.notes["marriage"] = _words_of_marriage(parsed)
    return bool(parsed.notes["marriage"])


def _words_of_marriage(parsed: ParsedText) -> frozenset[str]:
    return (parsed.english.names["marital"] & {*parsed.words}) or frozenset(
        word
        for i, word in enumerate(parsed.words)
        if word in ("and", "&", "/") and _is_couple(parsed, i)
    )


def _is_couple(parsed: ParsedText, i: int) -> bool:
    before = parsed.kind_ending_at(i - 1, "title", "married title")
    return before is not None and parsed.kind_at(i + 1, "title", "married title") is not None
