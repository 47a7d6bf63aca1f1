"""What an audit is given: tables of every kind, labels, groups; the model never sees the label."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanfair.errors import InputError
from leanfair.fairness.judge.judge import Judge
from tests.support.judges import (
    OPTIONS,
    Scripted,
    biased,
    judge,
    people,
    run,
    said,
)


def test_no_one_sees_the_label() -> None:
    scripted = Scripted(lambda item: said("yes"))
    run(scripted, people(20))
    assert scripted.seen
    assert all("hired" not in item for item in scripted.seen)  # type: ignore[operator]
    with pytest.raises(InputError, match="shows the label column 'hired'"):
        run(Judge(biased(), "{race} {hired}", OPTIONS), people())


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


def test_too_many_groups_are_no_groups() -> None:
    rows = [{**row, "id": f"n{i // 2}"} for i, row in enumerate(people(120))]
    with pytest.raises(InputError, match="60 groups"):
        run(judge(biased()), rows, group="id")
