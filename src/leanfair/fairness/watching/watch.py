"""Served decisions in windows, and the alarm where a limit is crossed."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import permutations

from leanfair.errors import InputError
from leanfair.fairness.watching.betting import Capital
from leanfair.fairness.watching.stream import Served

_MOST_UNPAIRED = 10_000
UNCOUNTED = ("failed", "empty")
"""What is no decision: nothing was asked, or no answer came."""


@dataclass(frozen=True)
class Limits:
    """What must not be exceeded. `false_alarms`: the probability of an alarm, ever, where neither
    limit is. `favourable`: the option that people want."""

    flip_rate: float | None = None
    difference: float | None = None
    favourable: str | None = None
    false_alarms: float = 0.05

    def __post_init__(self) -> None:
        if self.flip_rate is None and self.difference is None:
            raise InputError("Watching needs a limit: a flip rate, or a difference.")
        if self.difference is not None and self.favourable is None:
            raise InputError("A difference needs the favourable option.")


@dataclass(frozen=True)
class Alarm:
    """A limit that is crossed. `n`: the decisions, or pairs of them, that tell it; `at`: how many
    decisions there were by then."""

    what: str
    limit: float
    mean: float
    n: int
    at: int

    @property
    def sentence(self) -> str:
        """It in words."""
        return (
            f"{self.what} is above {self.limit:g}: {self.mean:.3f} over {self.n:,}, after "
            f"{self.at:,} decisions."
        )


@dataclass(frozen=True)
class Window:
    """What a window held. `rates`: group -> the share that got the favourable option."""

    number: int
    n: int
    flips: int
    compared: int
    rates: dict[str, float]
    statuses: dict[str, int]

    @property
    def flip_rate(self) -> float | None:
        """The share that was flipped, of those that were compared."""
        return self.flips / self.compared if self.compared else None


@dataclass
class _Test:
    """One claim that a limit is kept, with its share of the false alarms."""

    what: str
    capital: Capital
    alpha: float
    counts: list[int]

    def close(self) -> None:
        self.capital.add(self.counts)
        self.counts = [0] * len(self.counts)

    @property
    def is_refuted(self) -> bool:
        return self.capital.log() >= -math.log(self.alpha)


@dataclass
class Watch:
    """Decisions as they come, tested at the end of each window of `size`.

    The flip rate is that of all decisions that were compared. The difference is that of the shares
    that got the favourable option, between any two groups: from when both are known, the first of
    the one is paired with the first of the other, and so on. Tests share the false alarms: half for
    flips and half for differences, where there are both; the i-th pair of groups that is seen has
    1 / (i (i + 1)).
    """

    limits: Limits
    size: int = 500
    windows: int = 0
    seen: int = 0
    tests: dict[tuple[str, ...], _Test] = field(default_factory=dict)
    unpaired: dict[tuple[str, str], deque[int]] = field(default_factory=dict)
    _groups: list[str] = field(default_factory=list)
    _window: list[Served] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.limits.flip_rate is not None:
            share = 1.0 if self.limits.difference is None else 0.5
            self.tests[("flips",)] = _Test(
                "The flip rate", Capital([0, 1], self.limits.flip_rate),
                self.limits.false_alarms * share, [0, 0],
            )  # fmt: skip

    def add(self, decisions: Iterable[Served]) -> Iterator[tuple[Window, list[Alarm]]]:
        """Take decisions; what each window that is full by them held, and the alarms by then."""
        for decision in decisions:
            self._take(decision)
            if len(self._window) == self.size:
                yield self._close()

    def end(self) -> Iterator[tuple[Window, list[Alarm]]]:
        """The last window, which is not full, where it holds anything."""
        if self._window:
            yield self._close()

    def _take(self, served: Served) -> None:
        self._window.append(served)
        self.seen += 1
        if served.flipped is not None and ("flips",) in self.tests:
            self.tests[("flips",)].counts[served.flipped] += 1
        if self.limits.difference is None or served.group is None or served.status in UNCOUNTED:
            return
        if served.group not in self._groups:
            self._meet(served.group, self.limits.difference)
        won = int(served.label == self.limits.favourable)
        for other in self._groups:
            if other != served.group:
                self._pair(served.group, other, won)

    def _meet(self, group: str, limit: float) -> None:
        """A group that is new, with a test in each direction for every other."""
        share = self.limits.false_alarms * (1.0 if self.limits.flip_rate is None else 0.5)
        self._groups.append(group)
        for one, two in permutations(self._groups, 2):
            if group in (one, two):
                self.unpaired.setdefault((one, two), deque(maxlen=_MOST_UNPAIRED))
                place = 1 + sum(name != ("flips",) for name in self.tests)
                self.tests[one, two] = _Test(
                    f"The difference between {one} and {two}", Capital([-1, 0, 1], limit),
                    share / (place * (place + 1)), [0, 0, 0],
                )  # fmt: skip

    def _pair(self, group: str, other: str, won: int) -> None:
        """Pair a decision about `group` with the first about `other` that has none, or let it
        wait."""
        if waiting := self.unpaired[other, group]:
            difference = won - waiting.popleft()
            self.tests[group, other].counts[difference + 1] += 1
            self.tests[other, group].counts[1 - difference] += 1
        else:
            self.unpaired[group, other].append(won)

    def _close(self) -> tuple[Window, list[Alarm]]:
        self.windows += 1
        for test in self.tests.values():
            test.close()
        held, self._window = self._window, []
        alarms = [
            Alarm(test.what, test.capital.limit, test.capital.mean, test.capital.n, self.seen)
            for test in self.tests.values()
            if test.is_refuted
        ]
        return _window(self.windows, held, self.limits.favourable), alarms


def _window(number: int, held: list[Served], favourable: str | None) -> Window:
    compared = [each.flipped for each in held if each.flipped is not None]
    counted = [each for each in held if each.group is not None and each.status not in UNCOUNTED]
    sizes = Counter(str(each.group) for each in counted)
    won = Counter(str(each.group) for each in counted if each.label == favourable)
    rates = {group: won[group] / n for group, n in sorted(sizes.items())} if favourable else {}
    statuses = dict(sorted(Counter(each.status for each in held).items()))
    return Window(number, len(held), sum(compared), len(compared), rates, statuses)
