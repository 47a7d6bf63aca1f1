"""What must not count: a protected attribute, and how it is told in the data at hand."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import Attribute
from leanfair.fairness.lexicon.loading import load_attribute

Counter: TypeAlias = Callable[[str], int]
"""How many tokens a tokenizer makes of a text."""


@dataclass(frozen=True)
class ProtectedAttribute:
    """A lexicon and how it is used, as `attribute` makes it.

    `values`: only these values take part; None for all of the lexicon. `field`: the fields of a
    record that tell the attribute; None for those that are named like it, or else every text.
    `protect`: phrases that are not touched, besides the lexicon's. `source`: where the lexicon is
    from: its name in the package, the path of a file, or "" where it was given as a value.
    """

    lexicon: Attribute
    values: tuple[str, ...] | None = None
    field: tuple[str, ...] | None = None
    protect: tuple[str, ...] = ()
    source: str = ""

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
        return replace(self, lexicon=load_attribute(self.source, tokenizer))


AttributeLike: TypeAlias = "str | Path | Mapping[str, Any] | Attribute | ProtectedAttribute"
"""A name, a YAML file, its content, or an attribute that is made already."""
Attributes: TypeAlias = "AttributeLike | Sequence[AttributeLike]"
"""One attribute, or several for all combinations of their values."""


def attribute(
    attribute: AttributeLike,
    values: Sequence[object] | None = None,
    field: str | Sequence[str] | None = None,
    protect: str | Sequence[str] = (),
) -> ProtectedAttribute:
    """A protected attribute, to be given to `vary`, `mitigate` and `audit`.

    `attribute`: one of race, gender, age, religion, nationality, disability and name; or a YAML
    file of your own, or a dict of what such a file holds. `values`: only these values; of a record,
    the very values to write. `field`: the fields of a record that tell the attribute, where their
    names do not show it or where several do (sex and relationship). `protect`: phrases that must
    not be touched, besides the lexicon's.

    Raises InputError where there is no such attribute, or where one of the others is no list of
    texts.
    """
    if isinstance(attribute, ProtectedAttribute):
        if (values, field, tuple(protect)) != (None, None, ()):
            raise InputError(
                f"The attribute {attribute.name!r} has its values, field and protect already: give "
                f"its name with others."
            )
        return attribute
    named = isinstance(attribute, (str, Path))
    shown = 'values=["Black", "White"]'
    return ProtectedAttribute(
        load_attribute(attribute),
        None if values is None else _texts(_written(values), "values", shown, 2),
        None if field is None else _texts(_listed(field), "field", 'field="race"', 1),
        _texts(_listed(protect), "protect", 'protect=["Black Friday"]', 0),
        str(attribute) if named else "",
    )


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
