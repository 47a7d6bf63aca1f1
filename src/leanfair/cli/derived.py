"""Options of a command that come from fields: their names, types, defaults and help."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, replace
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from leanfair.errors import OptionError
from leanfair.options import Option, options_of

Command = Callable[..., None]


def with_options(
    *kinds: type[Any], without: Collection[str] = (), asked_for: Collection[str] = ()
) -> Callable[[Command], Command]:
    """Give a command an option for each field of these dataclasses; it takes them by ``**given``,
    None where one was not given, and each value checked already. `asked_for`: fields without a
    default that the command asks for itself, since it does not always need them."""
    options = {
        name: replace(option, default=None, help=replace(option.help, default="none"))
        if name in asked_for
        else option
        for kind in kinds
        for name, option in options_of(kind).items()
        if name not in without
    }

    def decorate(command: Command) -> Command:
        hints = get_type_hints(command, include_extras=True)
        own = [
            parameter.replace(annotation=hints[name], kind=Parameter.KEYWORD_ONLY)
            for name, parameter in signature(command).parameters.items()
            if parameter.kind is not Parameter.VAR_KEYWORD
        ]
        derived = [parameter_of(option) for option in options.values()]

        def run(**given: Any) -> None:
            command(**given)

        first = [each for each in own if each.default is Parameter.empty]
        rest = [each for each in own if each.default is not Parameter.empty]
        parameters = [*first, *derived, *rest]
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate


def parameter_of(option: Option) -> Parameter:
    """The option of the command line for a field. What was not given is None."""
    required = option.default is MISSING
    kind: Any = _kind(option)
    told = option.help.text if required else f"{option.help.text} [default: {default_of(option)}]"
    numbers = ["NUMBER"] if option.choices and _numbers(option) else []
    annotation = typer.Option(
        flags_of(option), help=told, show_default=False,
        metavar="|".join([*numbers, *option.choices]) or None,
    )  # fmt: skip
    return Parameter(
        option.name,
        Parameter.KEYWORD_ONLY,
        annotation=Annotated[kind if required else kind | None, annotation],
        default=Parameter.empty if required else None,
    )


def flags_of(option: Option) -> str:
    """The names of an option on the command line."""
    plain = option.name.replace("_", "-")
    both = f"--{plain}/--no-{plain}" if option.kinds == (bool,) else f"--{plain}"
    return option.help.flags or both


def default_of(option: Option) -> str:
    """The default in words."""
    default = option.default
    if option.help.default:
        return option.help.default
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, tuple):
        return ",".join(f"{item:g}" for item in default) or "none"
    if isinstance(default, float):
        return f"{default:g}"
    return "none" if default is None else str(default)


def values_of(given: Mapping[str, Any], *kinds: type[Any]) -> dict[str, Any]:
    """What was given of the fields of these dataclasses, each checked. Raises OptionError."""
    found = {}
    for kind in kinds:
        for name, option in options_of(kind).items():
            if given.get(name) is None or given[name] == []:
                continue
            found[name] = _value(option, given[name])
            option.check(found[name])
    return found


def _kind(option: Option) -> Any:
    """The type of an option for typer: names and lists are text there."""
    if option.help.repeat:
        return list[str]
    plain = _numbers(option)
    return plain[0] if plain and not option.choices else str


def _numbers(option: Option) -> list[Any]:
    """The types of numbers that an option takes, and truth values."""
    return [kind for kind in option.kinds if kind in (bool, int, float)]


def _value(option: Option, given: Any) -> Any:
    """What was given: a text with commas as the tuple that it stands for, and one that is none of
    the names of an option that takes numbers, too, as a number."""
    lists = [kind for kind in option.kinds if get_origin(kind) is tuple]
    if not lists:
        numbers = _numbers(option)
        if not (numbers and isinstance(given, str)) or given in option.choices:
            return given
        try:
            return numbers[0](given)
        except ValueError:
            return given  # refused, with what it must be
    if not isinstance(given, str):
        return tuple(given)
    item = get_args(lists[0])[0]
    item = item if item in (int, float) else str
    try:
        return tuple(item(part.strip()) for part in given.split(",")) if given.strip() else ()
    except ValueError:
        raise OptionError(
            f"{{{option.name}}} must be {option.wanted}, with commas between, but is {given!r}.",
            option.name,
        ) from None
