"""Which fields of a record hold a person's name, by what they are called, and whose it is."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["first", "last", "whole", "address", ""]
"""What a field holds of a name; "" for a field that is for none."""

_FIRST = re.compile(
    r"\b(?:first|given|fore|christian|preferred|middle|nick) ?names?\b|\b[fg]name\b"
    r"|^(?:first|given|middle|vorname|prénom|prenom|nombre)$"
)
_LAST = re.compile(
    r"\b(?:last|family|sur|maiden|second) ?names?\b|\bl(?:ast)?name\b"
    r"|^(?:last|nachname|nom|apellidos?)$"
)
_ADDRESS = re.compile(
    r"\be?[ -]?mail\b|\bmail address\b|\b(?:linkedin|twitter|github|instagram|facebook|handle"
    r"|homepage|website|url)\b|\b(?:user|login|screen|account) ?name\b|^(?:user|login)$"
)
_WHOLE = re.compile(r"\bnames?\b|\bfullname\b")
_NO_PERSON = re.compile(
    r"\b(?:company|firm|school|university|college|file|product|street|city|town|county|state"
    r"|country|place|model|brand|event|project|program|programme|course|department|dept|team"
    r"|group|bank|store|shop|job|position|role|category|class|column|table|field|variable|domain"
    r"|host|server|host|pet|dog|cat|vehicle|building|property|drug|disease|organi[sz]ation|org"
    r"|institution|agency|hospital|court)\b"
)
_SOMEBODY_ELSE = re.compile(
    r"\b(?:manager|supervisor|boss|interviewer|recruiter|employer|reviewer|rater|assessor"
    r"|examiner|referee|referrer|reference|recommender|mentor|doctor|physician|clinician|nurse"
    r"|provider|teacher|instructor|professor|officer|agent|adviser|advisor|broker|judge"
    r"|prosecutor|attorney|lawyer|landlord|seller|vendor|author|sender|signatory"
    r"|signed by|hired by|created by|updated by|entered by|approved by|decided by|assigned to"
    r"|contact|hr)\b"
)


def kind_of(field: str) -> Kind:
    """What the field of that name, in small letters with spaces, holds of a person's name."""
    if _ADDRESS.search(field):
        return "address"
    if _FIRST.search(field):
        return "first"
    if _LAST.search(field):
        return "last"
    return "whole" if _WHOLE.search(field) and not _NO_PERSON.search(field) else ""


def is_of_somebody_else(field: str) -> bool:
    """Whether a field speaks of somebody else than the person decided about: manager_name."""
    return _SOMEBODY_ELSE.search(field) is not None
