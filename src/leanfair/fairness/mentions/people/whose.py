"""Whether a value is said of somebody else than the person whom a text is about.

Somebody else are those whom a text greets (Dear Sir), whoever is owned by somebody (whose husband,
the nurse's son, her Black manager), those whom a text names by what they did for another (born to
Hispanic parents, interviewed by a white man), and, beside an applicant or the like, whoever decides
or stands by (the landlord, who is white). A value follows the noun that it is said of: her mother
is Black; his boss, a white man.
"""

from __future__ import annotations

from leanfair.fairness.lexicon.attribute import NAMES, Candidate, Entry
from leanfair.fairness.lexicon.doubts import doubts
from leanfair.fairness.lexicon.words import either
from leanfair.fairness.mentions.adjectives import head_of, spoken_of
from leanfair.fairness.mentions.parsed_text import ParsedText

_OWNERS = frozenset({"my", "your", "his", "her", "its", "our", "their", "whose"})
_SAID = frozenset(["adjective", "attributive", "predicate", "noun", "word", "country"]).union(
    ["person", "agreeing"]
)
_OF_KIN = frozenset({"late", "own", "ex"})
_JOINTS = frozenset({"-", "and"})
_FIRST_PERSON = frozenset({"i", "me", "myself"})
_DEPTH = 3
"""So many nouns are followed: her boss, a man who is white."""


def is_of_somebody_else(parsed: ParsedText, found: Candidate, entry: Entry) -> bool:
    """Whether what stands at a candidate, read as `entry`, is said of somebody else."""
    words = tuple(parsed.word(i) for i in range(found.start, found.stop))
    if entry.row.kind == "address" or words[0] in ("sir", "ma"):
        return True
    if entry.row.kind in NAMES:
        return _names_another(parsed, found)
    if parsed.attribute.is_gendered:
        kin = entry.row.kind == "person" and "".join(words) in doubts().kin
        return kin and _is_owned(parsed, found.start)
    if entry.row.kind not in _SAID:
        return False
    noun = _noun_of(parsed, found)
    if noun is None:  # a noun itself: whichever it is, it is one for a person
        return _is_said_to_be_another(parsed, found.start, True, _DEPTH)
    return _is_another(parsed, noun, _DEPTH)


def _is_owned(parsed: ParsedText, start: int) -> bool:
    i = parsed.before(start - 1)
    while parsed.word(i) in either(parsed.english.modifiers, _OF_KIN):
        i = parsed.before(i - 1)
    owned = parsed.word(i) == "s" and parsed.is_apostrophe(i - 1)
    return owned or parsed.word(i) in _OWNERS


def _noun_of(parsed: ParsedText, found: Candidate) -> int | None:
    """The place of the noun that a candidate is said of: behind it, before its verb or its comma.
    (What the candidate itself says is never looked at: all variations have to be read alike.)"""
    head = head_of(parsed, parsed.after(found.stop))
    if head is not None:
        return head
    subject = spoken_of(parsed, found)
    if subject is not None:
        return subject
    before = found.start - 1
    if parsed.word(before) in (",", "(") and parsed.is_person(before - 1):
        return before - 1
    return None


def _is_another(parsed: ParsedText, noun: int, depth: int) -> bool:
    """Whether the person that the noun at `noun` names is somebody else."""
    word, lists = parsed.word(noun), doubts()
    if word in lists.decided or depth == 0:
        return False
    person = parsed.is_person(noun) or word in lists.kin or word in lists.bystanders
    if _is_said_to_be_another(parsed, noun, person, depth):
        return True
    start, _ = _phrase(parsed, noun)
    definite = parsed.word(start) in ("the", "this", "that")
    return word in lists.bystanders and definite and _speaks_of_other(parsed, noun)


def _is_said_to_be_another(parsed: ParsedText, noun: int, person: bool, depth: int) -> bool:
    """The same by what stands before the noun. `person`: whether it is one for a person."""
    lists = doubts()
    start, owned = _phrase(parsed, noun)
    before = parsed.before(start - 1)
    if not owned and parsed.word(before) in parsed.english.copulas:  # her mother is a Black woman
        subject = spoken_of(parsed, Candidate(start, start, ()))
        return subject not in (None, noun) and _is_another(parsed, subject, depth - 1)
    if person and (owned or _is_led_to(parsed, start)):
        return True
    if parsed.word(before) in (",", "(", "who"):  # her boss, a Black man
        other = _over_name(parsed, before - 1)
        if parsed.is_person(other) or parsed.word(other) in lists.bystanders | lists.kin:
            return _is_another(parsed, other, depth - 1)
    return False


def _phrase(parsed: ParsedText, noun: int) -> tuple[int, bool]:
    """Where the phrase of the noun at `noun` begins, and whether somebody owns it."""
    english = parsed.english
    i = noun
    for _ in range(7):
        before = parsed.before(i - 1)
        word = parsed.word(before)
        if word in _OWNERS or (word == "s" and parsed.is_apostrophe(before - 1)):
            return before, True
        if word in ("a", "an", "the", "this", "that", "one", "two", "another", "some"):
            return before, False
        stops = either(english.function, english.copulas, english.subjects)
        known = parsed.kind_ending_at(before, "adjective", "attributive") is not None
        described = known or word in either(english.modifiers, english.adverbs, _JOINTS)
        described |= parsed.word(before - 1) in _OWNERS | {"a", "an", "the"}
        if not described and (not parsed.is_word(before) or word in stops or word.endswith("ed")):
            return i, False
        if not described and parsed.is_person(before) and not parsed.one_space(i):
            return i, False
        i = before
    return i, False


def _is_led_to(parsed: ParsedText, start: int) -> bool:
    """Whether the words before a phrase make its person another: born to, married, works for."""
    before = parsed.before(start - 1)
    last, first = parsed.word(before), parsed.word(before - 1)
    leads = doubts().leads
    return last in leads or f"{first} {last}" in leads


def _speaks_of_other(parsed: ParsedText, noun: int) -> bool:
    """Whether the text has somebody to decide about besides the noun: an applicant, I."""
    wanted = doubts().decided | _FIRST_PERSON
    others = sum(parsed.counts[word] for word in wanted)
    return others > (parsed.word(noun) in wanted)


# ---- names -------------------------------------------------------------------------------------


def _names_another(parsed: ParsedText, found: Candidate) -> bool:
    """Whether a name is that of somebody else: her manager, Emily Walsh; Dear Mr. Garcia."""
    lists = doubts()
    start = _over_name(parsed, found.start - 1) + 1
    before = parsed.before(start - 1)
    greeted = parsed.word(before) in ("dear", "attn") and any(
        parsed.counts[word] for word in _FIRST_PERSON
    )
    if greeted or _is_led_to(parsed, start):
        return True
    before -= parsed.word(before) == ","
    role = parsed.word(before)
    if role in lists.kin or not (parsed.is_person(before) or role in lists.bystanders):
        return False
    return _is_another(parsed, before, _DEPTH)


def _over_name(parsed: ParsedText, i: int) -> int:
    """The place before the names, titles and initials that end at i, and before their comma."""
    while i >= 0 and (
        (parsed.word(i) == "." and (len(parsed.word(i - 1)) == 1 or _is_title(parsed, i - 1)))
        or (parsed.is_capitalised(i) and not _is_role(parsed, i) and not parsed.new_line(i + 1))
    ):
        if parsed.word(i) in _OWNERS | parsed.english.function:
            break
        i -= 1
    return i - 1 if parsed.word(i) == "," and i > 0 else i


def _is_title(parsed: ParsedText, i: int) -> bool:
    return parsed.word(i) in parsed.english.names["abbreviations"]


def _is_role(parsed: ParsedText, i: int) -> bool:
    word, lists = parsed.word(i), doubts()
    return parsed.is_person(i) or word in lists.bystanders | lists.decided | {"dear", "attn"}
