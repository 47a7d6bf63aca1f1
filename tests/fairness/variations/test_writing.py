"""A record written anew keeps its types."""

from __future__ import annotations

from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.mentions.reading import Reading
from leanfair.fairness.variations.leaves import leaves
from leanfair.fairness.variations.writing import Part, as_text, rebuilt


def part(record: dict[str, Any]) -> Part:
    (leaf,) = leaves(record)
    return Part(str(leaf.value), Reading, lambda text: (), leaf)


@pytest.mark.parametrize(
    ("value", "text", "new"),
    [("a", "b", "b"), (34, "54", 54), (34.0, "54", 54.0), (True, "False", False), (34, "54.0", 54)],
)
def test_a_field_keeps_its_type(value: object, text: str, new: object) -> None:
    record = {"x": value}
    made = rebuilt(record, [part(record)], [text])["x"]
    assert made == new
    assert type(made) is type(new)


def test_what_a_type_cannot_hold_is_refused_by_name() -> None:
    record = {"x": 34}
    with pytest.raises(InputError, match="'x' holds 34"):
        rebuilt(record, [part(record)], ["old"])


def test_what_is_missing_is_an_empty_text() -> None:
    age = load_attribute("age")
    assert [as_text(value, age) for value in (None, float("nan"), 34.0)] == ["", "", "34"]
