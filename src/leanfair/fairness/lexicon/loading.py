"""From a YAML file to an `Attribute`: the packaged lexicons, and a user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import (
    KINDS,
    Attribute,
    Coding,
    Row,
    check,
    forms_of,
    row_of,
)
from leanfair.fairness.lexicon.files import parse, read_lexicon, text_of
from leanfair.fairness.lexicon.own_file import check_content
from leanfair.fairness.lexicon.rows.name_rows import name_rows, surname_rows
from leanfair.fairness.lexicon.rows.nations import with_nations

ATTRIBUTES = ("race", "gender", "age", "religion", "nationality", "disability", "name")
"""The attributes that come with the package."""

_NATIONS = "nationality"

Counter = Callable[[str], int]
"""How many tokens a tokenizer makes of a text."""


def load_attribute(
    attribute: str | Path | Mapping[str, Any] | Attribute, tokenizer: Counter | None = None
) -> Attribute:
    """An attribute by its name, from a YAML file of your own, or from the content of such a file.

    With a `tokenizer`, names stand for names of the same number of tokens, as far as the lists
    allow: each list is put in the order of token counts before they are laid side by side.

    What is in the package is built once. A file is read each time, since it may have changed, and
    built once for each content. Nothing that was built with a `tokenizer` is kept here, since that
    would keep the tokenizer and its model.
    """
    if isinstance(attribute, Attribute):
        return attribute
    if isinstance(attribute, Mapping):
        return _build(attribute, "the attribute", tokenizer)
    name = str(attribute)
    if name in ATTRIBUTES:
        if tokenizer is None or name == _NATIONS:
            return _packaged(name)
        return _build(read_lexicon(name), f"{name}.yaml", tokenizer)
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.exists():
        text = text_of(path)
        if tokenizer is None:
            return _own(text, name)
        return _build(parse(text, name), name, tokenizer)
    raise InputError(
        f"there is no attribute {name!r}; there are {', '.join(ATTRIBUTES)}, or give a YAML file"
    )


@cache
def _packaged(name: str) -> Attribute:
    made = _build(read_lexicon(name), f"{name}.yaml", None)
    return with_nations(made) if name == _NATIONS else made


@lru_cache(maxsize=32)
def _own(text: str, path: str) -> Attribute:
    return _build(parse(text, path), path, None)


def _build(data: Mapping[str, Any], path: str, tokenizer: Counter | None) -> Attribute:
    check_content(data, path)
    axes = _axes(data, path)
    rows = [*_rows(data, axes, path), *_unpaired(data, path), *_included(data, axes, tokenizer)]
    attribute = Attribute(
        name=str(data.get("name") or Path(path).stem),
        axes=axes,
        rows=tuple(rows),
        version=str(data.get("version", "")),
        licence=str(data.get("licence", "")),
        source=str(data.get("source", "")).strip(),
        fields=_texts(data, "fields", path) or (str(data.get("name", "")).lower(),),
        protected=(*_texts(data, "protected", path), *_included_protection(data)),
        heads=frozenset(_texts(data, "heads", path)),
        not_heads=frozenset(_texts(data, "not heads", path)),
        codings=tuple(
            Coding(entry["table"], tuple(entry["when"]), dict(entry["terms"]))
            for entry in data.get("schemes", ())
        ),
    )
    if "wider" in data:
        attribute = replace(attribute, wider=_wider(attribute, data["wider"], path))
    return check(attribute, path)


def _wider(base: Attribute, data: Mapping[str, Any], path: str) -> Attribute:
    """`base` with more values: of its own rows none has a form for all of them, so they stand
    unpaired."""
    axes = _axes(data, path)
    rows = _rows(data, axes, path)
    known = {term for row in rows for forms in row.cells.values() for term in forms.values()}
    alone = [
        Row(row.kind, (), {(): forms}, paired=False, fixed=row.fixed)
        for row in base.rows
        for forms in row.cells.values()
        if known.isdisjoint(forms.values())
    ]
    return check(replace(base, axes=axes, rows=(*rows, *_once(alone)), codings=()), path)


def _once(rows: Sequence[Row]) -> list[Row]:
    """The rows without those that say again what another of the same kind says."""
    first = {(row.kind, tuple(row.cells[()].values())): row for row in reversed(rows)}
    return list(reversed(first.values()))


def _axes(data: Mapping[str, Any], path: str) -> tuple[tuple[str, ...], ...]:
    if "axes" in data:
        return tuple(tuple(map(str, names)) for names in data["axes"].values())
    values = data.get("values")
    if not isinstance(values, (list, dict)) or len(values) < 2:
        raise InputError(f"{path}: 'values' has to name two values or more")
    return (tuple(map(str, values)),)


def _texts(data: Mapping[str, Any], key: str, path: str) -> tuple[str, ...]:
    entries = data.get(key, ())
    if isinstance(entries, str) or not isinstance(entries, Sequence):
        raise InputError(f"{path}: {key!r} has to be a list")
    return tuple(map(str, entries))


def _rows(data: Mapping[str, Any], axes: Sequence[Sequence[str]], path: str) -> list[Row]:
    rows = [_row(entry, len(axes[0]), path) for entry in data.get("rows", ())]
    if isinstance(data.get("values"), dict):
        rows += _short_rows(data["values"], path)
    if not rows and "first" not in data:
        raise InputError(f"{path}: there are no 'rows', so no term tells the attribute")
    return rows


def _row(entry: Mapping[str, Any], n: int, path: str) -> Row:
    """One entry of `rows`: its kind with a list of terms, and what else it says."""
    kinds = [key for key in entry if key in KINDS]
    if len(kinds) != 1:
        raise InputError(
            f"{path}: a row needs one kind, and {dict(entry)!r} has {len(kinds)}; the kinds are "
            + ", ".join(KINDS)
        )
    terms = [str(term) for term in entry[kinds[0]]]
    if len(terms) != n:
        raise InputError(f"{path}: the row {terms} has {len(terms)} terms for {n} values")
    fixed = entry.get("case") == "fixed"
    return row_of(kinds[0], terms, only=entry.get("only", ""), fixed=fixed)


def _short_rows(values: Mapping[str, Any], path: str) -> list[Row]:
    """`values: {left: [Labour], right: [Tory]}`: the n-th terms of all make the n-th row."""
    lists = [list(terms or ()) for terms in values.values()]
    if len({len(terms) for terms in lists}) > 1:
        raise InputError(f"{path}: every value needs the same number of terms, one a row")
    return [row_of("word", [str(term) for term in terms]) for terms in zip(*lists, strict=True)]


def _unpaired(data: Mapping[str, Any], path: str) -> list[Row]:
    rows: list[Row] = []
    for entry in data.get("unpaired", ()):
        for kind, terms in entry.items():
            if kind not in KINDS:
                raise InputError(f"{path}: {kind!r} is no kind of row; they are {', '.join(KINDS)}")
            rows += [Row(kind, (), {(): forms_of(kind, str(term))}, paired=False) for term in terms]
    return rows


def _included(
    data: Mapping[str, Any], axes: Sequence[Sequence[str]], tokenizer: Counter | None
) -> list[Row]:
    """Rows from elsewhere: gender takes the names, and names take the words for gender."""
    if "names" in data:
        return name_rows((0,), tokenizer)
    if "first" not in data:
        return []
    other = read_lexicon(_packaged_name(data["include"]))
    gendered = [
        Row(row.kind, (1,), row.cells, fixed=row.fixed)
        for row in _rows(other, [other["values"]], data["include"])
        if row.kind != "record"
    ]
    return [*name_rows((0, 1), tokenizer), *surname_rows(tokenizer), *gendered]


def _included_protection(data: Mapping[str, Any]) -> tuple[str, ...]:
    if "include" not in data:
        return ()
    return tuple(map(str, read_lexicon(_packaged_name(data["include"]))["protected"]))


def _packaged_name(name: str) -> str:
    """The name of an attribute of the package: nothing else is included."""
    if name not in ATTRIBUTES:
        raise InputError(
            f"'include' takes the words of one of {', '.join(ATTRIBUTES)}, not {name[:50]!r}."
        )
    return name
