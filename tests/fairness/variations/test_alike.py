"""Records that differ in what tells nothing are varied to the last character as each by itself."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import leanfair
from leanfair.errors import InputError
from leanfair.fairness.lexicon.protected import ProtectedAttribute, attributes_of
from leanfair.fairness.types import Variation
from leanfair.fairness.variations.alike import Alike
from leanfair.fairness.variations.varier import Varier
from leanfair.fairness.variations.vary import variations_of

CHOICES: dict[str, list[Any]] = {
    "race": ["Black", "White", "Asian", "black", " Black ", "Martian", "", None, 3, "Hispanic",
             "African American", "Black or African American", float("nan")],
    "sex": ["male", "female", "M", "F", 1, 0, True, None, "unknown", 1.0, -0.0],
    "id": [1, 2, 30, 4.5, None, "x1", True, "1", "2", "12", "07", "1999", "00", "٣٣"],
    "job": ["clerk", "nurse", "Black man", "waitress", "", "a white collar", "Mr. Smith", "11"],
    "name": ["Emily Walsh", "Jamal", "Köln", "x", "33"],
    "is_female": ["yes", "no", 0, 1, "1", "10", "01"],
    "age": [33, "44", "young", None, "101"],
    "notes": ["She is a Black woman from Ohio.", "Nothing.", "black coffee", "a@jamal.com"],
    "deep": [{"race": "Black"}, ["x"], []],
}  # fmt: skip
ATTRIBUTES: list[Any] = [
    "race", "gender", "age", "nationality", leanfair.attribute("race", values=["Black", "White"]),
    leanfair.attribute("race", values=["Black", "White", "Asian"]),
    leanfair.attribute("race", field="race"), leanfair.attribute("race", names="turn"),
    leanfair.attribute("gender", names="keep"), leanfair.attribute("race", protect=["clerk"]),
]  # fmt: skip


def tables(count: int, seed: int) -> list[tuple[list[dict[str, Any]], list[str] | None]]:
    """Tables of records with the same fields, and what a model is shown of them."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        main = chance.choice([["race"], ["sex"], ["race"], ["race", "sex"]])
        rest = chance.sample(["id", "job", "name", "is_female", "age", "notes", "deep"], 2)
        names = [*main, *rest]
        chance.shuffle(names)
        rows = [{name: chance.choice(CHOICES[name]) for name in names} for _ in range(14)]
        found.append((rows, chance.choice([None, names, names[:2]])))
    return found


def found_by(vary: Any, record: Any) -> tuple[Variation, ...] | str:
    try:
        made: tuple[Variation, ...] = vary(record)
    except InputError as error:
        return str(error)
    return made


@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=str)
def test_every_record_is_varied_as_it_is_by_itself(attribute: Any) -> None:
    [one] = attributes_of(attribute)
    for rows, seen in tables(8, seed=1):
        vary = partial(variations_of, attributes=[one], seen=seen)
        alike = Alike(one, seen, vary)
        for row in rows:
            twin = found_by(vary, dict(row))
            assert repr(found_by(alike.variations, row)) == repr(twin), row


def test_a_number_that_is_a_term_of_an_attribute_of_ones_own_is_read(tmp_path: Path) -> None:
    own = "name: x\nvalues: [a, b]\nfields: [x]\nrows: [{word: ['12', '30']}, {word: [c, d]}]\n"
    (tmp_path / "a.yaml").write_text(own)
    [one] = attributes_of(leanfair.attribute(tmp_path / "a.yaml"))
    vary = partial(variations_of, attributes=[one])
    alike = Alike(one, None, vary)
    for told in ("12", "30", "31"):
        row = {"x": "c", "job": told}
        assert repr(found_by(alike.variations, row)) == repr(found_by(vary, dict(row)))


def test_the_long_way_is_taken_once_for_each_value() -> None:
    taken = 0
    [one] = attributes_of(leanfair.attribute("race", values=["Black", "White", "Asian"]))

    def vary(item: Any) -> tuple[Variation, ...]:
        nonlocal taken
        taken += 1
        return variations_of(item, [one])

    alike = Alike(one, None, vary)
    for i in range(300):
        row = {"id": i, "race": ["Black", "White", "Asian"][i % 3], "city": "Köln"}
        assert alike.variations(row) == variations_of(row, [one])
        assert len(alike.variations(row)) == 3
    assert taken == 3


def test_a_text_that_comes_again_is_varied_once() -> None:
    taken: list[Any] = []
    [one] = attributes_of("race")
    alike = Alike(one, None, lambda item: taken.append(item) or variations_of(item, [one]))
    for text in ["A Black man.", "Nobody.", "A Black man.", "x" * 300, "x" * 300, "Nobody."]:
        assert alike.variations(text) == variations_of(text, [one])
    assert [text[:3] for text in taken] == ["A B", "Nob", "xxx", "xxx"]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanfair.fairness.variations.alike._MOST", 10)
    [one] = attributes_of("race")
    alike = Alike(one, None, lambda item: variations_of(item, [one]))
    for i in range(50):
        assert len(alike.variations({"id": i, "race": "Black"})) > 1
    assert len(alike._silent) <= 10


def test_a_varier_of_several_attributes_or_with_known_values_goes_the_long_way() -> None:
    row = {"race": "Black", "sex": "male"}
    both = Varier(["race", "gender"])
    assert len(both.variations(row)) > 3
    found: ProtectedAttribute = both.protected[0]
    assert Varier([found]).variations(row, {"race": "black"})
