"""Flips as they read: two variations of one text side by side, with what differs marked.

`flips.examples` of summary.json, where it is there: a list of {"row", "label", "variations"}, each
variation as `Varied` writes it: value, text, spans, original, label, answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leanfair.fairness.report import words as w
from leanfair.html import formats as f

Piece = tuple[str, bool]
"""A stretch of text, and whether it is to be marked."""

MOST = 12
AROUND = 150
"""Letters shown on either side of what is marked."""
LONG = 700


@dataclass(frozen=True)
class Side:
    """One of two texts. `whole` is the text where `pieces` are excerpts of it."""

    value: str
    original: bool
    outcome: str
    favourable: bool
    pieces: tuple[Piece, ...]
    whole: str


@dataclass(frozen=True)
class Example:
    """A row whose decision changed: as it came in, beside a variation decided otherwise."""

    row: str
    label: str
    sides: tuple[Side, Side]
    others: str


def examples(summary: w.Summary) -> list[Example]:
    """The flips that the summary carries, at most MOST."""
    found = (summary.get("flips") or {}).get("examples") or []
    favourable = str(summary["settings"]["favourable"])
    made = [_example(each, favourable) for each in found]
    return [one for one in made if one is not None][:MOST]


def _example(found: Mapping[str, Any], favourable: str) -> Example | None:
    variations = list(found.get("variations") or [])
    first = next((one for one in variations if one.get("original")), None)
    if first is None:
        return None
    other = next((one for one in variations if _outcome(one) != _outcome(first)), None)
    if other is None:
        return None
    rest = [one for one in variations if one is not first and one is not other]
    others = "; ".join(f"{one['value']}: {_said(one, favourable)}" for one in rest)
    return Example(
        row=f.setting(found.get("row"), "?"),
        label=f.setting(found.get("label"), ""),
        sides=(_side(first, favourable), _side(other, favourable)),
        others=others,
    )


def _outcome(one: Mapping[str, Any]) -> str:
    status = (one.get("answer") or {}).get("status", "answered")
    return str(one["label"]) if one.get("label") is not None else str(status)


def _said(one: Mapping[str, Any], favourable: str) -> str:
    chance = f.finite(((one.get("answer") or {}).get("probabilities") or {}).get(favourable))
    words = _outcome(one)
    return words if chance is None else f"{words} (P({favourable}) = {chance:.2f})"


def _side(one: Mapping[str, Any], favourable: str) -> Side:
    text = str(one["text"])
    spans = _spans(one.get("spans") or (), len(text))
    pieces = excerpt(text, spans) if len(text) > LONG else cut(text, spans)
    return Side(
        str(one["value"]), bool(one.get("original")), _said(one, favourable),
        one.get("label") == favourable, tuple(pieces), text if len(text) > LONG else "",
    )  # fmt: skip


def _spans(spans: Sequence[Sequence[int]], size: int) -> list[tuple[int, int]]:
    """Half-open ranges in order, within the text and apart."""
    found: list[tuple[int, int]] = []
    for start, stop in sorted((int(a), int(b)) for a, b in spans):
        start, stop = max(start, found[-1][1] if found else 0), min(stop, size)
        if start < stop:
            found.append((start, stop))
    return found


def cut(text: str, spans: Sequence[tuple[int, int]], start: int = 0, stop: int = -1) -> list[Piece]:
    """`text` from `start` to `stop`, with the spans marked."""
    stop = len(text) if stop < 0 else stop
    pieces, at = [], start
    for a, b in spans:
        if a >= stop or b <= start:
            continue
        pieces += [(text[at:a], False), (text[a:b], True)]
        at = b
    pieces.append((text[at:stop], False))
    return [piece for piece in pieces if piece[0]]


def excerpt(text: str, spans: Sequence[tuple[int, int]]) -> list[Piece]:
    """The surroundings of what is marked, in a text too long to show."""
    windows: list[list[int]] = []
    for a, b in spans or [(0, 0)]:
        start, stop = max(0, a - AROUND), min(len(text), b + AROUND)
        if windows and start <= windows[-1][1]:
            windows[-1][1] = stop
        else:
            windows.append([start, stop])
    pieces: list[Piece] = []
    for start, stop in windows[:4]:
        pieces += [("… ", False)] if start else []
        pieces += cut(text, spans, start, stop)
        pieces += [(" …", False)] if stop < len(text) else []
    return pieces
