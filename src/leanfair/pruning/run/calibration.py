"""The calibration data of a run, in batches whose logits fit memory, and what networks make of
them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from leanfair.data import batches, language
from leanfair.data.batches import Batch
from leanfair.evaluation.mode import evaluating
from leanfair.pruning.surgery.activations import Head, features

SCORE_BATCH = 64
"""Samples in one forward pass of scoring: enough to fill the cores, few enough to fit memory."""

MOST_LOGITS = 2**25
"""Logits of one forward pass: 128 MiB in float32, as 682 tokens with 49,152 words give."""

MOST_TOKENS = 4096
"""Tokens of a forward pass that ends at the head of a language model."""

MOST_KEPT = 2**25
"""Values of penultimate features that are kept of a network: 128 MiB in float32."""

FITTED = 256
"""Images that least squares are fitted to, each with many patches; with 1,000 no better."""

PROOF = 16
"""Real inputs on which a removal is proven; of texts four, of 64 tokens."""


@dataclass(frozen=True)
class Calibration:
    """The `batches` that structures are scored and candidates chosen on. `rows` is how many samples
    one forward pass takes, so that their logits fit memory; `tokenwise` whether each token of a
    sample has its own."""

    batches: list[Batch]
    rows: int
    tokenwise: bool = False

    @cached_property
    def proof(self) -> Batch:
        """The few samples whose cost is counted."""
        return self.batches[0][: min(PROOF, self.rows)]

    @cached_property
    def trial(self) -> Batch:
        """The few samples on which every removal is proven."""
        return language.shortened(self.proof[:4], 64) if self.tokenwise else self.proof

    @cached_property
    def pieces(self) -> list[Batch]:
        """All samples in batches whose logits fit memory."""
        return regrouped(self.batches, len(self), self.rows)

    @cached_property
    def carried(self) -> list[Batch]:
        """All samples in batches for passes that end at the head, whose logits are not made."""
        return regrouped(self.batches, len(self), self._carried_rows)

    @cached_property
    def fitted(self) -> list[Batch]:
        """The samples that least squares are fitted to, in batches like `carried`: all texts, and
        `FITTED` of others."""
        return self.carried if self.tokenwise else self.first(FITTED, carried=True)

    @property
    def _carried_rows(self) -> int:
        tokens = self.tokens or 0
        if not self.tokenwise or not tokens:
            return self.rows
        return max(self.rows, min(SCORE_BATCH, MOST_TOKENS // tokens))

    @property
    def whole(self) -> list[Batch]:
        """All samples in batches as large as they may be for measuring representations."""
        return self.carried if self.tokenwise else self.batches

    @property
    def tokens(self) -> int | None:
        """How many tokens the sample has for which MACs are counted; None where it has none."""
        return tokens_of(self.proof) or None

    def __len__(self) -> int:
        return sum(map(len, self.batches))

    def first(self, samples: int, *, carried: bool = False) -> list[Batch]:
        """The first `samples`, in batches whose logits fit memory or, with `carried`, for passes
        that end at the head."""
        return regrouped(self.batches, samples, self._carried_rows if carried else self.rows)


def calibration_for(model: nn.Module, held: list[Batch]) -> Calibration:
    """The calibration data `held` of `model`."""
    sample = max(held, key=tokens_of)[:1]
    with torch.no_grad(), evaluating(model):
        logits = batches.forward(model, sample.inputs).numel()
    rows = max(1, min(SCORE_BATCH, MOST_LOGITS // max(1, logits)))
    return Calibration(held, rows, language.is_language_model(model))


@dataclass(frozen=True)
class Features:
    """The penultimate features of calibration data in networks, in batches [b, d], of a language
    model those of every token. What fits `most` values is found once for each network, until it is
    trained; what is more is found anew each time, and never all in memory."""

    calibration: Calibration
    known: WeakKeyDictionary[nn.Module, list[Tensor]] = field(default_factory=WeakKeyDictionary)
    most: int = MOST_KEPT

    def of(self, model: nn.Module, head: Head | None) -> Iterator[Tensor]:
        """Those in `model`, batch by batch; `head` is its head, where that is known."""
        if model in self.known:
            yield from self.known[model]
            return
        kept: list[Tensor] = []
        room = self.most
        for found in features(model, self.calibration.whole, head):
            room -= found.numel()
            if room >= 0:
                kept.append(found)
            else:
                kept.clear()
            yield found
        if room >= 0:
            self.known[model] = kept

    def forget(self, model: nn.Module) -> None:
        """`model` is about to be trained."""
        self.known.pop(model, None)


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
