"""Decisions are audited by counts that add up, with intervals that hold what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leanfair.data.tables import write_table
from leanfair.errors import InputError
from leanfair.fairness.deciding.counted import Columns, Counts, count_decisions

COLUMNS = Columns(["race"], "yes", label="right", cluster="person")


def rows(n: int, seed: int = 0, chance: float = 0.5) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        status = "refused" if rng.random() < 0.1 else "answered"
        label = ["no", "yes"][int(rng.random() < chance + 0.2 * (i % 2))]
        found.append({
            "race": ["é", "white"][i % 2], "status": status, "person": f"p{i // 4}",
            "decision": label if status == "answered" else None,
            "flipped": bool(rng.random() < 0.3) if status == "answered" else None,
            "right": ["no", "yes"][int(rng.random() < 0.5)],
        })  # fmt: skip
    return found


def test_rates_are_those_of_a_count_by_hand() -> None:
    table = rows(301)
    counts = Counts(COLUMNS)
    counts.add(table)
    found = counts.to_dict()
    for race in ("é", "white"):
        here = [row for row in table if row["race"] == race]
        chosen = [row for row in here if row["decision"] == "yes"]
        answered = [row for row in here if row["status"] == "answered"]
        right = [row for row in answered if row["decision"] == row["right"]]
        group = found["groups"][race]
        assert group["rows"] == len(here)
        assert group["selection_rate"]["value"] == len(chosen) / len(here)
        assert group["selection_rate_answered"]["value"] == len(chosen) / len(answered)
        assert group["accuracy"]["value"] == len(right) / len(here)
        flips = sum(row["flipped"] for row in answered)
        assert group["flip_rate"]["value"] == flips / len(answered)
    chances = [found["groups"][race]["selection_rate"]["value"] for race in ("é", "white")]
    gap = found["metrics"]["demographic_parity_difference"]
    assert gap["value"] == max(chances) - min(chances)
    assert gap["low"] <= gap["value"] <= gap["high"]
    assert found["rows"] == 301


@pytest.mark.parametrize("parts", [2, 7, 301])
def test_parts_and_machines_add_up_to_the_whole(parts: int) -> None:
    table = rows(301)
    whole, one, other = (Counts(COLUMNS) for _ in range(3))
    whole.add(table)
    for first in range(parts):
        (one if first % 2 else other).add(table[first::parts])
    one.add_counts(other)
    assert one.groups.keys() == whole.groups.keys()
    for name, found in one.groups.items():
        assert np.array_equal(found, whole.groups[name])
    assert one.to_dict()["groups"] == whole.to_dict()["groups"]


def test_memory_does_not_grow_with_rows_or_clusters() -> None:
    counts = Counts(COLUMNS)
    for seed in range(3):
        counts.add(rows(500, seed))
        held = {name: found.shape for name, found in counts.groups.items()}
        assert held == {"é": (201, 11), "white": (201, 11)}


def test_people_are_drawn_together() -> None:
    """Four equal rows a person: the interval is that of the people, twice as wide."""
    wide, narrow = [], []
    for clustered, widths in ((COLUMNS, wide), (Columns(["race"], "yes", label="right"), narrow)):
        counts = Counts(clustered, draws=400)
        table = [{**row, "person": f"p{i}"} for i, row in enumerate(rows(200)) for _ in range(4)]
        counts.add(table)
        found = counts.to_dict()["groups"]["white"]["selection_rate"]
        widths.append(found["high"] - found["low"])
    assert 1.6 < wide[0] / narrow[0] < 2.5


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held = 0
    for seed in range(120):
        counts = Counts(Columns(["race"], "yes"), seed=seed)
        counts.add([
            {**row, "decision": row["right"], "status": "answered"} for row in rows(160, seed)
        ])  # fmt: skip
        found = counts.to_dict()["groups"]["white"]["selection_rate"]
        held += found["low"] <= 0.5 <= found["high"]
    assert 104 <= held <= 120  # 95 %: outside by chance less than once in 1,000


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_tables_are_counted_where_they_are(name: str, tmp_path: Path) -> None:
    table = rows(60)
    write_table(tmp_path / name, table[:30])
    write_table(tmp_path / f"b{name}", table[30:])
    whole = Counts(COLUMNS)
    whole.add(table)
    pattern = f"{tmp_path}/*{Path(name).suffix}"
    assert count_decisions(pattern, COLUMNS).to_dict() == whole.to_dict()
    with pytest.raises(InputError, match="no column 'sex'"):
        count_decisions(pattern, Columns(["sex"], "yes"))


def test_a_group_without_anything_to_count_has_no_rate() -> None:
    counts = Counts(Columns(["race"], "yes"))
    counts.add([{"race": None, "decision": None, "status": "failed", "flipped": None}])
    found = counts.to_dict()["groups"]["(blank)"]
    assert found["selection_rate"]["value"] == 0.0
    assert found["flip_rate"] == {"value": None, "low": None, "high": None}
