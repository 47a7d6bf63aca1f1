"""The prompt: a text with slots, filled once for each row of a table.

`{text}` is filled with a text, `{age}` with the field "age" of a record. Other braces are doubled.
What is filled in goes in as it is: nothing is lower-cased, trimmed or re-spaced.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leanfair.errors import InputError
from leanfair.fairness.types import Item, conversation
from leanfair.fairness.unknown import is_blank, is_missing

TEXT_SLOT = "text"
_ROWS_NAMED = 5
_EMPTY = "it is empty where the prompt looks: fill it in, or leave it out."


@dataclass(frozen=True)
class Prompt:
    """What a model is asked: the `text` of the user's turn, and `system`, where there is one.

    `head` is the part of `text` before the first slot, which all prompts of a template share.
    """

    text: str
    system: str | None = None
    head: str = ""

    @property
    def plain(self) -> str:
        """Both turns as one text, for models that know no turns."""
        return self.text if not self.system else f"{self.system}\n\n{self.text}"


@dataclass(frozen=True)
class Template:
    """A prompt with slots. `parts`: each a literal and the slot behind it (None at the end)."""

    source: str
    system: str | None
    parts: tuple[tuple[str, str | None], ...]

    @staticmethod
    def of(prompt: str | os.PathLike[str], system: str | None = None) -> Template:
        """The template that `prompt` (a text, or the path of a file that holds one) is.

        A file's last line break is not part of it. Raises InputError where there is no slot.
        """
        source = _read(prompt)
        parts = _parse(source)
        if not any(slot for _, slot in parts):
            raise InputError(
                "The prompt has no slot: write {text} where the text goes, or {FIELD} for a field "
                "of a record, or name a file that holds such a prompt."
            )
        return Template(source, system or None, parts)

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """The names of the slots, each once, in order."""
        return tuple(dict.fromkeys(slot for _, slot in self.parts if slot is not None))

    @property
    def hash(self) -> str:
        """What tells this prompt, with its system text, from others."""
        whole = f"{self.source}\0{self.system or ''}"
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    def render(self, items: Iterable[Item], rows: Sequence[int] | None = None) -> list[Prompt]:
        """One prompt for each item. Raises InputError that names the rows that cannot be used, by
        their numbers in `rows`, or else counted from 1."""
        prompts: list[Prompt] = []
        wrong: dict[str, dict[int, None]] = {}
        for place, item in enumerate(items):
            found = self._values(item)
            if isinstance(found, str):
                wrong.setdefault(found, {})[rows[place] if rows else place + 1] = None
            else:
                prompts.append(self.fill(found))
        if wrong:
            problem, numbers = next(iter(wrong.items()))
            raise InputError(f"{name_rows(list(numbers))} of the table: {problem}")
        return prompts

    def fill(self, values: Mapping[str, Any]) -> Prompt:
        """The prompt with `values` in its slots."""
        pieces = [
            literal + ("" if slot is None else str(values[slot])) for literal, slot in self.parts
        ]
        return Prompt("".join(pieces), self.system, head=self.parts[0][0])

    def fill_alike(self, content: str) -> Prompt:
        """The prompt with `content` in every slot."""
        return self.fill(dict.fromkeys(self.slots, content))

    def _values(self, item: Any) -> Mapping[str, Any] | str:
        """What goes into the slots, or what is wrong with `item`."""
        if isinstance(item, str):
            if self.slots != (TEXT_SLOT,):
                fields = ", ".join(slot for slot in self.slots if slot != TEXT_SLOT)
                return f"a text, but the prompt asks for fields of a record ({fields})."
            return {TEXT_SLOT: item} if item.strip() else _EMPTY
        if not isinstance(item, Mapping):
            return f"neither a text nor a record, but {_what(item)}."
        values: dict[str, Any] = {}
        for slot in self.slots:
            if slot not in item:
                return f"the field {slot!r}, which the prompt asks for, is not there."
            value = item[slot]
            # a missing value is what an empty cell of a CSV is: nothing
            values[slot] = value if type(value) is str or not is_missing(value) else ""
        return _EMPTY if all(is_blank(value) for value in values.values()) else values


def name_rows(rows: Sequence[int]) -> str:
    """ "Row 3", or "Rows 3, 5 and 2 more"."""
    if len(rows) == 1:
        return f"Row {rows[0]}"
    shown = [str(row) for row in rows[:_ROWS_NAMED]]
    more = len(rows) - len(shown)
    last = f"{more} more" if more else shown.pop()
    return f"Rows {', '.join(shown)} and {last}"


def as_items(X: Any) -> list[Item]:
    """The rows of `X` as texts or records.

    A data frame (of pandas, polars, pyarrow or another kind that narwhals knows) gives records, a
    series or an array [n] or [n, 1] its values, any other iterable what it holds, a list of lists
    of turns (role and content) texts. Raises InputError
    for whatever has no rows of that kind.
    """
    if isinstance(X, (str, bytes, Mapping)):
        raise InputError("A table is a list of texts or records: put a single one into a list.")
    if isinstance(X, (list, tuple)):
        return [conversation(item) or item for item in X]
    if isinstance(X, np.ndarray):
        return _items_of_array(X)
    import narwhals as nw

    if nw.dependencies.is_into_dataframe(X):
        rows = list(nw.from_native(X, eager_only=True).rows(named=True))
        return _whole_again(rows) if nw.dependencies.is_pandas_dataframe(X) else list(rows)
    if nw.dependencies.is_into_series(X):
        return list(nw.from_native(X, series_only=True).to_list())
    if hasattr(type(X), "columns") or not isinstance(X, Iterable):
        raise InputError(
            f"A table is a list of texts or records, an array of texts or a data frame that is "
            f"loaded, and this is a {type(X).__module__}.{type(X).__qualname__}: turn it into one."
        )
    return list(X)


def _whole_again(rows: Sequence[dict[str, Any]]) -> list[Item]:
    """The rows of a pandas frame with 34 where a column of whole numbers has blanks, for whose sake
    pandas holds it as 34.0."""
    blanks = {name for row in rows for name, value in row.items() if is_missing(value)}
    whole = {
        name
        for name in blanks
        if all(is_missing(row[name]) or _is_whole(row[name]) for row in rows)
    }
    if not whole:
        return list(rows)
    return [
        {
            name: int(value) if name in whole and not is_missing(value) else value
            for name, value in row.items()
        }
        for row in rows
    ]


def _is_whole(value: object) -> bool:
    return isinstance(value, float) and value.is_integer()


def _items_of_array(array: NDArray[Any]) -> list[Item]:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(
            f"An array of texts has the shape [n] or [n, 1], and this has {list(array.shape)}: "
            f"give records, or a data frame, whose columns have names."
        )
    return list(array)


def _read(prompt: str | os.PathLike[str]) -> str:
    if isinstance(prompt, str) and ("{" in prompt or "\n" in prompt or not _is_file(prompt)):
        return prompt
    try:
        content = Path(prompt).read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise InputError(f"The prompt file {prompt} cannot be read: {error}.") from error
    return content.removesuffix("\n").removesuffix("\r")


def _is_file(name: str) -> bool:
    try:
        return bool(name) and Path(name).is_file()
    except (OSError, ValueError):
        return False


def _parse(source: str) -> tuple[tuple[str, str | None], ...]:
    try:
        parsed = list(Formatter().parse(source))
    except ValueError as error:
        raise InputError(
            f"The prompt's braces do not match ({error}): double those that are no slot."
        ) from error
    parts: list[tuple[str, str | None]] = []
    for literal, slot, spec, conversion in parsed:
        if slot is not None and (not slot.strip() or spec or conversion):
            raise InputError(
                "A slot of the prompt holds the name of a field and nothing else, as in {age}: "
                "double the braces that are no slot, as in {{."
            )
        # doubled braces arrive as literals of their own, with no slot behind them
        if parts and parts[-1][1] is None:
            literal = parts.pop()[0] + literal
        parts.append((literal, slot))
    return tuple(parts)


def _what(item: Any) -> str:
    return "nothing" if is_missing(item) else f"a {type(item).__name__}"
