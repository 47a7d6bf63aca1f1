"""Options are stated once, as fields, and tell themselves which values make sense."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol

import pytest

from leanfair.errors import InputError, OptionError
from leanfair.options import Help, Range, check, check_names, options_of


class Function(Protocol):
    def __call__(self, value: int, /) -> int: ...


@dataclass(frozen=True)
class Stated:
    share: Annotated[float, Help("A share."), Range(above=0, below=1)]
    count: Annotated[int, Help("A count."), Range(least=1)] = 1
    name: Annotated[Literal["a", "b"] | Function, Help("A name or a function.")] = "a"
    sizes: Annotated[tuple[int, ...], Help("Sizes."), Range(least=1)] = (1,)
    text: Annotated[str | None, Help("A text.")] = None
    kept: Annotated[list[int], Help("Anything.")] = field(default_factory=list)


def test_fields_are_read_with_their_help_and_their_default() -> None:
    found = options_of(Stated)
    assert list(found) == ["share", "count", "name", "sizes", "text", "kept"]
    assert found["count"].help.text == "A count."
    assert (found["count"].default, found["text"].default) == (1, None)
    assert found["name"].choices == ("a", "b")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"share": 1}, "share must be a number between 0 and 1, but is 1."),
        ({"share": float("nan")}, "share must be a number between 0 and 1, but is nan."),
        ({"share": True}, "share must be a number between 0 and 1, but is True."),
        ({"count": 0}, "count must be a whole number, 1 or more, but is 0."),
        ({"count": 1.0}, "count must be a whole number, 1 or more, but is 1.0."),
        ({"name": "c"}, "name must be one of a or b, or a function, but is 'c'."),
        ({"name": ["a"]}, "name must be one of a or b, or a function, but is ['a']."),
        ({"sizes": (2, 2)}, "sizes must be a list without doubles, each item a whole number, 1 or"),
        ({"text": " "}, "text must be a text that is not empty, but is ' '."),
    ],
)
def test_a_value_that_makes_no_sense_is_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        check(Stated(**{"share": 0.5, **values}))
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    "values", [{"name": "b"}, {"name": abs}, {"sizes": ()}, {"sizes": [3, 4]}, {"text": None}]
)
def test_other_values_are_taken(values: dict[str, Any]) -> None:
    check(Stated(**{"share": 0.5, **values}))


@pytest.mark.parametrize(
    ("limits", "told", "inside", "outside"),
    [
        (Range(above=0), "above 0", (0.1, 1e9), (0, -1, float("inf"))),
        (Range(least=2), "2 or more", (2, 3), (1.9, float("inf"))),
        (Range(above=0, below=1), "between 0 and 1", (0.5,), (0, 1)),
        (Range(least=0, most=1), "from 0 to 1", (0, 1), (-0.1, 1.1)),
        (Range(least=0, below=1), "from 0 to below 1", (0, 0.9), (1,)),
    ],
)
def test_a_range_tells_its_ends(
    limits: Range, told: str, inside: tuple[float, ...], outside: tuple[float, ...]
) -> None:
    assert str(limits) == told
    assert all(value in limits for value in inside)
    assert not any(value in limits for value in outside)


def test_a_typo_is_told_with_the_nearest_name() -> None:
    with pytest.raises(OptionError, match="no option 'cuont': did you mean 'count'"):
        check_names(["count", "cuont"], options_of(Stated))


def test_an_option_is_told_as_it_is_called() -> None:
    error = OptionError("{a_b} must not be {b}, but is '{b}'.", "a_b")
    assert str(error) == "a_b must not be {b}, but is '{b}'."
    assert error.told(lambda name: f"--{name.replace('_', '-')}").startswith("--a-b must")
