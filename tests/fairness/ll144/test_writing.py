"""A CSV and a page of the same numbers; every text is escaped."""

from __future__ import annotations

from pathlib import Path

import leanfair
from leanfair.data.tables import read_table
from leanfair.fairness.ll144.writing import rendered, write_ll144


def test_the_tables_are_written_as_csv_and_page(tmp_path: Path) -> None:
    races = ("<b>White</b>", "Black")
    rows = [
        {"sex": "MF"[i % 2], "race": races[i % 3 == 0], "d": "yes" if i % 5 else "no"}
        for i in range(60)
    ]
    found = leanfair.audit(
        leanfair.Recorded("d"), rows, group=["sex", "race"], favourable="yes", bootstrap=100
    )
    table, page = write_ll144(found.summary, tmp_path)
    told = read_table(table)
    assert [row["table"] for row in told].count("intersections") == 5
    text = page.read_text()
    assert "&lt;b&gt;White&lt;/b&gt;" in text
    assert "<b>White" not in text
    assert "Scoring rate" not in text
    assert "no legal advice" in text
    assert "violat" not in rendered(found.summary, []).lower()
