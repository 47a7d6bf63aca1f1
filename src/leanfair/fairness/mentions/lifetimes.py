"""Numbers that go with an age: bands, years of birth, and what a life has room for.

A band moves by whole groups, both its ends alike (25-34 becomes 45-54), and so does a year of
birth, against the age. Where no age is told, a year tells the age that it makes in `REFERENCE`.
What would contradict a younger age (40 years of experience), or an age of one's father, is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache

from leanfair.fairness.lexicon.attribute import Cell, Row
from leanfair.fairness.lexicon.doubts import doubts
from leanfair.fairness.mentions.repeats import Part

REFERENCE = 2025
"""The year of which an age is reckoned where a text tells a year of birth alone."""

_YOUNGEST, _GROUP, _GROUPS = 18, 20, 3
_GROWN_UP = 14
"""Nobody works, or graduates, at a younger age."""

_JOINT = r"(\s?(?:-|–|—|to|and)\s?)"
_BANDS = (
    re.compile(
        rf"(?<![\d.,$])(\d\d){_JOINT}(\d\d)(?=[\s-]*(?:years?|yrs?)[\s-]*(?:olds?|of age))", re.I
    ),
    re.compile(
        r"\bbetween (?:the ages of )?(\d\d)( and )(\d\d)(?=\s*(?:years?|yrs?)\b[^$%]{0,9}old|"
        r"(?<=the ages of \d\d and \d\d))",
        re.I,
    ),
    re.compile(
        rf"\bage(?:s|d)?(?:[ _-](?:group|band|range|bracket|category|class))?[\s:=\"'|]{{1,4}}"
        rf"(?:between )?(\d\d){_JOINT}(\d\d)(?!\d)",
        re.I,
    ),
)  # fmt: skip
_BIRTH = re.compile(
    r"(?:\bborn\b[^.;\n]{0,30}?|\b(?:date of birth|d\.?o\.?b\.?|birth ?date|birth[ _]?year|"
    r"birthday|year of birth|yob)\b[^;\n]{0,20}?|\bb\.\s?)(?<!\d)((?:19|20)\d\d)(?!\d)",
    re.I,
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_BAND = re.compile(rf"(\d\d){_JOINT}(\d\d)")
_EXPERIENCE = re.compile(
    r"(?<![\d.])(\d{1,2})\+?[\s-]+years?(?:['’])?\s+(?:of\s+)?(?:[\w-]+\s+){0,3}?"
    r"(?:experience|service|practice|employment|tenure|seniority)"
    r"|\bexperience\b[\s:=]*(\d{1,2})\s*(?:years?|yrs?)"
    r"|\b(?:work\w*|employed|teach\w*|taught|nurs\w*|practi[cs]\w*|married|served)\b[^.;\n]{0,30}?"
    r"\bfor (?:over |more than |nearly |almost |about )?(\d{1,2}) years"
    r"|(?<![\d.])(\d{1,2})[\s-]years?[\s-](?:career|veteran)",
    re.I,
)
_SINCE = re.compile(
    r"\b(?:since|graduat\w+[^.;\n]{0,30}? in|class of|joined [^.;\n]{0,20}?in|hired in|retired in|"
    r"degree[^.;\n]{0,20}? in) ((?:19|20)\d\d)\b",
    re.I,
)


@cache
def band_row(low: int, joint: str, high: int) -> Row:
    """The row of the band whose ends in the youngest group are `low` and `high`."""
    cells: dict[Cell, Mapping[str, str]] = {
        (k,): {"": f"{low + _GROUP * k}{joint}{high + _GROUP * k}"} for k in range(_GROUPS)
    }
    return Row("age", (0,), cells)


@lru_cache(maxsize=512)
def birth_row(year: int) -> Row:
    """The row of the years of birth of which `year` is that of the youngest group."""
    return Row("age", (0,), {(k,): {"": str(year - _GROUP * k)} for k in range(_GROUPS)})


def group_of(age: int) -> int | None:
    """The group of an age, None for an age outside of all."""
    place = (age - _YOUNGEST) // _GROUP
    return place if 0 <= place < _GROUPS else None


def bands_in(text: str) -> Iterator[Part | tuple[int, int]]:
    """The bands of ages in a text, in their order; the place alone of one that is in no group."""
    seen: list[tuple[int, int]] = []
    for pattern in _BANDS:
        for match in pattern.finditer(text):
            start, stop = match.start(1), match.end(3)
            if any(start < b and a < stop for a, b in seen):
                continue
            seen.append((start, stop))
            yield _band(match[1], match[2], match[3], start) or (start, stop)


def _band(low: str, joint: str, high: str, start: int) -> Part | None:
    first, last = int(low), int(high)
    place = group_of(first)
    if place is None or not first < last <= first + _GROUP or last > 99:
        return None
    row = band_row(first - _GROUP * place, joint, last - _GROUP * place)
    stop = start + len(low) + len(joint) + len(high)
    return Part(start, stop, row, (place,), "", "as")


def births_in(text: str) -> Iterator[Part | tuple[int, int]]:
    """The years of birth in a text; the place alone of one that makes no age of a group."""
    for match in _BIRTH.finditer(text):
        yield birth_part(int(match[1]), match.start(1)) or match.span(1)


def birth_part(year: int, start: int, age: int | None = None) -> Part | None:
    """A year of birth at `start`, in the group of `age`; None where it is in none."""
    place = group_of(REFERENCE - year if age is None else age)
    if place is None:
        return None
    return Part(start, start + 4, birth_row(year + _GROUP * place), (place,), "", "as")


def value_part(text: str, birth: bool) -> Part | None:
    """A field's content as a whole: a band of ages or, in a field for a birth, its year."""
    start = len(text) - len(text.lstrip())
    band = _BAND.fullmatch(text.strip())
    if band is not None and not birth:
        return _band(band[1], band[2], band[3], start)
    years = list(_YEAR.finditer(text)) if birth else []
    return birth_part(int(years[0].group()), years[0].start()) if len(years) == 1 else None


def contradictions(text: str, ages: Sequence[int]) -> Iterator[tuple[int, int]]:
    """What a person of the youngest of `ages` cannot have: 40 years of experience, at 22."""
    if not ages:
        return
    most = min(ages) - _GROWN_UP
    for match in _EXPERIENCE.finditer(text):
        if int(next(filter(None, match.groups()))) > most:
            yield match.span()
    for match in _SINCE.finditer(text):
        if REFERENCE - int(match[1]) > most:
            yield match.span()


def is_too_long(years: object, age: int) -> bool:
    """Whether somebody of that age cannot have worked for so many years."""
    try:
        return float(str(years)) > age - _GROWN_UP
    except ValueError:
        return False


def speaks_of_kin(words: Sequence[str]) -> bool:
    """Whether a text speaks of relatives, whose ages have an order."""
    return not doubts().kin.isdisjoint(words)
