"""Her is read as an object, a possessive or what is owned, by what follows it."""

from __future__ import annotations

import pytest

from leanfair.fairness.variations.vary import vary


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("We hired her.", "We hired him."),
        ("We hired him yesterday.", "We hired her yesterday."),
        ("Her car is red.", "His car is red."),
        ("His old car is red.", "Her old car is red."),
        ("The car is hers.", "The car is his."),
        ("The car is his.", "The car is hers."),
        ("She said that he knew.", "He said that she knew."),
        ("She hurt herself.", "He hurt himself."),
    ],
)
def test_each_pronoun_is_turned_to_its_own_counterpart(text: str, other: str) -> None:
    assert other in {variation.text for variation in vary(text, "gender")}
    assert text in {variation.text for variation in vary(other, "gender")}
