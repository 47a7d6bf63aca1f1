"""Calibration divides out what a model says to every text alike, and needs no labels for it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanfair.errors import InputError
from leanfair.fairness.judge.calibration import (
    MIN_BATCH,
    Leaning,
    batch_prior,
    calibrated,
    prior_of,
)
from leanfair.fairness.types import Answer

YES_NO = ("yes", "no")


def answer(yes: float) -> Answer:
    return Answer("answered", {"yes": yes, "no": 1 - yes})


def test_a_model_that_says_yes_to_all_says_no_below_its_mean() -> None:
    raw = [answer(0.53 + 0.01 * i) for i in range(10)]
    prior = batch_prior(raw, YES_NO)
    labels = [calibrated(a, prior).probabilities["yes"] > 0.5 for a in raw]
    assert labels == [False] * 5 + [True] * 5


def test_a_text_that_says_nothing_more_than_the_prior_comes_out_even() -> None:
    prior = prior_of([answer(0.8), answer(0.6)], YES_NO)
    assert prior == pytest.approx({"yes": 0.7, "no": 0.3})
    assert calibrated(answer(0.7), prior).probabilities == pytest.approx({"yes": 0.5, "no": 0.5})


@given(st.lists(st.floats(0, 1), min_size=MIN_BATCH, max_size=20), st.randoms())
def test_the_prior_is_the_same_to_the_last_bit_in_any_order(
    values: list[float], shuffler: random.Random
) -> None:
    raw = [answer(value) for value in values]
    shuffled = list(raw)
    shuffler.shuffle(shuffled)
    assert prior_of(raw, YES_NO) == prior_of(shuffled, YES_NO)


@given(st.floats(0, 1), st.floats(0, 1))
def test_calibrated_probabilities_sum_to_one(value: float, leaning: float) -> None:
    found = calibrated(answer(value), {"yes": leaning, "no": 1 - leaning}).probabilities
    assert sum(found.values()) == pytest.approx(1)
    assert all(0 <= p <= 1 for p in found.values())


def test_what_is_not_answered_neither_counts_nor_changes() -> None:
    refused = Answer("refused", {}, 0.01, "I can't.")
    assert calibrated(refused, {"yes": 0.5, "no": 0.5}) is refused
    assert prior_of([answer(0.8), refused], YES_NO)["yes"] == 0.8
    with pytest.raises(InputError, match="No text was answered"):
        prior_of([refused], YES_NO)


def test_a_batch_too_small_to_tell_a_leaning_is_an_input_error() -> None:
    with pytest.raises(InputError, match=f"at least {MIN_BATCH} answered texts, and here are 3"):
        batch_prior([answer(0.5)] * 3, YES_NO)


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_the_leaning_of_parts_is_that_of_the_whole_to_the_last_bit(parts: int) -> None:
    chances = [0.1 + 0.7 / (i + 1) for i in range(40)]
    found = [Answer("answered", {"yes": p, "no": 1 - p}) for p in chances] + [Answer("refused")]
    leaning = Leaning(["yes", "no"])
    for first in range(parts):
        leaning.add(found[first::parts])
    assert leaning.prior() == batch_prior(found, ["yes", "no"])


def test_a_leaning_of_few_is_none() -> None:
    with pytest.raises(InputError, match="at least 10 answered texts, and here are 0"):
        Leaning(["yes", "no"]).prior()
