"""Decisions stand behind the columns of a table, of which none is written over."""

from __future__ import annotations

import pyarrow as pa

from leanfair.fairness.deciding.written import columns_of, schema_with, with_decisions
from leanfair.fairness.types import Decision
from tests.support.judges import OPTIONS

YES = Decision("yes", {"yes": 0.9, "no": 0.1}, "answered", flipped=True)
REFUSED = Decision(None, {}, "refused", captured=0.0)


def test_decisions_go_behind_the_columns() -> None:
    table = [{"id": "1", "note": "kept"}, {"id": "2", "note": ""}]
    called = columns_of(["id", "note"], OPTIONS)
    rows = with_decisions(table, [YES, REFUSED], called)
    assert [row["note"] for row in rows] == ["kept", ""]
    assert rows[0]["id"] == "1"
    assert (rows[0]["decision"], rows[0]["p_yes"], rows[0]["flipped"]) == ("yes", 0.9, True)
    assert (rows[1]["decision"], rows[1]["status"], rows[1]["p_yes"]) == (None, "refused", None)
    assert called["note"] == "leanfair_note"


def test_a_schema_has_a_type_for_each_of_ours() -> None:
    called = columns_of(["note"], OPTIONS)
    schema = schema_with(pa.schema([("note", pa.int8())]), called)
    assert schema.names == ["note", *called.values()]
    assert schema.field("note").type == pa.int8()
    assert schema.field("p_yes").type == pa.float64()
    assert schema.field("flipped").type == pa.bool_()
