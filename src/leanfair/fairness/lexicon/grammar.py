"""The little English that varying needs: plurals, possessives, a/an, and capitals."""

from __future__ import annotations

import re
import unicodedata

_VOWEL_SOUND = re.compile(r"(?:hour|honest|honou?r|heir|[aefhilmnorsx](?![a-z]))", re.IGNORECASE)
_CONSONANT_SOUND = re.compile(
    r"(?:eu|ew|one(?![a-z])|once|ouija|u(?:ni(?!n|m)|nanim|nesco|s[aeiu]|t[aeiou]|k|tt?(?![a-z])|r[aeiou])|u(?![a-z]))",
    re.IGNORECASE,
)
_AN_NUMBER = re.compile(r"(?:8|11(?!\d)|18(?!\d)|1[18]\d{3}(?!\d))")
_LETTERS_SAID_WITH_A_VOWEL = frozenset("AEFHILMNORSX")


def article(word: str) -> str:
    """ "a" or "an", by the sound of the word that follows: an Asian, a European, an MIT, an 18."""
    head = re.match(r"[^\W_]+", word)
    if head is None:
        return "a"
    text = head.group()
    if text[0].isdigit():
        return "an" if _AN_NUMBER.match(text) else "a"
    if _is_spelled_out(text):
        return "an" if text[0] in _LETTERS_SAID_WITH_A_VOWEL else "a"
    if _CONSONANT_SOUND.match(text):
        return "a"
    if _VOWEL_SOUND.match(text) or text[0].lower() in "aeiou":
        return "an"
    return "a"


def _is_spelled_out(word: str) -> bool:
    """Whether an abbreviation is read letter by letter (MIT, FBI), not as a word (NASA)."""
    if len(word) < 2 or not word.isupper():
        return False
    if len(word) <= 3:
        return word not in _ACRONYMS_READ_AS_WORDS
    return not re.search(r"[AEIOU]", word)


_ACRONYMS_READ_AS_WORDS = frozenset({"AWOL", "RAM", "LAN", "LIT", "FIFA", "MAD", "HUD"})


def plural(noun: str) -> str:
    """The regular plural: girl, lady, waitress -> girls, ladies, waitresses."""
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return noun[:-1] + "ies"
    return noun + "s"


def possessive(noun: str, many: bool) -> str:
    """What makes a noun possessive: the ladies', the women's, the waitress's."""
    return "'" if many and noun.lower().endswith("s") else "'s"


def styles(term: str, fixed: bool = False) -> dict[str, str]:
    """How a term may be written, by style; a spelling keeps the first style that fits."""
    if fixed:
        return {"as": term}
    written: dict[str, str] = {}
    for style in ("as", "lower", "upper", "first"):
        spelling = styled(term, style)
        if spelling not in written.values():
            written[style] = spelling
    return written


def styled(term: str, style: str) -> str:
    """A term in one way of writing: as the lexicon has it, lower, UPPER, First letter only, or
    plain as in an address."""
    if style == "lower":
        return term.lower()
    if style == "upper":
        return term.upper()
    if style == "first":
        return term[:1].upper() + term[1:]
    if style in ("plain", "Plain"):
        return plain(term).capitalize() if style == "Plain" else plain(term)
    return term


def plain(name: str) -> str:
    """A name as an address has it: small letters, no accents or signs (garcia, obrien)."""
    if name.isascii() and name.isalpha():
        return name.lower()
    decomposed = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    return "".join(letter for letter in decomposed if letter.isalpha())
