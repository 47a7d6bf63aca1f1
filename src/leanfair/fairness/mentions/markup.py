"""What a reader sees of a text: tags, code and the targets of links are there and not read.

The text as it is seen has the length of the text, so that places in the one are places in the
other: what is hidden is written as `HIDDEN`, which is white space to the tokens and nothing to what
stands between them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache

HIDDEN = "\x1f"

_TAGS = (
    "a|abbr|address|article|aside|b|blockquote|body|br|caption|center|cite|code|dd|del|details|div|dl|"
    "dt|em|fieldset|figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|i|img|input|ins|kbd|"
    "label|legend|li|main|mark|nav|ol|option|p|pre|q|s|samp|section|select|small|span|strike|strong|"
    "sub|summary|sup|table|tbody|td|textarea|tfoot|th|thead|time|title|tr|tt|u|ul|var"
)
_TAG = re.compile(
    rf"</?(?P<name>{_TAGS})(?:\s[^<>]*)?/?>|<(?P<other>[a-z][\w-]*)(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))+\s*/?>",
    re.IGNORECASE,
)
_UNSEEN = re.compile(r"<!--.*?-->|<(script|style)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BREAKS = re.compile(
    r"(?:address|article|aside|blockquote|body|br|caption|dd|div|dl|dt|fieldset|figure|footer|form|h[1-6]|"
    r"header|hr|li|main|nav|ol|option|p|pre|section|select|summary|table|tbody|tfoot|thead|title|tr|ul)$",
    re.IGNORECASE,
)
_CELLS = re.compile(r"(?:td|th)$", re.IGNORECASE)
_ENTITY = re.compile(
    r"&(?:(amp|lt|gt|quot|apos|nbsp|rsquo|lsquo|ldquo|rdquo|ndash|mdash|hellip)|#(\d{2,5})|#x([0-9a-f]{2,4}));",
    re.IGNORECASE,
)
_NAMED = {
    "amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " ", "rsquo": "’",
    "lsquo": "‘", "ldquo": "“", "rdquo": "”", "ndash": "–", "mdash": "—", "hellip": "…",
}  # fmt: skip
_LANGUAGES = (
    "py|python|js|javascript|ts|typescript|jsx|tsx|java|c|cpp|c\\+\\+|cs|csharp|go|rust|rs|ruby|rb|php|"
    "perl|r|sql|bash|sh|shell|zsh|swift|kotlin|scala|html|css|scss|latex|tex|diff|makefile|dockerfile"
)
_FENCE = re.compile(
    rf"^```\s*(?:{_LANGUAGES})\s*\n.*?^```", re.IGNORECASE | re.DOTALL | re.MULTILINE
)
_CODE = re.compile(r"(?<![`\w])`(?=[^`\n]*[=(){}<>\[\];/\\])[^`\n]+`(?!`)")
_LINK_TARGET = re.compile(
    r"(?<=\])\((?:https?://|/|\.|#|mailto:|\w+\.)[^()\s]*(?:\s+\"[^\"\n]*\")?\)"
)


def seen(text: str) -> str:
    """The text with what a reader does not see as `HIDDEN`, of the same length."""
    if not any(sign in text for sign in "<&`]"):
        return text
    for pattern in (_UNSEEN, _FENCE, _CODE, _LINK_TARGET):
        text = pattern.sub(_hidden, text)
    text = _TAG.sub(_tag, text)
    return _ENTITY.sub(_entity, text)


def _hidden(match: re.Match[str]) -> str:
    if match.group().count("'") % 2:  # ``TeX' quotation marks, no code
        return match.group()
    return re.sub(r"[^\n]", HIDDEN, match.group())


def _tag(match: re.Match[str]) -> str:
    """A tag is nothing, a cell's is a bar, one that breaks the line is the end of a line."""
    name = match["name"] or ""
    sign = "|" if _CELLS.match(name) else "\n" if _BREAKS.match(name) else HIDDEN
    return sign + HIDDEN * (len(match.group()) - 1)


def _entity(match: re.Match[str]) -> str:
    name, decimal, hexadecimal = match.groups()
    if name:
        sign = _NAMED.get(name.lower(), "&")
    else:
        sign = chr(int(decimal) if decimal else int(hexadecimal, 16))
    return sign + HIDDEN * (len(match.group()) - 1) if len(sign) == 1 else match.group()


_BETWEEN_CELLS = "|\t,;"
_AROUND = " *_`\"'" + HIDDEN


def column_of(text: str, place: int) -> str:
    """The head of the column, in small letters, of the cell that `place` opens in a table that is
    written out in `text`, with bars, tabs, commas or semicolons; empty where it opens none."""
    start = text.rfind("\n", 0, place) + 1
    opens = place
    while opens > start and text[opens - 1] in _AROUND:
        opens -= 1
    signs = _BETWEEN_CELLS if opens == start else text[opens - 1]
    for sign in signs if start and signs in _BETWEEN_CELLS else "":
        head = _head_of_table(text, start, sign)
        cells = head.split(sign)
        column = text.count(sign, start, place)
        if head and column < len(cells):
            return " ".join(cells[column].strip(_AROUND).replace("_", " ").lower().split())
    return ""


def _head_of_table(text: str, start: int, sign: str) -> str:
    """The first of the lines above `start` that have as many cells as the line there."""
    stop = text.find("\n", start)
    many = text.count(sign, start, stop if stop >= 0 else len(text))
    above = _lines(text, sign)
    nearest = bisect_left(above, (start,)) - 1
    if not many or nearest < 0 or above[nearest][1] != many:
        return ""
    return above[nearest][2]


@lru_cache(maxsize=8)
def _lines(text: str, sign: str) -> list[tuple[int, int, str]]:
    """The lines of a text that are not empty: where each begins, how many signs it has, and the
    first of the lines up to it that follow one another with as many."""
    found: list[tuple[int, int, str]] = []
    start = 0
    for whole in text.splitlines(keepends=True):
        line = whole.splitlines()[0]
        if line.strip(_AROUND):
            many = line.count(sign)
            head = found[-1][2] if found and found[-1][1] == many else line
            found.append((start, many, head))
        start += len(whole)
    return found
