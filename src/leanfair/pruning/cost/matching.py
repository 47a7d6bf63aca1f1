"""How much has to go to save an amount as nearly as can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

T = TypeVar("T")

NEARLY = 0.9
"""A candidate that saves less than this share of the other's saving is no match for it."""


def nearest(goal: int, least: int, saved: Callable[[int], int], longest: int) -> int:
    """The n, from 0 to `longest`, whose saved(n) is nearest to `goal`, but more than nothing and
    `least` where that can be. `saved` grows with n, though not always with each step (a share by
    largest remainder may fall)."""
    low, high = 0, longest
    while low < high:
        middle = (low + high) // 2
        if saved(middle) >= max(goal, 1):
            high = middle
        else:
            low = middle + 1

    def off(n: int) -> tuple[bool, int]:
        return saved(n) <= 0, abs(saved(n) - goal)

    n = low
    while n > 0 and off(n - 1) < off(n):
        n -= 1
    while n < longest and off(n + 1) < off(n):
        n += 1
    while n < longest and saved(n) < least:
        n += 1
    return n


def filled(
    order: Sequence[T],
    goal: int,
    least: int,
    saved: Callable[[Sequence[T]], int],
    group: Callable[[T], str],
) -> Sequence[T]:
    """What of `order`, from its beginning, saves `goal` as nearly as can be, but `least` where that
    can be. Where steps are so coarse that one more brings much too much and one less much too
    little, the rest of its group is passed over, if what comes next then fits better."""

    best: Sequence[T] = ()
    best_off: tuple[bool, int] | None = None
    while order:

        @cache
        def first(n: int, order: Sequence[T] = order) -> int:
            return saved(order[:n])

        n = nearest(goal, least, first, len(order))
        off = first(n) < max(least, 1), abs(first(n) - goal)
        if best_off is None or off < best_off:
            best, best_off = order[:n], off
        if NEARLY * first(n) > goal:
            n -= 1
        elif first(n) >= NEARLY * goal or n == len(order):
            break
        passed = group(order[n])
        order = [*order[:n], *(each for each in order[n:] if group(each) != passed)]
    return best
