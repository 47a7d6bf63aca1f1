"""Several callers in one round of the model: each gets what it would get alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanfair.errors import InputError
from leanfair.fairness.types import Decision, Item
from leanfair.serving.together import LOST, Group, ModelError, decide_apart
from tests.support.served import biased, fair, judge

RECORDS = "A {race} {job}. Hire?"
TEXTS = [
    "He is a Black man.",
    "She is a White woman.",
    "A clerk.",
    "",
    " ",
    "He is Black and White.",
]


def alone(decider: Any, items: Sequence[Item]) -> Any:
    (found,) = decide_apart(decider, [Group(items)])
    return found


def same(one: Any, other: Any) -> bool:
    if isinstance(one, BaseException):
        return type(one) is type(other) and str(one) == str(other)
    return bool(one == other)


@settings(max_examples=12)
@given(st.lists(st.lists(st.sampled_from(TEXTS), max_size=4), max_size=5))
def test_texts_of_several_callers_are_decided_as_those_of_one(groups: list[list[str]]) -> None:
    expected = [alone(fair(), group) for group in groups]
    assert decide_apart(fair(), [Group(group) for group in groups]) == expected


@settings(max_examples=15)
@given(
    st.lists(
        st.lists(
            st.fixed_dictionaries(
                {"race": st.sampled_from(["Black", "White", "Klingon", "", None])},
                optional={"job": st.sampled_from(["clerk", ""])},
            ),
            max_size=3,
        ),
        max_size=5,
    )
)
def test_records_that_cannot_be_used_are_told_to_their_caller_alone(groups: list[Any]) -> None:
    """A field that is missing, and a value of race that nobody knows."""
    expected = [alone(fair(prompt=RECORDS), group) for group in groups]
    found = decide_apart(fair(prompt=RECORDS), [Group(group) for group in groups])
    assert all(same(one, other) for one, other in zip(found, expected, strict=True))


def test_decisions_are_those_of_decide() -> None:
    items = ["He is a Black man.", "A clerk."]
    assert alone(fair(), items) == fair().decide(items)
    assert alone(judge(), items) == judge().decide(items)


def test_all_callers_share_a_call_of_the_model() -> None:
    calls: list[list[str]] = []

    def counted(texts: list[str]) -> Any:
        calls.append(texts)
        return biased(texts)

    decide_apart(fair(counted), [Group([text]) for text in ("He is Black.", "She is White.")])
    assert len(calls) == 1
    assert len(calls[0]) == 4


def test_a_text_of_two_callers_is_asked_once_and_answered_twice() -> None:
    calls: list[str] = []

    def counted(texts: list[str]) -> Any:
        calls.extend(texts)
        return biased(texts)

    one, two = decide_apart(fair(counted), [Group(["He is Black."]), Group(["He is Black."])])
    assert one == two
    assert len(calls) == 2


@pytest.mark.parametrize("raised", [ValueError, KeyError, SystemExit, MemoryError, InputError])
def test_a_text_on_which_the_model_fails_costs_its_own_caller_alone(
    raised: type[BaseException],
) -> None:
    def touchy(texts: list[str]) -> Any:
        if any("poison" in text for text in texts):
            raise raised(f"cannot read {texts}")
        return biased(texts)

    for worked in (False, True):
        decider = fair(touchy)
        if worked:
            alone(decider, ["A clerk."])
        good, bad, other = decide_apart(
            decider, [Group(["He is Black."]), Group(["poison, Black"]), Group(["She is White."])]
        )
        assert [d.status for d in (*good, *other)] == ["answered", "answered"]
        if isinstance(bad, BaseException):
            assert str(bad) == LOST
        else:
            assert bad[0].status == "failed"
        assert "poison" not in repr((good, other))
        assert "cannot read" not in repr(bad)


def test_what_a_model_says_of_its_failure_is_told_to_nobody() -> None:
    """The model quotes all that it was ever given; a caller is told that it failed, no more."""
    seen: list[str] = []

    def talkative(texts: list[str]) -> Any:
        seen.extend(texts)
        if len(seen) > 4:
            raise ValueError(" ".join(seen))
        return biased(texts)

    decider = fair(talkative)
    decide_apart(decider, [Group(["The secret of Ann, a Black woman."]), Group(["He is White."])])
    found = decide_apart(decider, [Group(["She is Black."]), Group(["He is a White man."])])
    assert [d.status for group in found for d in group] == ["failed", "failed"]  # type: ignore[union-attr]
    assert "secret" not in repr(found)


def test_wrong_shapes_are_the_model_s_fault() -> None:
    found = alone(fair(lambda texts: np.zeros((len(texts), 7))), ["He is Black."])
    assert isinstance(found, ModelError)


def test_nobody_is_asked_about_who_has_left() -> None:
    asked: list[str] = []

    def down(texts: list[str]) -> Any:
        asked.extend(texts)
        raise OSError("down")

    groups = [Group(["He is Black."]), Group(["She is White."], lambda: False)]
    found = decide_apart(fair(down), groups)
    assert all(isinstance(each, ModelError) for each in found)
    assert len(asked) == 4 + 2  # together, and then the one who waits


def test_what_is_empty_is_not_asked_about_and_keeps_its_place() -> None:
    found = alone(fair(), ["", "He is Black.", " \n"])
    assert [d.status for d in found] == ["empty", "answered", "empty"]
    assert all(isinstance(d, Decision) and d.forward_passes == 0 for d in found[::2])


def test_a_record_with_a_text_is_that_text() -> None:
    assert alone(fair(), [{"text": "He is Black.", "id": 7}]) == alone(fair(), ["He is Black."])


def test_a_text_where_records_are_asked_for_is_told() -> None:
    found = alone(fair(prompt=RECORDS), ["He is Black."])
    assert isinstance(found, InputError)
    assert "fields of a record" in str(found)


def test_no_group_is_no_work() -> None:
    assert decide_apart(fair(), []) == []
    assert decide_apart(fair(), [Group([])]) == [[]]
