"""Perplexity and agreement of two language models, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from leanfair.comparison.measures.numbers import finite, measure
from leanfair.comparison.schema.quality import Agreement, Growth, GrowthBin, Perplexity
from leanfair.evaluation import perplexity
from leanfair.evaluation.outputs.intervals import ratio_of
from leanfair.evaluation.outputs.tokens import CONTEXTS, TokenSums

LENGTHS = (0, 32, 128, 512, 2048)
"""Where bins of samples begin, by how many tokens they have."""


def perplexity_of(sums: TokenSums) -> Perplexity:
    """How well both foresee the text."""
    return {
        "overall": _growth(sums),
        "by_length": _by_length(sums),
        "by_context": _by_context(sums),
    }


def agreement_of(sums: TokenSums) -> Agreement:
    """How often both find the same token most likely, and how far their probabilities differ."""
    found = sums.sums.sum(dim=1)
    return {
        "same": measure(ratio_of(found[:, 3], found[:, 0], 0.0, 1.0)),
        "kl": measure(ratio_of(found[:, 4], found[:, 0], 0.0, float("inf"))),
        "answers": int(found[:, 0].sum()),
    }


def _by_length(sums: TokenSums) -> list[GrowthBin]:
    if int(sums.lengths.min()) == int(sums.lengths.max()):
        return []
    starts = torch.tensor(LENGTHS[1:])
    bins = torch.bucketize(sums.lengths, starts, right=True)
    return [
        _bin(_growth(sums.of(here)), LENGTHS, number)
        for number in range(len(LENGTHS))
        if _asked(sums.of(here := bins == number))
    ]


def _by_context(sums: TokenSums) -> list[GrowthBin]:
    return [
        _bin(_growth(sums, [number]), CONTEXTS, number)
        for number in range(len(CONTEXTS))
        if float(sums.sums[:, number, 0].sum())
    ]


def _asked(sums: TokenSums) -> bool:
    return bool(sums.sums[:, :, 0].sum() > 0)


def _bin(found: Growth, starts: Sequence[int], number: int) -> GrowthBin:
    last = number + 1 == len(starts)
    return {**found, "least": starts[number], "most": None if last else starts[number + 1] - 1}


def _growth(sums: TokenSums, bins: Sequence[int] | None = None) -> Growth:
    before, after = (sums.losses(side, bins) for side in (0, 1))
    change = perplexity.change(before, after)
    return {
        "parent": change.before,
        "child": change.after,
        "ratio": change.ratio,
        "low": finite(change.low),
        "high": finite(change.high),
        "tokens": change.tokens,
        "samples": _count(before),
    }


def _count(losses: Tensor) -> int:
    return int((losses[:, 1] > 0).sum())
