"""Options and their forms: those that no answer could tell apart are refused, and no others."""

from __future__ import annotations

import pytest

from leanfair.errors import InputError
from leanfair.fairness.judge.options import Options


def test_an_option_may_be_written_in_several_cases() -> None:
    assert Options.of(["yes", "NO"]).forms == (("yes", "Yes"), ("NO", "no", "No"))


def test_forms_that_are_listed_are_all_there_are() -> None:
    options = Options.of({"yes": ["Approved", "granted"], "no": ["Denied"]})
    assert options.names == ("yes", "no")
    assert options.forms == (("Approved", "granted"), ("Denied",))
    assert Options.of(options.to_json()) == options


@pytest.mark.parametrize(
    "options",
    [
        ["yes", "yes"],
        ["yes", "Yes"],
        ["no", "no opinion"],
        ["no opinion", "no"],
        {"a": ["x", "y"], "b": ["Y"]},
        {"a": ["yes"], "b": ["yes, but"]},
    ],
)
def test_options_that_an_answer_cannot_tell_apart_are_an_input_error(options: object) -> None:
    with pytest.raises(InputError, match="cannot tell them apart"):
        Options.of(options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        ["no", "notable"],
        ["approve", "approval denied"],
        ["1", "10"],
        ["no", "no-one"],
        ["ja", "nein"],
    ],
)
def test_options_that_only_share_their_letters_are_fine(options: list[str]) -> None:
    assert Options.of(options).names == tuple(options)


@pytest.mark.parametrize(
    "options",
    ["yes,no", [], ["yes"], ["yes", ""], ["yes", 3], {"a": "yes", "b": ["no"]}, {"a": []}],
)
def test_broken_options_are_an_input_error(options: object) -> None:
    with pytest.raises(InputError):
        Options.of(options)  # type: ignore[arg-type]


def test_of_equally_probable_options_the_first_is_best() -> None:
    assert Options.of(["b", "a"]).best({"a": 0.5, "b": 0.5}) == "b"
