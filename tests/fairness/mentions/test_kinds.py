"""Every kind of row in a lexicon has its rule."""

from __future__ import annotations

from leanfair.fairness.lexicon.attribute import KINDS
from leanfair.fairness.mentions.kinds import RULES


def test_there_is_a_rule_for_every_kind_of_row() -> None:
    assert RULES.keys() == KINDS.keys()
