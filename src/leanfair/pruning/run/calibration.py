"""The calibration data of a run, in batches whose logits fit memory."""

from __future__ import annotations

from leanfair.data import language
from leanfair.data.batches import Batch

SCORE_BATCH = 64
"""Samples in one forward pass of scoring: enough to fill the cores, few enough to fit memory."""


MOST_LOGITS = 2**26
"""Logits of one forward pass: 256 MiB in float32, as 1,365 tokens with 49,152 words give."""


def tokens_of(batch: Batch) -> int:
    """The tokens of each sample; 0 where it has none."""
    found = language.token_ids(batch)
    return 0 if found is None else int(found.shape[1])


def regrouped(held: list[Batch], samples: int, size: int) -> list[Batch]:
    """The first `samples` of the calibration data, in batches of at most `size`."""
    pieces: list[Batch] = []
    for batch in held:
        for start in range(0, len(batch), size):
            if samples > 0:
                pieces.append(batch[start : start + min(size, samples)])
                samples -= len(pieces[-1])
    return pieces
