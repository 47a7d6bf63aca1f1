"""What is remembered is what would be made anew, and never more than fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leanfair.fairness.remembered import Remembered


@given(st.lists(st.tuples(st.text(max_size=8), st.integers(0, 2)), max_size=40))
def test_the_result_is_that_of_the_function(calls: list[tuple[str, int]]) -> None:
    kept = Remembered(lambda text, times: text * times, entries=3, letters=12)
    assert [kept(text, times) for text, times in calls] == [text * times for text, times in calls]


def test_a_text_that_is_known_is_not_read_again() -> None:
    made: list[str] = []
    kept = Remembered(made.append, entries=2, letters=100)
    for text in ("a", "b", "a", "c", "a", "b"):
        kept(text)
    assert made == ["a", "b", "c", "b"]


def test_long_texts_make_room_for_one_another_and_the_latest_stays() -> None:
    made: list[str] = []
    kept = Remembered(made.append, entries=100, letters=10)
    for text in ("a" * 6, "b" * 6, "b" * 6, "c" * 50, "c" * 50, "a" * 6):
        kept(text)
    assert made == ["a" * 6, "b" * 6, "c" * 50, "a" * 6]
    kept.forget()
    kept("a" * 6)
    assert len(made) == 5
