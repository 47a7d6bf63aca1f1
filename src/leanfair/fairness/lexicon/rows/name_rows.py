"""Rows of people's names, from `name.yaml` (chosen by hand) and `names.tsv` (compiled)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from typing import Any

from leanfair.fairness.lexicon.attribute import Row
from leanfair.fairness.lexicon.files import read_lexicon, read_names


def name_rows(axes: tuple[int, ...], tokenizer: Callable[[str], int] | None) -> list[Row]:
    """First names side by side: by race and gender on two axes, by gender alone on one.

    With a `tokenizer`, names stand beside names of as many tokens, as far as the lists allow.
    """
    data, compiled = read_lexicon("name"), read_names()
    more = list(zip(*compiled["first"], strict=True))
    rows = _by_race(data["first"], "name", more, axes, tokenizer)
    rows += _by_race(data["first words"], "word name", [()] * len(more), axes, tokenizer)
    pairs = list(zip(*compiled["pairs"], strict=True))
    rows += _aligned("name", axes[-1:], [(0,), (1,)], pairs, tokenizer)
    words = [data["words"][gender] for gender in data["axes"]["gender"]]
    return rows + _aligned("word name", axes[-1:], [(0,), (1,)], words, tokenizer)


def surname_rows(tokenizer: Callable[[str], int] | None) -> list[Row]:
    """Surnames by race; those that tell a race and found no place in a row stand alone."""
    compiled = read_names()
    lists = zip(
        read_lexicon("name")["last"].values(), zip(*compiled["last"], strict=True), strict=True
    )
    columns = [[*names, *more] for names, more in lists]
    alone = [name for line in compiled["lone last"] for name in line[0].split()]
    places = [(i,) for i in range(len(columns))]
    rows = _aligned("surname", (0,), places, columns, tokenizer)
    return rows + [Row("surname", (), {(): {"": name}}, paired=False) for name in alone]


@cache
def common_surnames() -> frozenset[str]:
    """Frequent surnames, in small letters, that tell no race but at most that of the majority."""
    lines = read_names()["common last"]
    return frozenset(name for line in lines for name in line[0].split())


def _by_race(
    groups: dict[str, Any],
    kind: str,
    more: Sequence[Sequence[str]],
    axes: tuple[int, ...],
    tokenizer: Callable[[str], int] | None,
) -> list[Row]:
    """The lists of each race and gender, `more` behind them, row by row."""
    lists = [genders[sex] for genders in groups.values() for sex in ("male", "female")]
    columns = [[*names, *others] for names, others in zip(lists, more, strict=True)]
    if len(axes) == 2:
        places = list(product(range(len(groups)), range(2)))
        return _aligned(kind, axes, places, columns, tokenizer)
    rows: list[Row] = []
    for men, women in zip(columns[::2], columns[1::2], strict=True):
        rows += _aligned(kind, axes, [(0,), (1,)], [men, women], tokenizer)
    return rows


def _aligned(
    kind: str,
    axes: tuple[int, ...],
    places: Sequence[tuple[int, ...]],
    columns: Sequence[Sequence[str]],
    tokenizer: Callable[[str], int] | None,
) -> list[Row]:
    """One row per line of the columns, each first put in order of token count where one counts.

    Names that end in s stay with names that do ("James' car"), so those lines are ordered apart.
    """
    ordered = [_by_tokens(column, tokenizer) for column in columns]
    return [
        Row(kind, axes, {place: {"": name} for place, name in zip(places, names, strict=True)})
        for names in zip(*ordered, strict=True)
    ]


def _by_tokens(names: Sequence[str], tokenizer: Callable[[str], int] | None) -> list[str]:
    if tokenizer is None:
        return list(names)
    counts = {name: tokenizer(f" {name}") for name in names}
    return sorted(names, key=lambda name: (name.endswith("s"), counts[name]))
