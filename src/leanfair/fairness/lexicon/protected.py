"""What must not count: a protected attribute, and how it is told in the data at hand."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import Attribute
from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.lexicon.with_names import (
    TOLD_BY_NAMES,
    with_names,
    with_names_of,
    without_names,
)

Counter: TypeAlias = Callable[[str], int]
"""How many tokens a tokenizer makes of a text."""
Names: TypeAlias = Literal["turn", "keep"]
"""What becomes of people's names that tell the attribute."""


@dataclass(frozen=True)
class ProtectedAttribute:
    """A lexicon and how it is used, as `attribute` makes it.

    `values`: only these values take part; None for all of the lexicon. `field`: the fields of a
    record that tell the attribute; None for those that are named like it, or else every text.
    `protect`: phrases that are not touched, besides the lexicon's. `source`: where the lexicon is
    from: its name in the package, the path of a file, or "" where it was given as a value.
    `names`: what becomes of people's names that tell race: "turn" with its words, "keep" as they
    are (said in the report), or None, for which an item with such a name is half understood.
    """

    lexicon: Attribute
    values: tuple[str, ...] | None = None
    field: tuple[str, ...] | None = None
    protect: tuple[str, ...] = ()
    source: str = ""
    names: Names | None = None

    @property
    def name_axis(self) -> int | None:
        """Which axis of the lexicon of names tells the attribute, where names are not, or not all,
        among its terms; None where they do not tell it, or all change with it."""
        if self.lexicon.name in TOLD_BY_NAMES:
            return 0
        return 1 if self.names == "keep" else None

    @property
    def name(self) -> str:
        """The attribute's name, as in "race"."""
        return self.lexicon.name

    def counted(self, tokenizer: Counter) -> ProtectedAttribute:
        """The same, with names that stand for names of as many tokens. Raises InputError for a
        lexicon that was given as a value, which cannot be put in another order."""
        if not self.source:
            raise InputError(
                f"The attribute {self.name!r} was given as a value, so its names cannot be put in "
                f"the order of a tokenizer: give its name or its file, or no tokenizer."
            )
        names = load_attribute("name", tokenizer)
        if self.names == "turn" and self.name in TOLD_BY_NAMES:
            return replace(self, lexicon=with_names_of(names, load_attribute(self.source)))
        found = names if self.source == "name" else load_attribute(self.source, tokenizer)
        return replace(self, lexicon=_with_names_that(self.names, found))


AttributeLike: TypeAlias = "str | Path | Mapping[str, Any] | Attribute | ProtectedAttribute"
"""A name, a YAML file, its content, or an attribute that is made already."""
Attributes: TypeAlias = "AttributeLike | Sequence[AttributeLike]"
"""One attribute, or several for all combinations of their values."""


def attribute(
    attribute: AttributeLike,
    values: Sequence[object] | None = None,
    field: str | Sequence[str] | None = None,
    protect: str | Sequence[str] = (),
    names: Names | None = None,
) -> ProtectedAttribute:
    """A protected attribute, to be given to `vary`, `mitigate` and `audit`.

    `attribute`: one of race, gender, age, religion, nationality, disability and name; or a YAML
    file of your own, or a dict of what such a file holds. `values`: only these values; of a record,
    the very values to write. `field`: the fields of a record that tell the attribute, where their
    names do not show it or where several do (sex and relationship). `protect`: phrases that must
    not be touched, besides the lexicon's. `names`: what becomes of people's names that tell race or
    gender: "turn", they change with its words (those of races that the tables of names know: black,
    white, asian, hispanic); "keep", they stay, and the report says so. Without it names that tell
    gender change, and an item with a name that tells race is half understood.

    Raises InputError where there is no such attribute, or where one of the others is no list of
    texts.
    """
    if isinstance(attribute, ProtectedAttribute):
        if (values, field, tuple(protect), names) != (None, None, (), None):
            raise InputError(
                f"The attribute {attribute.name!r} has its values, field, protect and names "
                f"already: give its name with others."
            )
        return attribute
    named = isinstance(attribute, (str, Path))
    shown = 'values=["Black", "White"]'
    return ProtectedAttribute(
        _with_names_that(names, load_attribute(attribute)),
        None if values is None else _texts(_written(values), "values", shown, 2),
        None if field is None else _texts(_listed(field), "field", 'field="race"', 1),
        _texts(_listed(protect), "protect", 'protect=["Black Friday"]', 0),
        str(attribute) if named else "",
        names,
    )


def takes_names(attribute: AttributeLike) -> bool:
    """Whether people's names tell the attribute, so that `names` goes with it."""
    lexicon = _made(attribute).lexicon
    return lexicon.has_names or lexicon.name in TOLD_BY_NAMES


def _with_names_that(names: Names | None, lexicon: Attribute) -> Attribute:
    """The lexicon for names that turn, or stay. Raises InputError where it is told by none."""
    if names is None:
        return lexicon
    if names not in get_args(Names):
        raise InputError(f"names is 'turn' or 'keep', not {names!r}.")
    if lexicon.has_names:
        return lexicon if names == "turn" else without_names(lexicon)
    if lexicon.name not in TOLD_BY_NAMES:
        raise InputError(
            f"names={names!r} goes with an attribute that people's names tell, which are race and "
            f"gender, not with {lexicon.name!r}."
        )
    return with_names(lexicon) if names == "turn" else lexicon


def attributes_of(attribute: Attributes) -> tuple[ProtectedAttribute, ...]:
    """The attributes that are meant by one or several. Raises InputError where there is none."""
    one = isinstance(attribute, (str, Path, Mapping, Attribute, ProtectedAttribute))
    if not one and not isinstance(attribute, Sequence):
        raise InputError(
            f"An attribute is a name, a YAML file or what leanfair.attribute makes, or a list of "
            f"them, and this one is of type {type(attribute).__name__}."
        )
    given: Sequence[AttributeLike] = [attribute] if one else attribute  # type: ignore[list-item, assignment]
    if not given:
        raise InputError('Name an attribute, as in attribute="race".')
    return tuple(_made(each) for each in given)


def with_old_settings(
    attribute: Attributes,
    values: Sequence[str] | None,
    field: str | Sequence[str] | None,
    protect: str | Sequence[str],
    stacklevel: int = 3,
) -> Attributes:
    """`attribute` with settings that were parameters of `vary`, `mitigate` and `audit` until 0.1.

    Warns where there are any, at the caller `stacklevel` frames up. Raises InputError where they
    do not go with `attribute`.
    """
    if values is None and field is None and not protect:
        return attribute
    warnings.warn(
        "values, field and protect as parameters go in a later release: give "
        "leanfair.attribute(name, values=..., field=..., protect=...) as the attribute.",
        DeprecationWarning,
        stacklevel=stacklevel,
    )
    plain = (str, Path, Mapping, Attribute, ProtectedAttribute)
    if isinstance(attribute, plain) or not isinstance(attribute, Sequence):
        return _made(attribute, values, field, protect)
    if len(attribute) > 1 and (values is not None or field is not None):
        raise InputError("values and field go with a single attribute, not with a list of them.")
    return [_made(each, values, field, protect) for each in attribute]


def _made(
    given: AttributeLike,
    values: Sequence[str] | None = None,
    field: str | Sequence[str] | None = None,
    protect: str | Sequence[str] = (),
) -> ProtectedAttribute:
    return attribute(given, values, field, protect)


def _listed(given: str | Sequence[str]) -> Sequence[str]:
    return (given,) if isinstance(given, str) else given


def _written(values: Sequence[object]) -> Sequence[str]:
    """Values as a table shows them: 0 and 1 are "0" and "1"."""
    if isinstance(values, (str, bytes, Mapping)) or not hasattr(values, "__iter__"):
        return values  # type: ignore[return-value]
    return [str(one) if isinstance(one, (int, float)) else one for one in values]  # type: ignore[misc]


def _texts(given: Sequence[str], what: str, example: str, least: int) -> tuple[str, ...]:
    if isinstance(given, (str, bytes, Mapping)) or not hasattr(given, "__iter__"):
        raise InputError(f"{what} is a list of texts, as in {example}, not {given!r}.")
    found = tuple(given)
    if len(found) < least or not all(isinstance(one, str) and one.strip() for one in found):
        many = {0: "", 1: "one or more ", 2: "two or more "}[least]
        raise InputError(f"{what} is a list of {many}texts, as in {example}, not {list(found)!r}.")
    return found
