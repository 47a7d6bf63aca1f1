"""A mitigated decision is exactly the same, whichever variation of a text comes in."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

import leanfair
from leanfair.errors import InputError
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.mitigate import mitigate
from leanfair.fairness.rules import RULES
from leanfair.fairness.variations.varier import Varier

OPTIONS = ("yes", "no", "maybe")
JOINT = ("mean", "vote", "abstain", "blind")
TEXTS = [
    "He is a Black man from Ohio.",
    "A White nurse and an Asian doctor applied.",
    "She is Hispanic. The loan is small.",
    "The applicant's race is Native American.",
]


def prejudiced(texts: list[str]) -> np.ndarray:
    """Probabilities that hang on every letter of a text; for some texts, none at all."""
    rows = []
    for text in texts:
        seed = hashlib.sha256(text.encode()).digest()
        weights = np.random.default_rng(list(seed)).random(len(OPTIONS)) ** 3
        rows.append(weights * np.nan if seed[0] % 5 == 0 else weights / weights.sum())
    return np.array(rows)


def judge() -> Judge:
    return Judge(prejudiced, "Decide: {text}", OPTIONS)


# ---- invariance -----------------------------------------------------------------------------


@pytest.mark.parametrize("rule", JOINT)
@pytest.mark.parametrize("text", TEXTS)
def test_whichever_variation_comes_in_the_decision_is_the_same_to_the_last_bit(
    rule: Any, text: str
) -> None:
    fair = mitigate(judge(), "race", rule)
    found = set()
    for variation in Varier("race").variations(text):
        d = fair.decide([variation.item])[0]
        found.add((d.label, tuple(d.probabilities.items()), d.status, d.captured))
    assert len(found) == 1


@pytest.mark.parametrize("rule", JOINT)
def test_the_same_holds_for_products_and_records(rule: Any) -> None:
    base = Judge(prejudiced, "{sex} {race} {income}", OPTIONS)
    fair = mitigate(base, ["race", "gender"], rule)
    record = {"race": "White", "sex": "Male", "income": 7}
    items = [v.item for v in fair.varier.variations(record)] or [record]
    assert rule == "blind" or len(items) == 10
    decided = [(d.label, d.probabilities, d.status) for d in fair.decide(items)]
    assert all(one == decided[0] for one in decided)


# ---- a judge again --------------------------------------------------------------------------


def test_a_mitigated_judge_is_a_judge() -> None:
    base = judge()
    fair = mitigate(base, "race")
    assert isinstance(fair, Judge)
    assert fair.base is base
    assert (fair.attribute, fair.rule) == ("race", "mean")
    assert list(fair.classes_) == list(OPTIONS)
    labels, chances = fair.predict(TEXTS), fair.predict_proba(TEXTS)
    for label, row, decision in zip(labels, chances, fair.decide(TEXTS), strict=True):
        assert label == decision.label
        assert np.isnan(row).all() == (label is None)
    assert clone(fair).rule == "mean"
    assert fair.describe()["rule"] == "mean"
    assert fair.describe()["lexicons"] == {"race": Varier("race").attributes[0].version}


def test_a_decision_shows_what_it_was_made_of() -> None:
    base = judge()
    decision = mitigate(base, "race").decide([TEXTS[0]])[0]
    assert decision.forward_passes == len(decision.variations) == base.forward_passes == 5
    assert [v.text for v in decision.variations if v.original] == [TEXTS[0]]
    for v in decision.variations:
        answer = base.answers([v.text])[0]
        assert v.answer == answer
    assert base.forward_passes == 5  # nothing is asked twice


def test_rules_stack() -> None:
    twice = mitigate(mitigate(judge(), "race"), "gender")
    text = "He is a Black man."
    decided = [twice.decide([v.item])[0] for v in Varier(["race", "gender"]).variations(text)]
    assert len({(d.label, d.status, tuple(d.probabilities.values())) for d in decided}) == 1


@pytest.mark.parametrize("rule", RULES)
def test_a_text_without_the_attribute_is_decided_as_it_is(rule: Any) -> None:
    texts = ["The bank is near the river 3.", "Nobody told us 5."]
    plain = judge().decide(texts)
    for before, after in zip(plain, mitigate(judge(), "race", rule).decide(texts), strict=True):
        assert (after.label, after.probabilities) == (before.label, before.probabilities)
        assert after.flipped is None
        assert after.note == "the text does not tell race"


def test_unanswered_variations_are_told_in_the_note() -> None:
    def shy(texts: list[str]) -> list[list[float]]:
        nothing = [math.nan, math.nan]
        return [nothing if "Asian" in text else [0.6, 0.4] for text in texts]

    decision = mitigate(Judge(shy, "{text}", ["yes", "no"]), "race").decide([TEXTS[0]])[0]
    assert decision.label == "yes"
    assert decision.flipped is True
    assert decision.note == "of 5 variations 1 unparsed"
    assert decision.captured == pytest.approx(4 / 5)


def test_a_batch_calibration_is_fitted_over_all_variations() -> None:
    def leaning(texts: list[str]) -> np.ndarray:
        raw = np.nan_to_num(prejudiced(texts)[:, :2], nan=0.5) + 1e-3
        return raw / raw.sum(axis=1, keepdims=True)

    def fitted(texts: Sequence[str]) -> list[Any]:
        base = Judge(leaning, "{text}", ["yes", "no"], calibration="batch")
        fair = mitigate(base, "race").fit(list(texts))
        return [(d.label, d.probabilities) for d in fair.decide(list(texts))]

    others = [Varier("race").variations(text)[-1].text for text in TEXTS]
    assert fitted(TEXTS) == fitted(others)


# ---- bad input ------------------------------------------------------------------------------


def test_a_value_the_lexicon_lacks_is_told_with_the_row() -> None:
    told = "^Row 1 of the table: the lexicon of 'race' has no value 'Martian'; it has black, white"
    with pytest.raises(InputError, match=told):
        mitigate(judge(), leanfair.attribute("race", values=["black", "Martian"])).decide(TEXTS)


def test_an_unknown_attribute_is_told_at_once() -> None:
    with pytest.raises(InputError, match="no attribute 'rase'"):
        mitigate(judge(), "rase")
    with pytest.raises(InputError, match="Name an attribute"):
        mitigate(judge(), [])
    with (
        pytest.warns(DeprecationWarning, match=r"leanfair\.attribute"),
        pytest.raises(InputError, match="single attribute"),
    ):
        mitigate(judge(), ["race", "gender"], values=["black"])


def test_a_broken_row_is_told_by_its_number_in_the_table_that_came_in() -> None:
    fair = mitigate(judge(), "race")
    for wrong in ("", None, 3.5):
        with pytest.raises(InputError, match=r"^Row 3 of the table"):
            fair.decide([TEXTS[0], TEXTS[1], wrong])  # type: ignore[list-item]
    records = [{"race": "White", "rice": "White"}, {"race": "White"}]
    fair = mitigate(Judge(prejudiced, "{race}", OPTIONS), leanfair.attribute("race", field="rice"))
    with pytest.raises(InputError, match=r"^Row 2 of the table: the record has no field 'rice'"):
        fair.decide(records)
