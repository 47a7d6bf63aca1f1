"""How well a language model foresees a text: the perplexity of its tokens, and its change."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy.special import stdtrit
from torch import Tensor, nn

from leanfair.data.batches import Source, forward, iterate
from leanfair.data.language import IGNORED, targets
from leanfair.errors import InputError
from leanfair.evaluation.mode import evaluating, moved

_AT_ONCE = 1 << 22
"""Logits that are turned into float64 at a time."""


@dataclass(frozen=True)
class PerplexityChange:
    """What became of the perplexity from one model to another, on the same text.

    `before` and `after`: perplexities over `tokens` tokens. `low` and `high` bound the *ratio*
    after / before in a 95 % interval that takes the samples, not the tokens, as drawn
    independently; both are None for a single sample. The logarithm of the ratio is a ratio of sums
    over samples, the difference of their losses over their tokens, and its variance that of the
    ratio estimator (Cochran 1977, Sampling Techniques, section 6.3), with Student's quantile.
    """

    before: float
    after: float
    low: float | None
    high: float | None
    tokens: int

    @property
    def ratio(self) -> float:
        """After / before: above 1, the text surprises the second model more."""
        return self.after / self.before

    def to_json(self) -> dict[str, float | int | None]:
        """The ratio, its interval, and the number of tokens, in plain JSON types."""
        return {"value": self.ratio, "low": self.low, "high": self.high, "tokens": self.tokens}


def change(before: Tensor, after: Tensor) -> PerplexityChange:
    """The change between what two models lose on the same samples (float64 [n, 2] each, as
    `losses` finds it). Raises InputError where they were asked for other tokens."""
    if before.shape != after.shape or not torch.equal(before[:, 1], after[:, 1]):
        raise InputError(
            "The two models were asked for other tokens, so their perplexities cannot be compared: "
            "measure both on the same text."
        )
    counts = before[:, 1]
    total = _total(counts)
    differences = after[:, 0] - before[:, 0]
    mean = float(differences.sum()) / total
    n = int((counts > 0).sum())  # a sample that is asked for nothing tells nothing
    low = high = None
    if n > 1:
        squares = float(((differences - mean * counts) ** 2).sum())
        half = float(stdtrit(n - 1, 0.975)) * math.sqrt(squares * n / (n - 1)) / total
        low, high = _exp(mean - half), _exp(mean + half)
    return PerplexityChange(_over(before), _over(after), low, high, total)


def perplexity(model: nn.Module, source: Source, batch_size: int = 8) -> float:
    """exp of the mean negative log-likelihood of the tokens in `source`, 1 at best. Raises what
    `losses` raises."""
    return _over(losses(model, source, batch_size))


def losses(model: nn.Module, source: Source, batch_size: int = 8) -> Tensor:
    """For each sample of `source`, the negative log-likelihood of the tokens that `model` should
    say, summed, in nats, and how many they are: float64 [n, 2] on the CPU.

    What it should say is told by `language.targets`: the next token or the batch's labels. `source`
    is a Dataset (read in batches of `batch_size`) or an iterable of batches, on any device. `model`
    is used in evaluation mode and left as it was. Raises InputError where it is not told what to
    say, and where logits are NaN, saying in which batch.
    """
    found = []
    with evaluating(model), torch.no_grad():
        for number, batch in enumerate(iterate(source, batch_size), start=1):
            here = moved(batch, model)
            wanted = targets(model, here)
            logits = forward(model, here.inputs)
            found.append(_summed(logits, _checked(wanted, logits, number), number))
    return torch.cat(found)


def _summed(logits: Tensor, wanted: Tensor, number: int) -> Tensor:
    """The losses [n, 2] of logits [n, tokens, words] at the targets [n, tokens]."""
    asked = wanted != IGNORED
    rows, labels = logits.flatten(0, 1), wanted.flatten()
    places = asked.flatten().nonzero().squeeze(1)
    # A few positions at a time: all of them in float64 would take more memory than the model.
    some = torch.split(places, max(1, _AT_ONCE // logits.shape[-1]))
    loss = torch.cat([_loss(rows[here].double(), labels[here]) for here in some])
    if bool(loss.isnan().any()):
        raise InputError(
            f"The model's logits are NaN in batch {number}: look for NaN in its weights or inputs."
        )
    each = torch.zeros(asked.shape, dtype=torch.float64, device=loss.device)
    each[asked] = loss
    return torch.stack([each.sum(dim=1), asked.sum(dim=1).double()], dim=1).cpu()


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.logsumexp(dim=1) - logits.gather(1, labels[:, None]).squeeze(1)


def _checked(wanted: Tensor | None, logits: Tensor, number: int) -> Tensor:
    """`wanted` [n, tokens] on the device of `logits` [n, tokens, words]; InputError where they do
    not fit."""
    if wanted is None:
        raise InputError(
            f"Batch {number} does not tell what the model should say: perplexity needs the text's "
            f"tokens for a model that foresees the next one, and labels [n, tokens] for any other."
        )
    if logits.ndim != 3 or wanted.shape != logits.shape[:2]:
        raise InputError(
            f"Batch {number} has targets of shape {list(wanted.shape)} for logits of shape "
            f"{list(logits.shape)}: perplexity needs targets [n, tokens] and logits "
            f"[n, tokens, words]."
        )
    words = logits.shape[-1]
    strange = wanted[(wanted != IGNORED) & ((wanted < 0) | (wanted >= words))]
    if len(strange):
        raise InputError(
            f"Batch {number} asks for the token {int(strange[0])}, but the model has {words}: give "
            f"the tokenizer that belongs to the model."
        )
    return wanted.to(logits.device)


def _over(found: Tensor) -> float:
    return _exp(float(found[:, 0].sum()) / _total(found[:, 1]))


def _total(counts: Tensor) -> int:
    total = int(counts.sum())
    if total == 0:
        raise InputError(
            "Not a single token is asked for: give samples of two tokens or more that are no "
            "padding."
        )
    return total


def _exp(value: float) -> float:
    """exp, at most the largest number there is."""
    return math.exp(min(value, 709.0))
