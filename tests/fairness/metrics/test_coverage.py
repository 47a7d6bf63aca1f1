"""What of a table was understood is counted, told row by row, and limits what an audit passes."""

from __future__ import annotations

from typing import Any

import pytest

import leanfair
from leanfair.fairness.audit.result import Audit
from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.metrics.coverage import coverage_sentence, known_values
from leanfair.fairness.metrics.groupings import grouping_of
from leanfair.fairness.schema import Coverage

FULL = "The applicant says {he} has led {i} people."
HALF = "The applicant, a tradesman by training, says {he} has led {i} people."
SILENT = "The applicant has led {i} people."
CONTRARY = "The applicant says {other} has led {i} people."
BOTH = "The applicant's {spouse} waits outside with {i} people."


def audited(*texts: str, prompt: str = "{text}", attribute: Any = "gender", **more: Any) -> Audit:
    """An audit of a judge that favours men; one row a sex for each text, ten times."""
    rows = []
    for i in range(20 * len(texts)):
        he, other = ("she", "he") if i % 2 else ("he", "she")
        spouse = "husband" if i % 2 else "wife"
        text = texts[(i // 2) % len(texts)].format(he=he, other=other, spouse=spouse, i=i)
        rows.append({"sex": "female" if i % 2 else "male", "hired": "yes" if i % 3 else "no",
                     "text": text, **more})  # fmt: skip
    judge = leanfair.Judge(
        lambda texts: [[0.9, 0.1] if " he " in t else [0.1, 0.9] for t in texts],
        prompt,
        ["yes", "no"],
    )
    settings: dict[str, Any] = {"label": "hired", "group": "sex", "favourable": "yes"}
    rules = None if attribute is None else ["mean"]
    return leanfair.audit(judge, rows, attribute=attribute, rules=rules, bootstrap=100, **settings)


def coverage_of(found: Audit) -> Coverage:
    coverage = found.summary["coverage"]
    assert coverage is not None
    return coverage


def test_rows_are_counted_by_how_far_they_were_understood() -> None:
    found = audited(FULL, FULL, HALF, SILENT)
    coverage = coverage_of(found)
    assert (coverage["varied"], coverage["left_alone"], coverage["half_understood"]) == (40, 20, 20)
    assert coverage["unread_share"] == 0.25
    assert coverage["words"] == {"tradesman": 20}
    assert "20 (25.0%) half understood: 'tradesman'" in coverage_sentence(coverage)
    assert [row["reading"] for row in found.decisions[:8:2]] == [
        "varied", "varied", "half understood", "left alone",
    ]  # fmt: skip
    assert found.decisions[4]["not_understood"] == "tradesman"
    assert "half understood" in found.summary["notes"][0]
    assert "'tradesman'" in " ".join(found.summary["notes"])


def test_too_many_rows_that_were_not_read_are_a_limit_exceeded_by_default() -> None:
    assert audited(FULL, SILENT).exceeds() == []
    (sentence,) = audited(FULL, HALF).exceeds()
    assert "20 of 40 rows are half understood (50.0%), above the limit of 0.05; row 3" in sentence
    assert audited(FULL, HALF).exceeds(max_unread=0.5) == []
    assert audited(FULL, HALF).exceeds(max_unread=None) == []


@pytest.mark.parametrize("limit", [1.5, -0.1, "0.1"])
def test_a_limit_is_a_share(limit: Any) -> None:
    with pytest.raises(leanfair.LeanfairError, match="share from 0 to 1"):
        audited(FULL).exceeds(max_unread=limit)


def test_a_limit_on_flips_does_not_pass_on_rows_that_were_not_read() -> None:
    even = {"attribute": leanfair.attribute("gender", protect=["he", "she"])}
    blind = audited(FULL.replace("says", "says to his or her boss"), HALF, **even)
    assert coverage_of(blind)["half_understood"] > 0
    assert blind.exceeds(max_flip_rate=0.3, max_unread=1)


def test_nor_on_rows_that_tell_the_attribute_without_a_counterpart() -> None:
    found = audited(FULL, "A non-binary person has led {i} people.")
    assert coverage_of(found)["without_counterpart"] == 20
    assert found.exceeds(max_flip_rate=1) == []
    calm = audited(FULL.replace("{he}", "{he} calmly"), "A non-binary person leads {i} people.")
    assert calm.summary["flip_rate"]["mean"] == 0
    judged = Audit({**calm.summary, "rule": "mean"}, calm.decisions)
    (sentence,) = judged.exceeds(max_flip_rate=0.1)
    assert "20 rows tell the attribute, or may, and were not varied" in sentence


def test_flips_of_rows_that_were_read_are_held_to_the_limit_alone() -> None:
    found = audited(FULL, SILENT)
    assert found.exceeds(max_flip_rate=1) == []
    assert "flip rate" in found.exceeds(max_flip_rate=0.5)[0]


def test_texts_that_contradict_the_groups_are_half_understood() -> None:
    coverage = coverage_of(audited(FULL, CONTRARY))
    assert coverage["half_understood"] == 20
    assert "group" in coverage["reasons"][0]["reason"]


def test_rows_of_somebody_elses_value_count_in_no_direction() -> None:
    found = audited(BOTH)
    assert coverage_of(found)["unclear"] == 20
    assert found.summary["flips"]["pairs"] == []
    assert "in no direction" in " ".join(found.summary["notes"])


def test_what_is_left_by_naming_a_field_is_told() -> None:
    asked = leanfair.attribute("gender", field="sex")
    found = audited(FULL, prompt="{sex} {text}", attribute=asked)
    assert coverage_of(found)["left_by_choice"] == 20
    assert "'text: he'" in " ".join(found.summary["notes"])
    assert found.decisions[0]["not_understood"] == "text: he"


def test_without_an_attribute_there_is_no_coverage() -> None:
    found = audited(FULL, attribute=None)
    assert found.summary["coverage"] is None
    assert "reading" not in found.decisions[0]


@pytest.mark.parametrize(
    ("attribute", "labels", "known"),
    [
        ("gender", ["F", "M", None], ["female", "male", None]),
        ("gender", ["women", "men", "x"], ["female", "male", None]),
        ("race", ["African-American", "Caucasian", "Other"], ["black", "white", "other"]),
        ("race", ["North", "South", "West"], [None, None, None]),
        ("age", ["young", "old", "middle-aged"], [None, None, None]),
    ],
)
def test_groups_that_are_values_of_the_attribute_tell_whose_it_is(
    attribute: str, labels: list[str | None], known: list[str | None]
) -> None:
    grouping = grouping_of("g", ["g"], [[*labels, *labels]])
    found = known_values([grouping], [load_attribute(attribute)])
    assert [row.get(attribute) for row in found] == [*known, *known]
