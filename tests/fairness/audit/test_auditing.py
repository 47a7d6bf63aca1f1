"""The audit: planted bias is found and none is invented; nothing is dropped, guessed or hidden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leanfair.errors import InputError, RunDirectoryError
from leanfair.fairness.audit.auditing import AuditEvent, audit
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.mitigate import mitigate
from leanfair.fairness.types import Answer, Item
from tests.support.judges import (
    OPTIONS,
    RACE,
    VALUES,
    Scripted,
    biased,
    judge,
    people,
    run,
)

# ---- planted bias, and none ---------------------------------------------------------------------


def test_it_finds_the_planted_amount() -> None:
    rows = people(200)
    found = run(judge(biased("black", 0.2)), rows, rules=None).summary
    share = np.mean([0.4 < row["score"] <= 0.6 for row in rows])
    assert found["flip_rate"] == {
        "none": pytest.approx(share), "mean": 0.0, "vote": 0.0, "abstain": 0.0,
        "blind": 0.0,
    }  # fmt: skip
    (pair,) = found["flips"]["pairs"]
    assert pair["values"] == VALUES
    assert pair["difference"]["value"] == pytest.approx(-share)
    assert pair["difference"]["high"] < 0
    assert (pair["first_only"], pair["second_only"]) == (0, round(share * 200))
    assert pair["p_adjusted"] < 1e-6
    assert found["placebo_flip_rate"] == 0.0
    assert found["flips"]["placebo"]["excess"]["low"] > 0

    parts = found["groupings"][0]["decomposition"]["white"]
    assert parts["values"] == ["white", "black"]
    planted = np.mean(
        [np.mean([0.4 < row["score"] <= 0.6 for row in rows if row["race"] == r]) for r in VALUES]
    )
    assert parts["direct"]["value"] == pytest.approx(planted)
    assert parts["direct"]["low"] > 0
    assert parts["direct"]["value"] + parts["rest"]["value"] == pytest.approx(
        parts["gap"]["value"], abs=1e-12
    )
    # blind to race, the gap that is left is the rest: it came through the score
    after = found["groupings"][0]["metrics"]["demographic_parity_difference"]["blind"]
    rates = [np.mean([row["score"] > 0.4 for row in rows if row["race"] == r]) for r in VALUES]
    assert after["value"] == pytest.approx(rates[1] - rates[0])
    assert found["gains"]["demographic_parity_difference"]["blind"]["low"] > 0


def test_it_stays_quiet_where_there_is_nothing() -> None:
    found = run(judge(biased()), people()).summary
    assert found["flip_rate"]["none"] == 0.0
    assert found["flips"]["pairs"][0]["p_adjusted"] == 1.0
    for part in (
        found["flips"]["pairs"][0]["difference"],
        found["groupings"][0]["decomposition"]["white"]["direct"],
        found["flips"]["placebo"]["excess"],
        found["gains"]["demographic_parity_difference"]["mean"],
    ):
        assert part["value"] == 0.0
        assert part["low"] < 0 < part["high"]


# ---- before and after ---------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["mean", "abstain", "blind"])
def test_a_mitigated_judge_is_audited_before_and_after(rule: Any) -> None:
    rows = people()
    fair = mitigate(judge(biased("black", 0.2)), RACE, rule)
    found = run(fair, rows)
    assert found.summary["rule"] == rule
    assert found.summary["rules"] == ["none", rule]
    decided = fair.decide([{k: v for k, v in row.items() if k != "hired"} for row in rows])
    assert [row[f"decision_{rule}"] for row in found.decisions] == [one.label for one in decided]
    assert [row[f"status_{rule}"] for row in found.decisions] == [one.status for one in decided]
    if rule != "blind":
        assert [row["flipped"] for row in found.decisions] == [one.flipped for one in decided]
    group = found.summary["groups"]["black"]
    assert group["selection_rate"] == group["by_rule"][rule]["selection_rate"]["value"]
    assert group["abstained"] == sum(
        one.status == "abstained" and row["race"] == "black"
        for one, row in zip(decided, rows, strict=True)
    )
    with pytest.raises(InputError, match="already"):
        run(fair, rows, attribute="gender")


def test_a_plain_judge_without_an_attribute_is_audited_as_it_stands() -> None:
    given: Any = {"attribute": None, "rules": None}
    found = run(judge(biased()), people(), **given).summary
    assert found["rules"] == ["none"]
    assert found["flip_rate"] == {"none": None}
    assert found["metrics"]["flip_rate"]["none"]["reason"]
    assert found["placebo_flip_rate"] is None
    assert found["groupings"][0]["decomposition"] is None
    assert found["groups"]["black"]["selection_rate"] is not None
    with pytest.raises(InputError, match="needs an attribute"):
        run(judge(biased()), people(), attribute=None)


def test_the_calibration_is_paid_for_as_well() -> None:
    rows = people(40)
    found = run(judge(biased(), calibration="batch"), rows).summary
    assert found["forward_passes"] == found["forward_passes_now"] == 40 * 4
    fair = mitigate(judge(biased("black", 0.2), calibration="batch"), RACE, "mean")
    items = [{k: v for k, v in row.items() if k != "hired"} for row in rows]
    audited = run(fair, rows)
    assert [row["decision_mean"] for row in audited.decisions] == list(
        fair.fit(items).predict(items)
    )


def test_a_stored_run_is_audited_again_without_the_model(tmp_path: Path) -> None:
    first = run(judge(biased("black", 0.2), store=tmp_path / "answers.jsonl", name="toy"), people())
    again = run(Judge.from_store(tmp_path / "answers.jsonl"), people())
    told = ("created", "seconds", "asking_seconds", "forward_passes_now")
    same = [{k: v for k, v in one.summary.items() if k not in told} for one in (first, again)]
    assert same[0] == same[1]
    assert again.summary["forward_passes_now"] == 0
    assert first.decisions == again.decisions


# ---- nothing is dropped -------------------------------------------------------------------------


def test_a_judge_that_answers_nothing_has_no_numbers() -> None:
    silent = Scripted(lambda item: Answer("unparsed", captured=0.0))
    found = run(silent, people())
    assert found.summary["accuracy"]["none"] is None
    assert found.summary["flip_rate"]["none"] is None
    assert found.summary["groups"]["black"]["selection_rate"] is None
    assert found.summary["groups"]["black"]["unparsed"] == 60
    for by_rule in found.summary["groupings"][0]["metrics"].values():
        assert by_rule["none"]["value"] is None
        assert by_rule["none"]["reason"]
    # what is not known is within no limit
    assert len(found.exceeds(1.0, 1.0)) == 2
    json.dumps(found.summary, allow_nan=False)


# ---- the placebo --------------------------------------------------------------------------------


def test_an_irrelevant_field_or_a_function_is_a_placebo() -> None:
    rows = [{**row, "job": f"clerk {i}"} for i, row in enumerate(people(40))]
    found = run(judge(biased()), rows, placebo="job").summary
    assert found["settings"]["placebo"] == "values of 'job'"
    assert found["placebo_flip_rate"] == 0.0

    def louder(item: Any, k: int, rng: np.random.Generator) -> list[Item]:
        return [{**item, "job": item["job"] + "!" * j} for j in range(k)]

    found = run(judge(biased(noisy=0.5)), rows, placebo=louder).summary
    assert found["placebo_flip_rate"] > 0
    with pytest.raises(InputError, match="row 1 has 1 items"):
        run(judge(biased()), rows, placebo=lambda item, k, rng: [item])
    with pytest.raises(InputError, match="no field that the prompt shows"):
        run(judge(biased()), rows, placebo="person")
    with pytest.raises(InputError, match="1 different values, but 2"):
        run(judge(biased()), people(40), placebo="job")


def test_names_are_exchanged_for_names_of_the_same_value() -> None:
    seen: list[str] = []

    def model(texts: list[str]) -> Any:
        seen.extend(texts)
        return np.full((len(texts), 2), 0.5)

    rows = [
        {"text": f"{name} applied.", "race": race, "hired": "yes"}
        for name, race in (("Emily", "white"), ("Anne", "white"), ("Jamal", "black"),
                           ("Darnell", "black"))
    ]  # fmt: skip
    found = audit(
        Judge(model, "{text}", OPTIONS), rows, label="hired", group="race", favourable="yes",
        attribute="name", bootstrap=100,
    ).summary  # fmt: skip
    assert found["settings"]["placebo"] == "other names of the same value"
    assert {"Jill applied.", "Allison applied."} & {*seen}  # other white women
    assert not any("Reference" in text for text in seen)


def test_a_table_of_numbers_has_no_place_for_a_placebo() -> None:
    def model(texts: list[str]) -> Any:
        return np.tile([0.6, 0.4], (len(texts), 1))

    found = run(Judge(model, "{race} {score}", OPTIONS), people()).summary
    assert found["placebo_flip_rate"] is None
    assert "name an irrelevant field" in found["flips"]["placebo"]["reason"]


# ---- what comes out -----------------------------------------------------------------------------


def test_limits_that_are_exceeded_are_told() -> None:
    found = run(judge(biased("black", 0.2)), people(200), group=["race", "sex"])
    assert found.exceeds() == []
    assert found.exceeds(1.0, 1.0) == []
    sentences = found.exceeds(0.01, 0.01)
    assert len(sentences) == 4  # one flip rate, three groupings
    assert "above the limit of 0.01" in sentences[0]
    assert all("interval" in sentence for sentence in sentences)
    with pytest.raises(InputError, match="a share from 0 to 1"):
        found.exceeds(2.0)


def test_a_report_has_a_place_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = run(judge(biased("black", 0.2)), people(40), rules=None)
    assert found.report() == Path("audit.html")
    page = (tmp_path / "audit.html").read_text()
    assert "<html" in page
    assert "violat" not in page.lower()
    assert found.report("other.html").exists()
    kept = run(judge(biased()), people(40), out=tmp_path / "run")
    assert kept.report() == tmp_path / "run" / "report.html"


# ---- what goes in -------------------------------------------------------------------------------


def changed(row: int, **fields: Any) -> list[Any]:
    rows = people(20)
    rows[row] = {**rows[row], **fields}
    return rows


@pytest.mark.parametrize(
    ("frame", "given", "sentence"),
    [
        ([], {}, "no rows"),
        (["a text"], {}, "Row 1 of the table is no record"),
        (people(20), {"label": "wage"}, "no column 'wage': it has score, race"),
        (people(20), {"group": "tribe"}, "no column 'tribe'"),
        (people(20), {"cluster": "tribe"}, "no column 'tribe'"),
        (people(20), {"group": []}, "Name a column"),
        (people(20), {"favourable": "maybe"}, "'maybe' is none of the options"),
        (changed(3, hired="perhaps"), {}, "Row 4 of the table: the label 'perhaps'"),
        (changed(3, hired=None), {}, "Row 4 of the table: no label"),
        ([*people(20), {"race": "white"}], {}, "Row 21 of the table: no label"),
        (people(20), {"weight": "job"}, "Rows 1, 2, 3, 4, 5 and 15 more of the table: what stands"),
        ([{**r, "race": i} for i, r in enumerate(people(20))], {}, "cut points of classes"),
        (people(20), {"group": "job"}, "one group only, 'clerk'"),
        ([{**r, "race": "?"} for r in people(20)], {}, "no group at all"),
        (changed(3, person=None), {"cluster": "person"}, "Row 4 of the table: nothing"),
        (people(20), {"labels": "oui"}, "holds no 'oui', which labels says means 'yes'"),
        (people(20), {"labels": {"yes": "oui"}}, "labels maps to 'oui'"),
        (people(20), {"reference": "green"}, "no group 'green': there are black, white"),
        (people(20), {"rules": ["coin"]}, "no rule 'coin'"),
        (people(20), {"bootstrap": 5}, "bootstrap"),
        (people(20), {"confidence": 95}, "confidence"),
        (people(20), {"seed": -1}, "seed"),
        (people(20), {"attribute": "shoe size"}, "no attribute 'shoe size'"),
        ("nowhere.csv", {}, "There is no table nowhere.csv"),
    ],
)
def test_one_clear_sentence(frame: Any, given: dict[str, Any], sentence: str) -> None:
    asked: list[str] = []

    def model(texts: list[str]) -> Any:
        asked.extend(texts)
        return np.tile([0.6, 0.4], (len(texts), 1))

    with pytest.raises(InputError) as error:
        run(judge(model), frame, **given)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert not asked  # nothing is paid for before all is checked


def test_a_directory_in_which_an_audit_is_under_way_is_refused(tmp_path: Path) -> None:
    refused: list[str] = []

    def on_event(event: AuditEvent) -> None:
        if not refused:
            with pytest.raises(RunDirectoryError) as error:
                run(judge(biased()), people(40), out=tmp_path)
            refused.append(str(error.value))

    run(judge(biased()), people(40), out=tmp_path, on_event=on_event)
    assert "is in use by process" in refused[0]
    run(judge(biased()), people(40), out=tmp_path)
