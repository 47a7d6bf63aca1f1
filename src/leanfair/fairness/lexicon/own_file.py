"""What may stand in the file of an attribute: checked whole before any of it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import yaml
from pydantic import Field
from typing_extensions import TypedDict

from leanfair.errors import InputError
from leanfair.files.checked_json import DamagedError, checked

LARGEST = 1 << 22
"""Characters of a file."""
DEEPEST = 20
"""Lists and mappings inside of each other."""

Term = Annotated[str, Field(min_length=1, max_length=500)] | int | float
"""A word as YAML reads it: 34 is a number there."""
Terms = list[Term]

LexiconEntry = TypedDict(
    "LexiconEntry",
    {
        "name": Term,
        "version": Term,
        "licence": Term,
        "source": Term,
        "axes": Annotated[dict[Term, Terms], Field(min_length=1)],
        "values": Terms | dict[Term, Terms | None],
        "fields": Terms,
        "rows": list[dict[str, Terms | Term]],
        "unpaired": list[dict[str, Terms]],
        "protected": Terms,
        "heads": Terms,
        "not heads": Terms,
        "schemes": list["SchemeEntry"],
        "include": str,
        "names": str,
        "first": dict[str, dict[str, Terms]],
        "first words": dict[str, dict[str, Terms]],
        "last": dict[str, Terms],
        "words": dict[str, Terms],
        "wider": "WiderEntry",
    },
    total=False,
)
"""The content of a file: what `docs/fair.md` tells of it."""


class WiderEntry(TypedDict):
    """The same attribute with more values, taken where one of them is asked for."""

    values: Terms
    rows: list[dict[str, Terms | Term]]


class SchemeEntry(TypedDict):
    """How a known table writes the values: in a table with two of the columns `when`."""

    table: Term
    when: Terms
    terms: dict[Term, Term]


def check_content(data: Mapping[str, Any], path: str) -> None:
    """Raise InputError where the content of the file `path` is not what an attribute's is."""
    unknown = [key for key in data if key not in LexiconEntry.__annotations__]
    if unknown:
        raise InputError(
            f"{path}: there is no entry {str(unknown[0])[:50]!r}; they are "
            f"{', '.join(LexiconEntry.__annotations__)}."
        )
    try:
        checked(dict(data), LexiconEntry)
    except DamagedError as error:
        raise InputError(f"{path} is not the file of an attribute: {error}.") from error
    for entry in (*data.get("rows", ()), *data.get("wider", {}).get("rows", ())):
        _check_row(entry, path)
    if "first" in data and "include" not in data:
        raise InputError(f"{path}: 'first' needs 'include', the attribute that its words tell.")
    for names in (data.get("values", ()), *data.get("axes", {}).values()):
        plain = [str(name) for name in names]
        if len({*plain}) < len(plain):
            raise InputError(f"{path}: a value stands twice among {', '.join(plain)}.")


def _check_row(entry: Mapping[str, Any], path: str) -> None:
    for key, value in entry.items():
        right = isinstance(value, str) if key in ("only", "case") else isinstance(value, list)
        if not right:
            what = "a text" if key in ("only", "case") else "a list"
            raise InputError(f"{path}: {key!r} of a row has to be {what}, not {value!r:.50}.")


def check_bounded(text: str, path: str) -> None:
    """Raise InputError for YAML that is too long or nested too deeply, or in which a part stands
    for many others: a short text can then mean one that fits no memory."""
    if len(text) > LARGEST:
        raise InputError(
            f"{path} has more than {LARGEST:,} characters: an attribute has thousands."
        )
    deep = 0
    for token in yaml.scan(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        deep += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if deep > DEEPEST:
            raise InputError(f"{path} is nested more than {DEEPEST} deep: an attribute is flat.")
        if isinstance(token, (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken)):
            raise InputError(
                f"{path} has an anchor, an alias or a tag in line {token.start_mark.line + 1}: "
                f"write out what is meant, and quote words that begin with &, * or !."
            )


_OPENING = (
    yaml.BlockSequenceStartToken,
    yaml.BlockMappingStartToken,
    yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
)
_CLOSING = (yaml.BlockEndToken, yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)
