"""Scoring prompts with a causal language model of one's own, every common start computed once."""

from leanfair.fairness.judge.backends.scoring.layout import Query
from leanfair.fairness.judge.backends.scoring.scorer import Scorer, Sharing

__all__ = ["Query", "Scorer", "Sharing"]
