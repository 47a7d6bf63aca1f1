"""Rows that stand for more people than one: what they are refused for, and what they change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from leanfair.errors import InputError
from leanfair.fairness.tables.weights import weights_of
from tests.support.judges import biased, judge, people, run


def read(values: list[Any], kind: str = "weight", **more: Any) -> Any:
    given = {"weight": None, "count": None, kind: "w", **more}
    rows = [{"w": value} for value in values]
    return weights_of(rows, range(1, len(rows) + 1), **given)


def test_weights_are_numbers_in_whatever_form() -> None:
    found = read(["1.5", 2, 0.0])
    assert found.values.tolist() == [1.5, 2.0, 0.0]
    assert not found.counted
    assert found.notes == ("1 rows count nothing: they hold 0 in the column 'w'.",)
    assert read(["3", 2.0], "count").counted
    assert weights_of([{}], [1], None, None).values is None


@pytest.mark.parametrize("value", [-1, "x", "", None, float("nan"), float("inf")])
def test_what_is_no_weight_is_refused_by_its_row(value: Any) -> None:
    for kind in ("weight", "count"):
        with pytest.raises(InputError, match=r"^Row 2 of the table"):
            read([1, value], kind)


def test_counts_are_whole_and_nothing_is_given_twice() -> None:
    with pytest.raises(InputError, match="whole number"):
        read([1, 1.5], "count")
    with pytest.raises(InputError, match="give one"):
        read([1], count="w")
    with pytest.raises(InputError, match="give one of them"):
        read([1], "count", cluster="person")
    with pytest.raises(InputError, match="no row counts"):
        read([0, 0])


def test_a_row_that_counts_three_is_three_rows() -> None:
    """The rates, tests and p-values of a table with counts are those of the table written out."""
    rng = np.random.default_rng(1)
    rows = [{**row, "w": int(rng.integers(1, 4))} for row in people(60)]
    whole = [row for row in rows for _ in range(row["w"])]
    short = run(judge(biased("black", 0.2)), rows, count="w").summary
    long = run(judge(biased("black", 0.2)), whole).summary
    for name, group in long["groups"].items():
        for key in ("selection_rate", "p", "p_adjusted", "accuracy"):
            one, two = (s["groups"][name]["by_rule"]["none"][key] for s in (short, long))
            assert one == pytest.approx(two), (name, key)
        assert short["groups"][name]["share"] == pytest.approx(group["share"])
    for s, t in zip(short["flips"]["pairs"], long["flips"]["pairs"], strict=True):
        assert s["p"] == pytest.approx(t["p"])
        assert s["difference"]["value"] == pytest.approx(t["difference"]["value"])
    one, two = (s["metrics"]["demographic_parity_difference"]["none"] for s in (short, long))
    assert one == pytest.approx(two, abs=0.06)


def test_survey_weights_move_the_rates_and_never_narrow_the_intervals() -> None:
    rows = [{**row, "w": 1 + 4 * (i % 3 == 0)} for i, row in enumerate(people(90))]
    found = run(judge(biased("black", 0.2)), rows, weight="w").summary
    alike = run(judge(biased("black", 0.2)), [{**r, "w": 7} for r in rows], weight="w").summary
    bare = run(judge(biased("black", 0.2)), rows).summary
    own = [found["groups"][g]["by_rule"]["none"]["selection_rate"] for g in ("black", "white")]
    plain = [bare["groups"][g]["by_rule"]["none"]["selection_rate"] for g in ("black", "white")]
    for one, other in zip(own, plain, strict=True):
        assert one["high"] - one["low"] > other["high"] - other["low"]
    assert alike["metrics"]["accuracy"] == bare["metrics"]["accuracy"]
    assert found["groups"]["black"]["by_rule"]["none"]["p"] is None
