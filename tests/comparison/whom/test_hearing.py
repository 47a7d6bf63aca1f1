"""Both models are asked the same, each answer is kept, and nothing is paid twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from leanfair.comparison.whom.hearing import hear_both
from leanfair.fairness.judge.store import Store
from leanfair.fairness.types import Answer
from tests.support.judges import Scripted, biased, judge, said, shy
from tests.support.sides import about, language_pair


def test_both_are_asked_about_the_same_and_their_audits_are_written(tmp_path: Path) -> None:
    one, two = Scripted(lambda _: said("yes")), Scripted(shy)
    shares: list[float] = []
    found = hear_both((one, two), about(20), out=tmp_path, tell=shares.append)
    assert one.seen == two.seen
    assert [page.exists() for page in found.pages] == [True, True]
    assert (tmp_path / "child" / "summary.json").exists()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_outcomes_and_captured_mass_are_those_of_the_rows_as_they_are() -> None:
    found = hear_both((Scripted(lambda _: said("yes")), Scripted(shy)), about(60))
    outcomes = found.outcomes()
    rows = about(60).rows
    expected = [shy(row) for row in rows]
    refused = np.array([answer.status == "refused" for answer in expected])
    assert (outcomes["refusal_rate"].child == refused).all()
    assert (outcomes["answer_rate"].child == ~refused).all()
    assert outcomes["selection_rate"].parent.all()
    assert found.captured().tolist() == [[1.0, answer.captured] for answer in expected]


def test_without_labels_there_is_no_accuracy() -> None:
    judges = (judge(biased()), judge(biased("black", 0.2)))
    found = hear_both(judges, about(20, label=None)).outcomes()
    assert list(found) == ["selection_rate", "answer_rate", "refusal_rate"]


def test_a_group_that_is_hardly_answered_is_silent() -> None:
    def never_black(item: object) -> Answer:
        black = item["race"] == "black"  # type: ignore[index]
        return Answer("refused", captured=0.0, text="I cannot.") if black else said("yes")

    found = hear_both((Scripted(lambda _: said("yes")), Scripted(never_black)), about(20))
    told = found.silent(found.parent.table.groupings[0])
    assert list(told) == [0]
    assert "the child answered only 0" in told[0]


def test_answers_that_are_kept_are_not_paid_for_again(tmp_path: Path) -> None:
    asked = about(6, prompt="The applicant is {race}, {job}. Answer:", min_captured=0.0)
    pair, paid = language_pair(), []
    for _ in range(2):
        judges = [
            asked.judge(side, tmp_path / name)
            for side, name in zip(pair.sides, ("parent", "child"), strict=True)
        ]
        hear_both((judges[0], judges[1]), asked, out=tmp_path)
        paid.append(sum(each.forward_passes for each in judges))
        for each in judges:
            assert isinstance(each.store, Store)
            each.store.close()
    assert paid[0] > 0
    assert paid[1] == 0
