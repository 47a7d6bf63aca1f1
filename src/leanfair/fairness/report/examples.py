"""Examples of flips: two variations of one text side by side, with the differences marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leanfair.fairness import schema

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


def examples(summary: schema.Summary) -> list[Example]:
    """The flips in the summary whose decisions can be told apart, at most MOST."""
    favourable = summary["settings"]["favourable"]
    made = [_example(each, favourable) for each in summary["flips"]["examples"]]
    return [one for one in made if one is not None][:MOST]


def _example(found: schema.Example, favourable: str) -> Example | None:
    variations = found["variations"]
    first = next(one for one in variations if one["original"])
    other = next((one for one in variations if _outcome(one) != _outcome(first)), None)
    if other is None:
        return None
    rest = [one for one in variations if one is not first and one is not other]
    return Example(
        row=str(found["row"]),
        label=found["label"] or "",
        sides=(_side(first, favourable), _side(other, favourable)),
        others="; ".join(f"{one['value']}: {_said(one, favourable)}" for one in rest),
    )


def _outcome(one: schema.Variation) -> str:
    return one["answer"]["status"] if one["label"] is None else one["label"]


def _said(one: schema.Variation, favourable: str) -> str:
    probability = one["answer"]["probabilities"].get(favourable)
    words = _outcome(one)
    if probability is None or probability in (0.0, 1.0):  # that says no more than the decision
        return words
    return f"{words} (P({favourable}) = {probability:.2f})"


def _side(one: schema.Variation, favourable: str) -> Side:
    text = one["text"]
    spans = _spans(one["spans"], len(text))
    pieces = excerpt(text, spans) if len(text) > LONG else cut(text, spans)
    return Side(
        one["value"], one["original"], _said(one, favourable), one["label"] == favourable,
        tuple(pieces), text if len(text) > LONG else "",
    )  # fmt: skip


def _spans(spans: Sequence[Sequence[int]], size: int) -> list[tuple[int, int]]:
    """Half-open ranges in order, within the text and apart."""
    found: list[tuple[int, int]] = []
    for start, stop in sorted((a, b) for a, b in spans):
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
