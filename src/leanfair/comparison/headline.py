"""The sentences on top of a page: what was lost, what was won, and what cannot be said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """What one section adds to the headline, each the middle of a sentence.

    `lost` and `won` follow the child's name ("lost 1.2 points of accuracy", "runs 1.8 times as
    fast"); `unknown` follows "Nothing can be said about".
    """

    lost: tuple[str, ...] = ()
    won: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def headline_of(child: str, said: Iterable[Said]) -> list[str]:
    """One to three sentences: losses first, then gains, then what is not known."""
    each = list(said)
    lost = [part for one in each for part in one.lost]
    won = [part for one in each for part in one.won]
    unknown = [part for one in each for part in one.unknown]
    first = f"{child} {listed(lost)}" if lost else ""
    if won:
        first = f"{first}; it {listed(won)}" if first else f"{child} {listed(won)}"
    sentences = [f"{first}."] if first else []
    if unknown:
        sentences.append(f"Nothing can be said about {listed(unknown)}.")
    return sentences or [f"{child} was measured beside its parent, and nothing told them apart."]


def listed(parts: Sequence[str]) -> str:
    """Parts of a sentence with commas and a last "and"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
