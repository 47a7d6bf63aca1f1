"""How the decisions about a table went, counted as they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from leanfair.fairness.types import Decision

_SHOWN = 3
"""Words that were not understood that are named."""


@dataclass
class Tally:
    """Counts of decisions. `labels`, `statuses`: how many have which, statuses of those without a
    label. `compared`, `flipped`: of how many the variations could be compared, and how many of
    these flipped. `spared`: variations that nobody was asked about, as they could change nothing.
    `alone`, `half`: how many were not varied, and of these how many since they are half understood;
    `words`: the first words that were not understood. `asked`: prompts that the model was given.
    """

    rows: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    flipped: int = 0
    alone: int = 0
    half: int = 0
    spared: int = 0
    words: list[str] = field(default_factory=list)
    asked: int = 0

    def add(self, decisions: Iterable[Decision]) -> None:
        """Count some more."""
        for one in decisions:
            self.rows += 1
            self.spared += one.spared
            if one.label is None:
                self.statuses[one.status] += 1
            else:
                self.labels[one.label] += 1
            if one.flipped is not None:
                self.compared += 1
                self.flipped += one.flipped
            elif one.note and len(one.variations) == 1 and not one.spared:
                self.alone += 1
                self.half += bool(one.unread)
                self._keep(one.unread)

    def add_tally(self, other: Tally) -> None:
        """Count what another counted."""
        for name in ("rows", "compared", "flipped", "alone", "half", "asked", "spared"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.labels.update(other.labels)
        self.statuses.update(other.statuses)
        self._keep(other.words)

    def _keep(self, words: Iterable[str]) -> None:
        for word in words:
            if len(self.words) < _SHOWN and word not in self.words:
                self.words.append(word)

    @property
    def failed(self) -> int:
        """How many failed."""
        return self.statuses["failed"]

    def to_dict(self) -> dict[str, Any]:
        """This in plain JSON types."""
        return {**asdict(self), "labels": dict(self.labels), "statuses": dict(self.statuses)}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Tally:
        """What `to_dict` wrote."""
        counts = {name: Counter(data[name]) for name in ("labels", "statuses")}
        return Tally(**{**data, **counts})

    def told(self, options: Sequence[str]) -> str:
        """How the decisions went, in a few lines."""
        counts = [f"{option} {self.labels[option]:,}" for option in options]
        counts += [f"{status} {count:,}" for status, count in sorted(self.statuses.items())]
        lines = [f"{self.rows:,} rows: {', '.join(counts)}."]
        if self.spared:
            lines.append(
                "How many would have been decided otherwise with another value of the attribute is "
                "not known: not all variations were asked about."
            )
        elif self.compared:
            share = self.flipped / self.compared
            lines.append(
                f"Uncorrected, {self.flipped:,} of {self.compared:,} ({share:.1%}) would have been "
                f"decided otherwise with another value of the attribute."
            )
        if self.alone:
            why = f"they are half understood ({', '.join(self.words)})"
            more = f", {self.half:,} of them since {why}" if self.half else ""
            lines.append(f"{self.alone:,} rows were not varied{more}; the column 'note' says why.")
        early = (
            f"; {self.spared:,} more could change nothing, and were spared" if self.spared else ""
        )
        lines.append(f"{self.asked:,} prompts were put to the model{early}.")
        return "\n".join(lines)
