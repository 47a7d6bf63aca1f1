"""The audit: planted bias is found and none is invented; nothing is dropped, guessed or hidden."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import leanfair
from leanfair.errors import InputError, RunDirectoryError
from leanfair.fairness.audit import decomposition as decompose
from leanfair.fairness.audit import flips
from leanfair.fairness.audit import summary as audit_summary
from leanfair.fairness.audit.auditing import Audit, AuditEvent, audit
from leanfair.fairness.audit.evidence import Evidence
from leanfair.fairness.judge.backends.models import Function
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.metrics.rates import grouping_of
from leanfair.fairness.mitigate import MitigatedJudge, mitigate
from leanfair.fairness.types import Answer, Decision, Item, Varied
from leanfair.fairness.variations.placebo import Dummies
from leanfair.statistics import Resampling

PROMPT = "A {race} {job} with a score of {score}. Hire?"
OPTIONS = ["yes", "no"]
VALUES = ["black", "white"]
FAST = 200


def people(n: int = 120, seed: int = 0, races: Sequence[str] = ("black", "white")) -> list[Any]:
    """Records whose score decides what is right, and is lower in the first group."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        race = races[i % len(races)]
        score = round(float(rng.random() * (0.8 if race == races[0] else 1.0)), 6)
        found.append({"score": score, "race": race, "job": "clerk", "person": f"p{i // 2}",
                      "sex": ["male", "female"][(i // 2) % 2],
                      "hired": "yes" if score > 0.5 else "no"})  # fmt: skip
    return found


def noise(text: str) -> float:
    """Uniform in [0, 1), the same for the same text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def biased(against: str = "", by: float = 0.0, noisy: float = 0.0) -> Callable[[list[str]], Any]:
    """A model that looks at the score, takes `by` off it for one value, and errs by `noisy`."""

    def model(texts: list[str]) -> Any:
        out = []
        for text in texts:
            score = float(text.split("score of ")[1].split(". ")[0])
            score -= by if against and f"A {against} " in text else 0.0
            score += noisy * (noise(text) - 0.5)
            out.append([0.9, 0.1] if score > 0.4 else [0.1, 0.9])
        return np.array(out)

    return model


def judge(model: Callable[[list[str]], Any], **given: Any) -> Judge:
    of_the_model = {k: given.pop(k) for k in ("name", "revision") if k in given}
    return Judge(Function(model, **of_the_model), PROMPT, OPTIONS, **given)


def run(decider: Decider, frame: Any, **given: Any) -> Audit:
    """An audit with what most tests have in common."""
    settings: dict[str, Any] = {
        "label": "hired", "group": "race", "favourable": "yes", "bootstrap": FAST,
    }  # fmt: skip
    if not isinstance(decider, MitigatedJudge):
        race = leanfair.attribute("race", values=VALUES)
        settings |= {"attribute": race, "rules": ["mean"]}
    return audit(decider, frame, **{**settings, **given})


class Scripted(Decider):
    """Answers as a function of the item says; keeps what it was asked."""

    def __init__(self, answer: Callable[[Any], Answer]) -> None:
        self.answer = answer
        self.seen: list[Item] = []

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(OPTIONS)

    @property
    def forward_passes(self) -> int:
        return len(self.seen)

    def answers(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> list[Answer]:
        asked = list(items)
        self.seen += asked
        return [self.answer(item) for item in asked]

    def decide(self, items: Iterable[Item] | Any) -> list[Decision]:
        raise AssertionError("an audit asks for answers, once")

    def fit(self, X: Any = None, y: Any = None) -> Scripted:
        return self

    def describe(self) -> dict[str, Any]:
        return {"prompt_hash": "abc"}

    def token_count(self, text: str) -> int | None:
        return None

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"answer": self.answer}


def said(label: str) -> Answer:
    return Answer("answered", {"yes": float(label == "yes"), "no": float(label == "no")})


def intervals(found: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every interval in a summary."""
    if isinstance(found, Mapping):
        if {"value", "low", "high"} <= set(found):
            yield path, found
        for key, value in found.items():
            yield from intervals(value, f"{path}/{key}")
    elif isinstance(found, list):
        for i, value in enumerate(found):
            yield from intervals(value, f"{path}/{i}")


# ---- planted bias, and none ---------------------------------------------------------------------


def test_it_finds_the_planted_amount() -> None:
    rows = people(200)
    found = run(judge(biased("black", 0.2)), rows, rules=None).summary
    share = np.mean([0.4 < row["score"] <= 0.6 for row in rows])
    assert found["flip_rate"] == {
        "none": pytest.approx(share), "mean": 0.0, "vote": 0.0, "gate": 0.0, "abstain": 0.0,
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


def test_the_placebo_tells_noise_from_bias() -> None:
    """A model that errs with every change of the text flips often, and no less for the placebo."""
    found = run(judge(biased(noisy=0.5)), people(200), attribute="race").summary
    assert len(found["flips"]["values"]) == 5
    assert found["flip_rate"]["none"] > 0.3
    assert found["placebo_flip_rate"] > 0.3
    excess = found["flips"]["placebo"]["excess"]
    assert excess["low"] < 0 < excess["high"]
    assert found["flips"]["placebo"]["p"] > 0.05
    assert min(pair["p_adjusted"] for pair in found["flips"]["pairs"]) > 0.05


def simulated(
    rng: np.random.Generator, n: int, effect: float, values: int = 2
) -> tuple[Evidence, list[str]]:
    """Rows of two groups which differ in what they are, decided by chance and by their value."""
    names = [f"v{j}" for j in range(values)]
    groups = [names[i % 2] for i in range(n)]
    sets, dummies = [], []
    for group in groups:
        base = 0.5 if group == "v0" else 0.35
        chosen = rng.random(values) < base + effect * (np.arange(values) == 0)
        sets.append(tuple(varied(v, v == group, c) for v, c in zip(names, chosen, strict=True)))
        drawn = enumerate(rng.random(values) < base)
        dummies.append(tuple(varied(f"p{j}", j == 0, chosen) for j, chosen in drawn))
    return Evidence(
        sets, None, dummies, Dummies([]), tuple(OPTIONS), 0, {}, False
    ), groups  # fmt: skip


def varied(value: str, original: bool, chosen: Any) -> Varied:
    label = "yes" if chosen else "no"
    return Varied(value, value, (), original, label, said(label))


def test_the_direct_part_and_the_rest_are_covered() -> None:
    rng = np.random.default_rng(11)
    held = np.zeros(2)
    times = 250
    for _ in range(times):
        evidence, groups = simulated(rng, 120, 0.2)
        grouping = grouping_of("race", ["race"], [groups])
        observed = np.array(
            [one.label == "yes" for told in evidence.sets for one in told if one.original]
        )
        parts = decompose.parts_of_gaps(
            grouping, 1, evidence.sets, observed, "yes", Resampling(np.arange(120), 0, FAST), rng
        )["v0"]
        for k, (name, truth) in enumerate((("direct", 0.2), ("rest", 0.15))):
            held[k] += parts[name]["low"] <= truth <= parts[name]["high"]
    assert (held / times >= 0.93).all()
    assert (held / times <= 0.975).all()


def test_without_bias_alarms_are_as_rare_as_said() -> None:
    """Of audits of three values, 5 % at most may call a pair different; signed rates and the excess
    over the placebo are covered."""
    rng = np.random.default_rng(5)
    alarms = held = excess = 0
    times = 250
    for _ in range(times):
        evidence, _ = simulated(rng, 80, 0.0, 3)
        found = flips.pairs(evidence, "yes", Resampling(np.arange(80), 0, FAST), rng)
        alarms += min(pair["p_adjusted"] for pair in found) <= 0.05
        held += found[0]["difference"]["low"] <= 0 <= found[0]["difference"]["high"]
        over = flips.against_placebo(evidence, Resampling(np.arange(80), 0, FAST), rng)["excess"]
        excess += over["low"] <= 0 <= over["high"]
    assert alarms / times <= 0.06
    assert 0.93 <= held / times <= 0.975
    assert 0.93 <= excess / times <= 0.98


# ---- before and after ---------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["mean", "abstain", "blind"])
def test_a_mitigated_judge_is_audited_before_and_after(rule: Any) -> None:
    rows = people()
    fair = mitigate(judge(biased("black", 0.2)), leanfair.attribute("race", values=VALUES), rule)
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
    given: Any = {"attribute": None, "values": None, "rules": None}
    found = run(judge(biased()), people(), **given).summary
    assert found["rules"] == ["none"]
    assert found["flip_rate"] == {"none": None}
    assert found["metrics"]["flip_rate"]["none"]["reason"]
    assert found["placebo_flip_rate"] is None
    assert found["groupings"][0]["decomposition"] is None
    assert found["groups"]["black"]["selection_rate"] is not None
    with pytest.raises(InputError, match="needs an attribute"):
        run(judge(biased()), people(), attribute=None)


def test_each_variation_is_asked_once_whatever_the_rules() -> None:
    decider = judge(biased())
    found = run(decider, people(40), rules=None).summary
    # two values, two dummies, one without the attribute
    assert found["forward_passes"] == found["forward_passes_now"] == 40 * 5
    assert decider.forward_passes == 40 * 5
    assert found["forward_passes_by_rule"] == {
        "none": 40, "mean": 80, "vote": 80, "gate": 80, "abstain": 80, "blind": 40,
    }  # fmt: skip
    few = run(judge(biased()), people(40), placebo=None).summary
    assert few["forward_passes"] == 80
    assert few["flips"]["placebo"]["reason"]


def test_the_calibration_is_paid_for_as_well() -> None:
    rows = people(40)
    found = run(judge(biased(), calibration="batch"), rows).summary
    assert found["forward_passes"] == found["forward_passes_now"] == 40 * 4
    fair = mitigate(
        judge(biased("black", 0.2), calibration="batch"),
        leanfair.attribute("race", values=VALUES),
        "mean",
    )
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


def test_the_seed_decides_all_chance() -> None:
    decider = judge(biased("black", 0.2))
    one, same, other = (run(decider, people(), seed=seed).summary for seed in (1, 1, 2))
    assert one["metrics"] == same["metrics"]
    assert one["groupings"] == same["groupings"]
    assert one["metrics"] != other["metrics"]


# ---- nothing is dropped -------------------------------------------------------------------------


def shy(item: Any) -> Answer:
    """Refuses the black applicants whose score ends in an odd digit."""
    if item["race"] == "black" and round(item["score"] * 1e6) % 2:
        return Answer("refused", captured=0.0, text="I cannot help with that.")
    return said("yes" if item["score"] > 0.4 else "no")


def test_refusals_are_outcomes_of_their_own() -> None:
    rows = people(100)
    found = run(Scripted(shy), rows).summary
    black = [row for row in rows if row["race"] == "black"]
    refused = [row for row in black if round(row["score"] * 1e6) % 2]
    group = found["groups"]["black"]
    chosen = sum(row["score"] > 0.4 for row in black if row not in refused)
    assert (group["n"], group["refused"]) == (50, len(refused))
    assert group["answered"] == 50 - len(refused)
    assert group["selection_rate"] == chosen / 50
    own = group["by_rule"]["none"]
    assert own["selection_rate_among_answered"]["value"] == pytest.approx(
        chosen / (50 - len(refused))
    )
    assert own["selection_rate_bounds"] == [chosen / 50, (chosen + len(refused)) / 50]
    assert found["outcomes"]["none"]["refused"] == len(refused)
    assert sum(found["outcomes"]["none"][status] for status in audit_summary.STATUSES) == 100
    # being refused for one value alone is being treated otherwise
    assert found["flip_rate"]["none"] > 0.3
    pair = found["flips"]["pairs"][0]
    assert pair["refused_one"] > 30
    assert pair["among_answered"]["n"] == 100 - pair["refused_one"]
    assert pair["among_answered"]["first_only"] == pair["among_answered"]["second_only"] == 0


def test_failed_requests_are_counted_and_told() -> None:
    def failing(item: Any) -> Answer:
        return Answer("failed") if item["score"] < 0.05 else said("yes")

    found = run(Scripted(failing), people(200)).summary
    assert found["outcomes"]["none"]["failed"] > 0
    assert found["outcomes"]["mean"]["failed"] == found["outcomes"]["none"]["failed"]
    assert any("failed" in note for note in found["notes"])
    assert found["flips"]["comparable"] < 200


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


def test_no_one_sees_the_label() -> None:
    scripted = Scripted(lambda item: said("yes"))
    run(scripted, people(20))
    assert scripted.seen
    assert all("hired" not in item for item in scripted.seen)  # type: ignore[operator]
    with pytest.raises(InputError, match="shows the label column 'hired'"):
        run(Judge(biased(), "{race} {hired}", OPTIONS), people())


def test_unknown_groups_are_counted_and_single_intersections_shown() -> None:
    rows = people(60)
    rows[0]["race"] = rows[1]["race"] = "?"
    rows[2]["sex"] = None
    for row in rows[3:]:
        if (row["race"], row["sex"]) == ("white", "female"):
            row["sex"] = "male"
    rows[3] |= {"race": "white", "sex": "female"}
    found = run(judge(biased()), rows, group=["race", "sex"]).summary
    assert [one["unknown"] for one in found["groupings"]] == [2, 1, 3]
    assert found["groupings"][2]["alone"] == ["white & female"]
    alone = found["groups"]["white & female"]
    assert (alone["n"], alone["selection_rate"]) == (1, None)
    assert found["groups"]["black & male"]["values"] == {"race": "black", "sex": "male"}
    assert found["groups"]["black"]["grouping"] == "race"
    assert any("unknown" in note for note in found["notes"])
    assert any("of one row" in note for note in found["notes"])


def test_groups_of_one_name_in_two_columns_are_kept_apart() -> None:
    rows = [{**row, "other": row["race"]} for row in people(40)]
    found = run(judge(biased()), rows, group=["race", "other"]).summary
    assert "race: black" in found["groups"]
    assert "other: black" in found["groups"]
    assert found["groupings"][0]["groups"] == ["race: black", "race: white"]


def test_rows_of_one_person_widen_intervals_and_have_no_unpaired_test() -> None:
    rows = [row for row in people(60) for _ in range(4)]
    for i, row in enumerate(rows):
        rows[i] = {**row, "person": f"p{i // 4}"}
    apart = run(judge(biased("black", 0.2)), rows).summary
    together = run(judge(biased("black", 0.2)), rows, cluster="person").summary
    widths = [
        one["high"] - one["low"]
        for one in (
            found["metrics"]["demographic_parity_difference"]["none"] for found in (apart, together)
        )
    ]
    assert widths[1] > 1.5 * widths[0]
    assert together["data"]["persons"] == 60
    assert apart["groups"]["black"]["by_rule"]["none"]["p"] < 1
    assert together["groups"]["black"]["by_rule"]["none"]["p"] is None
    assert together["flips"]["pairs"][0]["p"] > apart["flips"]["pairs"][0]["p"]


def test_a_group_by_something_else_has_no_direct_part() -> None:
    found = run(judge(biased("black", 0.2)), people(), group="sex").summary
    parts = found["groupings"][0]["decomposition"]["male"]
    assert parts["gap"]["value"] is not None
    assert parts["direct"]["value"] is None
    assert "do not state one value" in parts["direct"]["reason"]


def test_intersections_of_one_value_differ_by_the_rest_alone() -> None:
    found = run(
        judge(biased("black", 0.2)), people(), group=["race", "sex"], reference="white & male"
    ).summary
    parts = found["groupings"][2]["decomposition"]
    assert found["groupings"][2]["reference"] == "white & male"
    assert parts["white & female"]["direct"]["value"] == 0.0
    assert parts["black & female"]["direct"]["high"] < 0


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
    assert "Jill applied." in seen  # beside Emily and Anne, among the white women
    assert not any("Reference" in text for text in seen)


def test_a_table_of_numbers_has_no_place_for_a_placebo() -> None:
    def model(texts: list[str]) -> Any:
        return np.tile([0.6, 0.4], (len(texts), 1))

    found = run(Judge(model, "{race} {score}", OPTIONS), people()).summary
    assert found["placebo_flip_rate"] is None
    assert "name an irrelevant field" in found["flips"]["placebo"]["reason"]


def test_an_attribute_that_the_prompt_does_not_show_is_told() -> None:
    def model(texts: list[str]) -> Any:
        return np.tile([0.6, 0.4], (len(texts), 1))

    found = run(Judge(model, "A {job}: {score}", OPTIONS), people()).summary
    assert found["flip_rate"]["none"] == 0.0
    assert any("shows none of the fields" in note for note in found["notes"])


def test_texts_that_do_not_tell_the_attribute_are_told() -> None:
    rows = [
        {"text": f"A {row['race'] if i % 4 else 'tall'} clerk with a score of {row['score']}. Go",
         **{k: row[k] for k in ("race", "hired")}}
        for i, row in enumerate(people(40))
    ]  # fmt: skip
    found = run(Judge(biased("black", 0.2), "{text}", OPTIONS), rows, attribute="race").summary
    assert any("10 of 40 rows were not varied" in note for note in found["notes"])
    assert found["flips"]["comparable"] == 30


# ---- what comes out -----------------------------------------------------------------------------


def test_every_interval_belongs_to_the_number_it_stands_beside() -> None:
    found = run(judge(biased("black", 0.1, 0.1)), people(), group=["race", "sex"]).summary
    seen = 0
    for path, one in intervals(found):
        if one["value"] is None:
            assert one["reason"], path
        else:
            assert one["low"] <= one["value"] <= one["high"], path
            seen += 1
    assert seen > 200
    for name in ("accuracy", "flip_rate"):
        assert found[name] == {rule: one["value"] for rule, one in found["metrics"][name].items()}
    for rule, one in found["gains"]["demographic_parity_difference"].items():
        parity = found["metrics"]["demographic_parity_difference"]
        assert one["value"] == pytest.approx(parity["none"]["value"] - parity[rule]["value"])


def test_the_run_directory(tmp_path: Path) -> None:
    events: list[AuditEvent] = []
    found = run(judge(biased("black", 0.2)), people(), out=tmp_path, on_event=events.append)
    assert json.loads((tmp_path / "summary.json").read_text()) == json.loads(
        json.dumps(found.summary)
    )
    decisions = list(csv.DictReader((tmp_path / "decisions.csv").open()))
    assert len(decisions) == 120
    assert decisions[0]["row"] == "1"
    assert {"race", "hired", "decision_none", "status_mean", "flipped"} <= set(decisions[0])
    metrics = list(csv.DictReader((tmp_path / "metrics.csv").open()))
    parity = found.summary["metrics"]["demographic_parity_difference"]["mean"]
    (row,) = (
        one for one in metrics
        if (one["group"], one["rule"], one["metric"])
        == ("", "mean", "demographic_parity_difference")
    )  # fmt: skip
    assert float(row["low"]) == parity["low"]
    assert [event.stage for event in events] == ["ask", "ask", "count"]
    assert (events[1].done, events[1].total) == (120, 120)


def test_summary_says_what_was_audited_and_how() -> None:
    found = run(judge(biased(), name="toy", revision="r1"), people(), seed=3).summary
    assert (found["model"], found["revision"]) == ("toy", "r1")
    assert found["prompt_hash"]
    assert found["lexicons"]["race"]
    assert found["created"]
    assert found["settings"]["seed"] == 3
    assert found["settings"]["bootstrap"] == FAST
    assert found["data"] == {"name": "table", "rows": 120, "persons": 120}
    assert found["flips"]["examples"] == []
    flipped = run(judge(biased("black", 0.2)), people()).summary["flips"]["examples"]
    assert 0 < len(flipped) <= 12
    assert {one["original"] for one in flipped[0]["variations"]} == {True, False}


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


def test_words_that_are_not_the_auditors_to_say() -> None:
    found = run(judge(biased("black", 0.3)), people(200)).summary
    assert found["groups"]["black"]["by_rule"]["none"]["four_fifths"] == "below"
    sources = [json.dumps(found)] + [
        path.read_text() for path in Path(audit_summary.__file__).parent.glob("*.py")
    ]
    assert not any("violat" in text.lower() for text in sources)
    assert "rule of thumb" in Path(audit_summary.__file__).read_text()


# ---- what goes in -------------------------------------------------------------------------------


def test_labels_may_be_mapped() -> None:
    rows = [{**row, "hired": {"yes": ">50K", "no": "<=50K"}[row["hired"]]} for row in people()]
    mapped = run(judge(biased()), rows, labels={">50K": "yes", "<=50K": "no"}).summary
    short = run(judge(biased()), rows, labels=">50K").summary
    plain = run(judge(biased()), people()).summary
    assert mapped["accuracy"] == short["accuracy"] == plain["accuracy"]
    for values in ((1, 0), (True, False), (1.0, 0.0), ("1", "0"), ("Yes", "No ")):
        rows = [{**row, "hired": values[row["hired"] == "no"]} for row in people()]
        assert (
            run(judge(biased()), rows, placebo=None, rules=[]).summary["accuracy"]["none"]
            == (plain["accuracy"]["none"])
        )


def test_frames_and_files_are_tables_too(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(people())
    frame.to_csv(tmp_path / "people.csv", index=False)
    one, two, three = (
        run(judge(biased("black", 0.2)), given).summary
        for given in (people(), frame, tmp_path / "people.csv")
    )
    assert one["metrics"] == two["metrics"] == three["metrics"]
    assert three["data"]["name"] == "people.csv"


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
        (changed(3, race="martian"), {}, "'martian' of the column 'race' has one row (row 4)"),
        (changed(3, score=None), {}, "Row 4 of the table: the field 'score'"),
        ([*people(20), {"race": "white"}], {}, "Row 21 of the table has no field 'hired'"),
        (people(20), {"group": "job"}, "one group only, 'clerk'"),
        ([{**r, "race": "?"} for r in people(20)], {}, "no group at all"),
        (changed(3, person=None), {"cluster": "person"}, "Row 4 of the table: nothing"),
        (people(20), {"labels": "oui"}, "holds no 'oui', which is to mean 'yes'"),
        (people(20), {"labels": {"yes": "oui"}}, "labels maps to 'oui'"),
        (people(20), {"reference": "green"}, "no group 'green': there are black, white"),
        (people(20), {"rules": ["coin"]}, "no rule 'coin'"),
        (people(20), {"bootstrap": 5}, "bootstrap"),
        (people(20), {"confidence": 95}, "confidence"),
        (people(20), {"seed": -1}, "seed"),
        (people(20), {"attribute": "shoe size", "values": None}, "no attribute 'shoe size'"),
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


def test_too_many_groups_are_no_groups() -> None:
    rows = [{**row, "id": i // 2} for i, row in enumerate(people(120))]
    with pytest.raises(InputError, match="60 groups"):
        run(judge(biased()), rows, group="id")


def test_a_row_that_cannot_be_varied_is_named() -> None:
    rows = people(20)
    rows[4]["race"] = rows[5]["race"] = "martian"
    with pytest.raises(InputError, match="Row 5 of the table"):
        run(judge(biased()), rows, attribute="race")


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
