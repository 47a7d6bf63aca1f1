"""Scoring prompts with a causal language model of one's own, every common start computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.judge.backends.scoring.layout import Query as Query
    from leanfair.fairness.judge.backends.scoring.scorer import Scorer as Scorer
    from leanfair.fairness.judge.backends.scoring.scorer import Sharing as Sharing

_HOMES = {
    "Query": "layout",
    "Scorer": "scorer",
    "Sharing": "scorer",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
