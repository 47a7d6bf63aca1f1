"""The section of a comparison of two language models, from a prompt and people to its words."""

from __future__ import annotations

from pathlib import Path

from leanfair.comparison.comparing import compare
from leanfair.comparison.result import ComparisonEvent
from leanfair.comparison.schema.summary import Summary
from leanfair.comparison.whom.whom import said_of, whom_of
from tests.support.judges import people
from tests.support.schemas import misfits
from tests.support.sides import about, language_pair, section

PROMPT = "The applicant is {race}, {job}. Answer:"


def test_two_language_models_and_people_make_a_section(tmp_path: Path) -> None:
    heard: list[ComparisonEvent] = []
    pair = language_pair()
    found = compare(
        pair.parent, pair.child, out=tmp_path / "c", people=people(8), prompt=PROMPT,
        options=["yes", "no"], favourable="yes", group="race", attribute="race", label="hired",
        on_event=heard.append,
    )  # fmt: skip
    assert misfits(found.to_dict(), Summary) == []
    assert found.summary["whom"] is not None
    assert [event.done for event in heard if event.stage == "whom"][-1] == 1.0
    for page in found.summary["whom"]["pages"]:
        assert (tmp_path / "c" / page).exists()
    page = (tmp_path / "c" / "report.html").read_text("utf-8")
    assert "Whom pruning touched" in page


def test_nothing_is_written_where_there_is_no_place_for_it() -> None:
    asked = about(8, prompt=PROMPT)
    assert whom_of(language_pair(), asked)["pages"] == []


def test_the_headline_claims_what_changed_and_else_says_that_it_does_not_know() -> None:
    changed, open_ = section("black", 0.2), section("", 0.0, noisy=0.5)
    assert said_of(changed).lost == (changed["part"],)
    assert said_of(open_).unknown == (open_["part"],)
    assert said_of(None).lost == said_of(None).unknown == ()
