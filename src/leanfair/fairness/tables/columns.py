"""Columns of ours beside those of a user, none of which is written over."""

from __future__ import annotations

from collections.abc import Iterable

PREFIX = "leanfair_"


def apart(ours: Iterable[str], theirs: Iterable[str]) -> dict[str, str]:
    """Each of `ours` -> what it is called beside `theirs`: itself, or with a prefix where one of
    theirs is called so, in whatever case: spreadsheets and databases take these for one."""
    taken = {str(name).casefold() for name in theirs}
    found = {}
    for name in ours:
        called = name
        while called.casefold() in taken:
            called = PREFIX + called
        found[name] = called
    return found


def told(called: dict[str, str]) -> str:
    """Which of our columns are called otherwise, in a sentence; empty where none is."""
    moved = {name: new for name, new in called.items() if name != new}
    if not moved:
        return ""
    return (
        f"The table has {_listed(moved)} of its own, which stay as they are: see "
        f"{', '.join(moved.values())}."
    )


def _listed(names: Iterable[str]) -> str:
    shown = [repr(name) for name in names]
    return f"a column {shown[0]}" if len(shown) == 1 else f"columns {', '.join(shown)}"
