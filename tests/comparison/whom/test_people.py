"""What has to be said about people, and what is told where it is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leanfair.comparison.pair import Pair
from leanfair.comparison.whom.people import People, check_people, people_of
from leanfair.errors import InputError
from tests.support.judges import people
from tests.support.pairs import small_pair
from tests.support.sides import about, language_pair

WHOLE: dict[str, Any] = {
    "prompt": "{job} {race}?", "options": ["yes", "no"], "favourable": "yes", "group": "race",
}  # fmt: skip


def test_a_table_and_arguments_are_people() -> None:
    rows = people(4)
    found = people_of(rows, **WHOLE)
    assert found == People(rows, **WHOLE)
    assert people_of(found) is found
    assert people_of(found, label="hired") == replace(found, label="hired")
    assert people_of(None) is None


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_what_is_missing_is_named(name: str) -> None:
    given = {key: value for key, value in WHOLE.items() if key != name}
    with pytest.raises(InputError, match=f"^{name} is missing"):
        people_of(people(4), **given)


@pytest.mark.parametrize("name", [*WHOLE, "attribute", "label"])
def test_what_needs_people_is_refused_without(name: str) -> None:
    with pytest.raises(InputError, match=f"^{name} says how people are decided about"):
        people_of(None, **{name: WHOLE.get(name, "race")})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"group": "rase"}, "rase"),
        ({"favourable": "maybe"}, "none of the options"),
        ({"prompt": "Hire?"}, "slot|place"),
        ({"prompt": "Hire {nobody}?"}, "nobody"),
        ({"options": ["yes", "yes"]}, "yes"),
        ({"options": ["yes", " yes"]}, "written alike"),
        ({"prompt": "Hire {race}? " + "So? " * 300}, "Row 1 makes a prompt of"),
        ({"attribute": "rays"}, "rays"),
        ({"label": "fired"}, "fired"),
    ],
)
def test_what_is_wrong_with_them_is_told_before_anything_is_asked(
    changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        check_people(language_pair(), about(20, **changed))


def test_only_language_models_are_asked_with_a_prompt() -> None:
    with pytest.raises(InputError, match="is no language model"):
        check_people(small_pair(), about(20))


def test_a_model_without_a_tokenizer_is_not_asked(tmp_path: Path) -> None:
    pair = language_pair()
    bare = Pair(replace(pair.parent, tokenizer=None), pair.child, None, True)
    with pytest.raises(InputError, match="Parent has no tokenizer"):
        check_people(bare, about(20))
