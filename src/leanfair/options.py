"""Options as typed fields: what each means and which values it takes, said once.

A frozen dataclass states an option as ``name: Annotated[type, Help("..."), Range(...)] = default``.
The check of a value, the option of the command line and its help all come from that.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from leanfair.errors import OptionError


@dataclass(frozen=True)
class Help:
    """What an option is for. `default` tells the default in words, where it is not one value;
    `flags` are its names on the command line, where they are not the field's name; `repeat` says
    that it is given once for each value there, and not with commas."""

    text: str
    default: str = ""
    flags: str = ""
    repeat: bool = False


@dataclass(frozen=True)
class Range:
    """The numbers that make sense: `above` and `below` leave their end out, `least` and `most`
    include it."""

    above: float | None = None
    least: float | None = None
    below: float | None = None
    most: float | None = None

    def __contains__(self, value: float) -> bool:
        """Whether `value` is one of them. Infinity and NaN never are."""
        return (
            math.isfinite(value)
            and (self.above is None or value > self.above)
            and (self.least is None or value >= self.least)
            and (self.below is None or value < self.below)
            and (self.most is None or value <= self.most)
        )

    def __str__(self) -> str:
        if self.above is not None and self.below is not None:
            return f"between {self.above:g} and {self.below:g}"
        if self.least is not None and self.most is not None:
            return f"from {self.least:g} to {self.most:g}"
        if self.least is not None and self.below is not None:
            return f"from {self.least:g} to below {self.below:g}"
        return f"above {self.above:g}" if self.above is not None else f"{self.least:g} or more"


ANY = Range()


@dataclass(frozen=True)
class Option:
    """A field of a dataclass of options. `kind` is its type; `default` is `MISSING` where the
    option has to be given."""

    name: str
    kind: Any
    help: Help
    limits: Range
    default: Any = MISSING

    @property
    def kinds(self) -> tuple[Any, ...]:
        """The types that a value may have, without None."""
        return tuple(kind for kind in _members(self.kind) if kind is not type(None))

    @property
    def choices(self) -> tuple[str, ...]:
        """The names to choose from; empty where it is no such option."""
        return tuple(
            c for kind in self.kinds if get_origin(kind) is Literal for c in get_args(kind)
        )

    @property
    def wanted(self) -> str:
        """Which values it takes, in words."""
        return ", or ".join(_told(kind, self.limits) for kind in self.kinds)

    def takes(self, value: Any) -> bool:
        """Whether `value` makes sense by itself."""
        return any(_fits(kind, value, self.limits) for kind in _members(self.kind))

    def check(self, value: Any) -> None:
        """Raise OptionError where `value` makes no sense."""
        if not self.takes(value):
            raise OptionError(
                f"{{{self.name}}} must be {self.wanted}, but is {value!r}.", self.name
            )


def options_of(kind: type[Any]) -> Mapping[str, Option]:
    """The options that a dataclass states, by name, in its order."""
    hints = get_type_hints(kind, include_extras=True)
    found = {}
    for each in fields(kind):
        hint = hints[each.name]
        plain, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        default = each.default
        if each.default_factory is not MISSING:
            default = each.default_factory()
        found[each.name] = Option(
            each.name,
            plain,
            next(note for note in notes if isinstance(note, Help)),
            next((note for note in notes if isinstance(note, Range)), ANY),
            default,
        )
    return found


def check(stated: Any) -> None:
    """Raise OptionError for the first value of a dataclass of options that makes no sense."""
    for name, option in options_of(type(stated)).items():
        option.check(getattr(stated, name))


def check_names(given: Iterable[str], known: Iterable[str]) -> None:
    """Raise OptionError for a name that there is not, with the nearest one that there is."""
    names = sorted(known)
    for name in given:
        if name not in names:
            near = get_close_matches(name.lower(), names, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else f"choose among {', '.join(names)}."
            raise OptionError(f"There is no option {name!r}: {remedy}")


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _fits(kind: Any, value: Any, limits: Range) -> bool:
    """Whether `value` is of this type, and a number in its limits. A truth value is no number here,
    though it is one to Python. A list of names has at least one."""
    if get_origin(kind) is Literal:
        return any(type(value) is type(choice) and value == choice for choice in get_args(kind))
    if get_origin(kind) is tuple:
        item, _ = get_args(kind)
        return (
            isinstance(value, (tuple, list))
            and (bool(value) or item in (int, float))
            and all(_fits(item, each, limits) for each in value)
            and len({*value}) == len(value)
        )
    if kind in (int, float):
        numbers = int if kind is int else (int, float)
        return isinstance(value, numbers) and not isinstance(value, bool) and value in limits
    if kind is str:
        return isinstance(value, str) and bool(value.strip())
    if getattr(kind, "_is_protocol", False):
        return callable(value)
    return isinstance(value, get_origin(kind) or kind)


_NAMES: Mapping[Any, Callable[[str], str]] = {
    int: lambda limits: f"a whole number{limits}",
    float: lambda limits: f"a number{limits}",
    str: lambda limits: "a text that is not empty",
    bool: lambda limits: "True or False",
}


def _told(kind: Any, limits: Range) -> str:
    if get_origin(kind) is Literal:
        *most, last = get_args(kind)
        return f"one of {', '.join(most)} or {last}" if most else str(last)
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        some = "a list" if item in (int, float) else "a list that is not empty,"
        return f"{some} without doubles, each item {_told(item, limits)}"
    if kind in _NAMES:
        bare = limits == ANY
        comma = "," if limits.above is limits.below is limits.most is None else ""
        return _NAMES[kind]("" if bare else f"{comma} {limits}")
    return "a function" if getattr(kind, "_is_protocol", False) else f"a {kind.__name__}"
