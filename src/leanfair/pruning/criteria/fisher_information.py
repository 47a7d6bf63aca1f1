"""The criterion `fisher`: the Fisher information of a multiplicative gate on each structure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.evaluation.mode import evaluating
from leanfair.evaluation.problem import Problem, rows_of
from leanfair.pruning.criteria.divergence import solved_by
from leanfair.pruning.criteria.gates import Gauge, count_of, gated, unreached
from leanfair.pruning.types import Anatomy, Scores, Structure

_DRAWN_AT_ONCE = 2**22
"""Probabilities from which samples are drawn at a time."""


def fisher(
    model: nn.Module,
    anatomy: Anatomy,
    batches: Sequence[Batch],
    seed: int,
    progress: Callable[[float], None],
) -> Scores:
    """Half the Fisher information of a gate on the structure: the mean over samples of g²/2, with g
    the derivative of log p(y|x) with respect to a factor on the structure's contribution, and y
    drawn from the model's own probabilities (Theis et al. 2018, arXiv 1801.05787, equation 8).

    Of numbers (regression), y is normally distributed around them with unit variance, and g² / 2
    estimates half the squared change of the outputs.

    It is the second-order Taylor estimate of the `kl` criterion, for all structures at once at the
    cost of one backward pass per batch. Gradients of weights are not computed; weights may be
    frozen.

    In a language model each token is a sample with a gate of its own: g is the derivative of the
    sum of log p over all tokens with respect to a factor on the contribution at that token, and the
    score is the mean over tokens of g²/2. This omits the joint effect of several tokens on one
    prediction. A single gate for a sequence (the squared sum of its g) includes it, but also the
    products of derivatives of different predictions, which vanish only on average, and is much
    noisier. Measured against `kl` on SmolLM2-135M, 4 texts of 64 tokens, the rank correlation is
    0.83 (of 60 MLP units), 0.93 (21 heads) and 0.80 (30 layers) with a gate for each token, and
    0.58, 0.83 and 0.46 with one for each sequence (means of 6 seeds).
    """
    generator = torch.Generator().manual_seed(seed)
    problem = solved_by(model, anatomy, batches)
    everything: tuple[Structure, ...] = (*anatomy.layers, *anatomy.neurons)
    count = 0
    with torch.inference_mode(False), evaluating(model):
        totals = {each: torch.zeros(count_of(each), dtype=torch.float64) for each in everything}
        gauges = [Gauge(each, partial(_add_squares, total)) for each, total in totals.items()]
        for i, batch in enumerate(batches):
            count += _measure(model, gauges, batch, generator, problem)
            progress((i + 1) / len(batches))
    scores = {each: (total / (2 * count)).tolist() for each, total in totals.items()}
    return Scores(
        "fisher",
        {layer.name: scores[layer][0] for layer in anatomy.layers},
        {group.name: tuple(scores[group]) for group in anatomy.neurons},
    )


def _add_squares(total: Tensor, slopes: Tensor) -> None:
    total += slopes.square().sum(dim=0, dtype=torch.float64).cpu()


def _measure(
    model: nn.Module,
    gauges: list[Gauge],
    batch: Batch,
    generator: torch.Generator,
    problem: Problem,
) -> int:
    """Add the derivatives of one batch to the gauges; returns its number of samples."""
    anchor = torch.zeros((), requires_grad=True)
    with torch.enable_grad():
        logits, _ = gated(model, gauges, batch, anchor)
        loss = _surprise(problem, logits, generator)
        torch.autograd.grad(loss, anchor, allow_unused=True)
    if error := unreached(gauges):
        raise error
    for gauge in gauges:
        gauge.settle()
    return len(logits)


def _surprise(problem: Problem, outputs: Tensor, generator: torch.Generator) -> Tensor:
    """-log p(y) of answers y drawn from what `outputs` say, summed, up to a constant: one class of
    each row, yes or no for each output, or a number, normally distributed around it with unit
    variance."""
    if problem.type == "single_label_classification":
        rows = rows_of(outputs)
        return F.cross_entropy(rows, _drawn(rows.detach(), generator), reduction="sum")
    said = outputs.detach().cpu()
    if problem.type == "multi_label_classification":
        yes = torch.bernoulli(said.sigmoid(), generator=generator).to(outputs)
        return F.binary_cross_entropy_with_logits(outputs, yes, reduction="sum")
    noise = torch.randn(said.shape, generator=generator, dtype=said.dtype).to(outputs)
    return (outputs - (outputs.detach() + noise)).square().sum() / 2


def _drawn(logits: Tensor, generator: torch.Generator) -> Tensor:
    """A class for each sample, drawn from its probabilities: int64 [n], from logits [n,
    classes]."""
    rows = max(1, _DRAWN_AT_ONCE // logits.shape[-1])
    drawn = [
        torch.multinomial(part.softmax(dim=-1).cpu(), 1, generator=generator)
        for part in torch.split(logits, rows)
    ]
    return torch.cat(drawn).flatten().to(logits.device)
