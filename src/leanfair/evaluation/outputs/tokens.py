"""What two language models make of the same text, token by token, in one pass over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, Source, forward, iterate
from leanfair.data.language import IGNORED, targets, token_ids, token_mask
from leanfair.errors import InputError
from leanfair.evaluation.mode import evaluating, moved
from leanfair.evaluation.outputs.agreement import divergence_of

CONTEXTS = (0, 16, 64, 256, 1024)
"""Where bins of tokens begin, by how many tokens of the text stand before them."""
COLUMNS = 5
_AT_ONCE = 1 << 22
"""Logits that are turned into float64 at a time."""


@dataclass(frozen=True)
class TokenSums:
    """For each of n samples, and each bin of `CONTEXTS`, sums over the tokens that are asked for:
    `sums` float64 [n, bins, 5] holds how many they are, the negative log-likelihood of the parent
    and of the child, how many have the same top answer, and KL(parent || child), in nats. `lengths`
    [n]: the tokens of each sample."""

    sums: Tensor
    lengths: Tensor

    def losses(self, side: int, bins: Sequence[int] | None = None) -> Tensor:
        """Loss and tokens of each sample, float64 [n, 2], of the parent (0) or the child (1), as
        `perplexity.change` takes them."""
        held = self.sums if bins is None else self.sums[:, list(bins)]
        return held[:, :, [1 + side, 0]].sum(dim=1)

    def of(self, rows: Tensor) -> TokenSums:
        """Those of some samples, bool [n]."""
        return TokenSums(self.sums[rows], self.lengths[rows])


def token_sums(
    parent: nn.Module, child: nn.Module, source: Source, batch_size: int = 8
) -> TokenSums:
    """What both models make of `source`. Raises InputError where it is not told what to say, where
    both differ in words, and where logits are NaN, saying in which batch."""
    sums: list[Tensor] = []
    lengths: list[Tensor] = []
    with evaluating(parent), evaluating(child), torch.no_grad():
        for number, batch in enumerate(iterate(source, batch_size), start=1):
            wanted = targets(parent, batch)
            if wanted is None or wanted.ndim != 2:
                raise InputError(
                    f"Batch {number} does not tell what the models should say: give the text's "
                    f"tokens, or labels [n, tokens]."
                )
            mine, its = (_logits(model, batch, number) for model in (parent, child))
            if mine.shape != its.shape or wanted.shape != mine.shape[:2]:
                raise InputError(
                    f"The models answer batch {number} with logits {list(mine.shape)} and "
                    f"{list(its.shape)} for targets {list(wanted.shape)}: compare two models "
                    f"of the same words, on text that both take."
                )
            sums.append(_summed(mine, its, wanted.cpu()))
            lengths.append(_lengths(batch, wanted))
    return TokenSums(torch.cat(sums), torch.cat(lengths))


def _logits(model: nn.Module, batch: Batch, number: int) -> Tensor:
    found = forward(model, moved(batch, model).inputs)
    if bool(found.isnan().any()):
        raise InputError(
            f"The model's logits are NaN in batch {number}: look for NaN in its weights or inputs."
        )
    return found


def _summed(mine: Tensor, its: Tensor, wanted: Tensor) -> Tensor:
    """The sums [n, bins, 5] of logits [n, tokens, words] at the targets [n, tokens]."""
    n, tokens = wanted.shape
    places = (wanted != IGNORED).flatten().nonzero().squeeze(1)
    starts = torch.tensor(CONTEXTS[1:])
    bins = torch.bucketize(torch.arange(1, tokens + 1), starts, right=True).repeat(n)
    samples = torch.arange(n).repeat_interleave(tokens)
    found = torch.zeros(n * len(CONTEXTS), COLUMNS, dtype=torch.float64)
    words = mine.shape[-1]
    first, second = mine.flatten(0, 1), its.flatten(0, 1)
    for here in torch.split(places, max(1, _AT_ONCE // words)):
        one = first[here.to(first.device)].double()
        two = second[here.to(second.device)].to(one.device).double()
        labels = wanted.flatten()[here].to(one.device)
        columns = torch.stack(
            [
                torch.ones_like(labels, dtype=torch.float64),
                _loss(one, labels),
                _loss(two, labels),
                (one.argmax(dim=1) == two.argmax(dim=1)).double(),
                divergence_of(one, two),
            ],
            dim=1,
        )
        found.index_add_(0, samples[here] * len(CONTEXTS) + bins[here], columns.cpu())
    return found.view(n, len(CONTEXTS), COLUMNS)


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.logsumexp(dim=1) - logits.gather(1, labels[:, None]).squeeze(1)


def _lengths(batch: Batch, wanted: Tensor) -> Tensor:
    """How many tokens each sample has, padding apart."""
    ids = token_ids(batch)
    length = wanted.shape[1] if ids is None else ids.shape[1]
    mask = token_mask(batch, length)
    return torch.full((len(batch),), length) if mask is None else mask.sum(dim=1).cpu()
