"""How tables say that they do not know: empty cells of every kind, and the words that forms use."""

from __future__ import annotations

import math
import re
import unicodedata
from numbers import Integral, Real
from typing import Any

_WORDS = frozenset(
    {
        "", "na", "n a", "n/a", "n.a", "nan", "nat", "null", "nil", "none given", "unknown", "unk",
        "missing", "blank", "empty", "undisclosed", "unspecified", "unreported", "undeclared",
        "undefined", "undetermined", "unavailable", "unidentified", "unanswered", "unstated",
        "declined", "refused", "refusal", "withheld", "skipped", "dk", "tbd", "to be determined",
        "rather not", "rather not say", "opt out", "opted out", "no answer", "no response",
        "no data", "no information", "no info", "no reply", "no value", "no entry", "no selection",
        "nothing selected", "cannot say", "can't say", "cannot be determined", "not sure",
    }
)  # fmt: skip
_WHAT = (
    r"(?:(?:the |your )?(?:race|ethnicity|race/ethnicity|race and ethnicity|sex|gender|age|origin"
    r"|nationality|religion|disability|status|information|info|data|details?|response|answer|value"
    r"|applicant|respondent|candidate|employee|participant|person|i|we|they)\s+)?"
)
_NOT_TOLD = re.compile(
    rf"{_WHAT}(?:(?:is|was|has|have)(?: been)? )?not (?:been )?(?:yet )?"
    r"(?:self[- ])?(?:specified|stated|known|reported|provided|available|applicable|disclosed"
    r"|recorded|answered|given|declared|identified|listed|indicated|collected|ascertained|obtained"
    r"|selected|entered|determined|supplied|shared|asked|said|set)\b.*"
)
_DECLINES = re.compile(
    rf"{_WHAT}(?:(?:would )?(?:prefer(?:s|red)?|rather|choos(?:e|es|ing)|chose|chosen"
    r"|wish(?:es|ed)?|elect(?:s|ed)?|opt(?:s|ed)?)(?: |, )not\b"
    r"|declin(?:e|es|ed|ing)\b|refus(?:e|es|ed|ing)\b"
    r"|(?:do|does|did|would|will)(?: not|n't) (?:wish|want|care|like|know|answer|say|state|specify"
    r"|disclose|respond|reply|self|share|provide)\b|not (?:wish|want|willing)\w* to\b"
    r"|unwilling to\b|unable to (?:answer|say)\b).*"
)
_NO_CATEGORY = re.compile(
    rf"{_WHAT}(?:unknown|missing|undisclosed|unspecified|n/a)\b(?:[ /].{{0,40}})?"
)


_NEVER = frozenset({str, int, bool})
"""Kinds of values that are never missing."""


def is_missing(value: Any) -> bool:
    """Whether `value` is how tables say that there is none: None, NaN, NaT or NA."""
    if type(value) in _NEVER:
        return False
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    try:
        return not isinstance(value, str) and math.isnan(value)
    except TypeError:
        return False


def is_blank(value: Any) -> bool:
    """Whether there is nothing in a cell: it is missing, or a text of blanks alone."""
    return is_missing(value) or (isinstance(value, str) and not value.strip())


def says_nothing(value: Any) -> bool:
    """Whether a cell says that it is not known: it is blank, or holds such words as "Unknown",
    "#N/A", "-", "Decline to answer", "Not Specified"."""
    if is_blank(value):
        return True
    if not isinstance(value, str):
        return False
    words = plain(value).strip(" -–—_.?*#<>()[]{}:;,/\\'\"")
    if words in _WORDS:
        return True
    return any(p.fullmatch(words) for p in (_NOT_TOLD, _DECLINES, _NO_CATEGORY))


def whole(value: Any) -> Any:
    """1.0 as 1, which a blank cell in the column makes of it; anything else as it is."""
    if not isinstance(value, Real) or isinstance(value, Integral):
        return value
    number = float(value)
    return int(number) if number.is_integer() else value


def plain(value: Any) -> str:
    """A text as it is compared: one Unicode form, no case, single blanks, plain apostrophes."""
    text = unicodedata.normalize("NFKC", str(value)).replace("’", "'")
    return unicodedata.normalize("NFKC", " ".join(text.split()).casefold())
