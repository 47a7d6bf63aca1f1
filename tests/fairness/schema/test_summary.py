"""Every audit writes exactly the keys and types of the schema, and each key is documented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leanfair.fairness import schema
from leanfair.fairness.schema import summary as module
from tests.support.audits import AUDITS, audited
from tests.support.judges import biased, judge, people, run
from tests.support.schemas import misfits, undocumented


@pytest.mark.parametrize("name", AUDITS)
def test_a_summary_is_as_the_schema_says(name: str) -> None:
    assert misfits(audited(name), schema.Summary) == []


def test_a_summary_is_plain_json_before_it_is_written() -> None:
    summary = run(judge(biased("black", 0.2)), people(40), rules=None).summary
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_what_does_not_fit_is_told() -> None:
    summary: Any = audited("batch")
    summary["judge"]["prior"] = list(summary["judge"]["prior"].values())
    del summary["groups"]["black"]["by_rule"]["none"]["p"]
    summary["flips"]["new"] = 1
    found = misfits(summary, schema.Summary)
    assert any("prior" in one for one in found)
    assert any("new" in one for one in found)
    assert len(found) >= 3


def test_every_class_and_every_key_is_documented() -> None:
    assert undocumented(module) == []
