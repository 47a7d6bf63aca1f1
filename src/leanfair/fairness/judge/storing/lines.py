"""The lines of a store of answers: each an answer under its key, or a judge that wrote there."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, Literal

from typing_extensions import NotRequired, TypedDict

from leanfair.fairness.types import Answer
from leanfair.files.checked_json import DamagedError, checked, parsed


class AnswerEntry(TypedDict):
    """An answer that is kept, as `Answer.to_dict` writes it."""

    status: Literal["answered", "refused", "unparsed"]
    probabilities: NotRequired[dict[str, float]]
    captured: NotRequired[float]
    text: NotRequired[str]


class AnswerLine(TypedDict):
    """A line that holds an answer."""

    key: str
    answer: AnswerEntry


class JudgeEntry(TypedDict):
    """What a judge says of itself, as far as it is read again."""

    identity: dict[str, Any]
    prompt: str
    system: NotRequired[str | None]
    options: dict[str, list[str]]


class JudgeLine(TypedDict):
    """A line that says which judge wrote here."""

    judge: JudgeEntry


def name_of(judge: Mapping[str, Any]) -> str:
    """What tells a judge from others: a hash of what it says of itself."""
    return hashlib.sha256(json.dumps(judge, sort_keys=True).encode()).hexdigest()[:16]


def line_of(key: str, answer: Answer) -> str:
    """The line that holds an answer."""
    return json.dumps({"key": key, "answer": answer.to_dict()}, allow_nan=False)


def parsed_line(raw: bytes) -> Any:
    """The JSON of a line, None where it is none."""
    try:
        return parsed(raw)
    except DamagedError:
        return None


def answer_of(line: Any, key: str | None = None) -> Answer | None:
    """The answer that a line holds, under `key` where that is known; None where it holds none."""
    try:
        entry = checked(line, AnswerLine)
    except DamagedError:
        return None
    found = Answer.from_dict(entry["answer"])
    return found if key in (None, entry["key"]) and _adds_up(found) else None


def _adds_up(answer: Answer) -> bool:
    """Whether the numbers of an answer can be those of one."""
    shares = answer.probabilities.values()
    if not -_ROUNDING <= answer.captured <= 1 + _ROUNDING or any(share < 0 for share in shares):
        return False
    if answer.status != "answered":
        return not shares or sum(shares) <= 1 + _ROUNDING
    return bool(shares) and math.isclose(sum(shares), 1, abs_tol=_ROUNDING)


_ROUNDING = 1e-6


def judge_of(line: Any) -> Mapping[str, Any] | None:
    """What a judge says of itself, where a line holds that."""
    if not isinstance(line, dict) or "judge" not in line:
        return None
    try:
        found: Mapping[str, Any] = checked(line, JudgeLine)["judge"]
    except DamagedError:
        return None
    return found
