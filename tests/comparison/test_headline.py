"""The sentences on top of a page."""

from __future__ import annotations

import pytest

from leanfair.comparison.headline import Said, headline_of, listed


@pytest.mark.parametrize(
    ("said", "sentences"),
    [
        ([Said(lost=("lost a",))], ["X lost a."]),
        ([Said(won=("won b",))], ["X won b."]),
        (
            [Said(lost=("lost a",)), Said(won=("won b", "won c"))],
            ["X lost a; it won b and won c."],
        ),
        (
            [Said(lost=("lost a",)), Said(unknown=("d",))],
            ["X lost a.", "Nothing can be said about d."],
        ),
        ([Said(unknown=("d", "e"))], ["Nothing can be said about d and e."]),
        ([], ["X was measured beside its parent, and nothing told them apart."]),
    ],
)
def test_losses_come_first_and_what_is_not_known_last(
    said: list[Said], sentences: list[str]
) -> None:
    assert headline_of("X", said) == sentences


def test_parts_are_listed_with_a_last_and() -> None:
    assert [listed("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
