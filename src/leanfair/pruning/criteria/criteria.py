"""Importance criteria: functions from a model and calibration batches to `Scores`.

Every criterion scores both layers and neurons, and none needs labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from leanfair.data.batches import Batch
from leanfair.errors import InputError
from leanfair.pruning.criteria.contributions import contribution
from leanfair.pruning.criteria.divergence import solved_by, total_divergence
from leanfair.pruning.criteria.fisher_information import fisher
from leanfair.pruning.criteria.partial_forward import head_known, sites, sites_by_batch
from leanfair.pruning.surgery.activations import features
from leanfair.pruning.surgery.masking import masked
from leanfair.pruning.surgery.modules import dense_weight, features_of, is_dense
from leanfair.pruning.types import Anatomy, Criterion, Layer, NeuronCut, Neurons, Scores, Structure
from leanfair.similarity import cka as linear_cka

__all__ = [
    "CRITERIA",
    "Criterion",
    "cka",
    "contribution",
    "criterion_named",
    "fisher",
    "kl",
    "l1",
    "random",
]

Progress: TypeAlias = Callable[[float], None]

MOST_TRIED = 4096
"""The largest number of structures that are evaluated individually, with a forward pass each."""


def kl(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], seed: int, progress: Progress
) -> Scores:
    """The criterion of the paper (arXiv 2506.04513): the mean over samples of
    KL(p_without || p_with), in nats, with p the class probabilities and "without" the structure's
    contribution set to zero. In a language model each token is a sample. Of several yes or no
    answers it is the sum of their Bernoulli divergences, and of numbers half the squared difference
    (`total_divergence`).

    It is computed from log-probabilities; the official code applies the softmax twice.

    In a network with more than `MOST_TRIED` structures, such as a language model or a large CNN,
    layers and heads are evaluated individually, but all channels (so that their scores stay
    comparable) are estimated by `fisher`, the second-order Taylor estimate of the same quantity.
    For single MLP units of SmolLM2-135M the median ratio of estimate and value is 0.9.
    """
    estimated: tuple[Neurons, ...] = ()
    if _count(anatomy) > MOST_TRIED:
        estimated = tuple(group for group in anatomy.neurons if group.unit == "channel")
    few = replace(anatomy, neurons=tuple(g for g in anatomy.neurons if g not in estimated))
    if not estimated:
        return _kl(model, few, batches, progress)
    many = replace(anatomy, layers=(), neurons=estimated)
    guessed = fisher(model, many, batches, seed, lambda share: progress(share / 10))
    tried = _kl(model, few, batches, lambda share: progress(0.1 + 0.9 * share))
    return Scores("kl", tried.layers, {**guessed.neurons, **tried.neurons})


def cka(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], seed: int, progress: Progress
) -> Scores:
    """1 - linear CKA between the penultimate representations [n, d] with and without the structure
    (arXiv 2405.17081, section 3): a structure matters little if the representation without it is
    similar.

    Raises InputError for more than `MOST_TRIED` structures: CKA depends on the representation of
    all samples at once, so there is no gradient-based estimate for all structures.
    """
    count = _count(anatomy)
    if count > MOST_TRIED:
        raise InputError(
            f"The criterion cka tries each of the {count:,} structures by itself, and more than "
            f"{MOST_TRIED:,} take too long: choose kl, which estimates them, fisher or "
            f"contribution."
        )
    whole = features(model, batches, head_known(model, anatomy, batches))
    distances: dict[Structure, list[float]] = {}
    for site in sites(model, anatomy, batches, logits=False):
        for structure in site.structures:
            distances[structure] = []
            for mask in _single_masks(structure):
                with masked(model, **mask):
                    distances[structure].append(1.0 - linear_cka(site.run().features, whole))
                progress(sum(map(len, distances.values())) / count)
    return _scores("cka", anatomy, distances)


def l1(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], seed: int, progress: Progress
) -> Scores:
    """The mean absolute weight: over the incoming weights of a neuron, and over all weights of a
    block. (The mean normalises by fan-in, which the official code does not do for blocks.)"""
    modules = dict(model.named_modules())
    layers = {layer.name: _mean_weight(modules[layer.name]) for layer in anatomy.layers}
    neurons = {group.name: _incoming(modules, group) for group in anatomy.neurons}
    progress(1.0)
    return Scores("l1", layers, neurons)


def random(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], seed: int, progress: Progress
) -> Scores:
    """Uniform random scores in [0, 1): the control that a criterion has to beat."""
    generator = torch.Generator().manual_seed(seed)

    def draw(n: int) -> tuple[float, ...]:
        return tuple(torch.rand(n, generator=generator, dtype=torch.float64).tolist())

    progress(1.0)
    layers = {layer.name: draw(1)[0] for layer in anatomy.layers}
    return Scores("random", layers, {group.name: draw(group.count) for group in anatomy.neurons})


CRITERIA: dict[str, Criterion] = {
    "kl": kl,
    "l1": l1,
    "cka": cka,
    "fisher": fisher,
    "contribution": contribution,
    "random": random,
}


def criterion_named(criterion: str | Criterion) -> Criterion:
    """The criterion called `criterion`, or the function itself. Raises InputError for unknown
    names."""
    if callable(criterion):
        return criterion
    if not isinstance(criterion, str) or criterion not in CRITERIA:
        raise InputError(
            f"There is no criterion {criterion!r}: choose one of {', '.join(CRITERIA)}."
        )
    return CRITERIA[criterion]


def checked(scores: Scores) -> Scores:
    """`scores`. Raises InputError for one that cannot be put in order."""
    found = {name: (score,) for name, score in scores.layers.items()}
    for name, values in {**found, **scores.neurons}.items():
        if any(math.isnan(value) for value in values):
            raise InputError(
                f"The criterion {scores.criterion} gives {name} a score that is not a number: look "
                f"for NaN in the network and the calibration data."
            )
    return scores


def _count(anatomy: Anatomy) -> int:
    return len(anatomy.layers) + sum(group.count for group in anatomy.neurons)


def _kl(model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], progress: Progress) -> Scores:
    """`kl` of every structure individually; the logits of one batch at a time are in memory."""
    if not _count(anatomy):
        progress(1.0)
        return Scores("kl", {}, {})
    problem = solved_by(model, anatomy, batches)
    sums: dict[Structure, list[float]] = {}
    samples, done, passes = 0, 0, _count(anatomy) * len(batches)
    for whole, places in sites_by_batch(model, anatomy, batches):
        samples += len(whole.logits)
        for site in places:
            for structure in site.structures:
                of_each = sums.setdefault(structure, [0.0] * len(list(_single_masks(structure))))
                for i, mask in enumerate(_single_masks(structure)):
                    with masked(model, **mask):
                        out = site.run().logits
                        of_each[i] += total_divergence(problem, out, whole.logits)
                    done += 1
                    progress(done / passes)
    means = {
        structure: [total / samples for total in of_each] for structure, of_each in sums.items()
    }
    return _scores("kl", anatomy, means)


def _single_masks(structure: Structure) -> Iterator[dict[str, Any]]:
    if isinstance(structure, Layer):
        yield {"layers": (structure,)}
    else:
        for i in range(structure.count):
            yield {"neurons": (NeuronCut(structure, (i,)),)}


def _scores(name: str, anatomy: Anatomy, values: dict[Structure, list[float]]) -> Scores:
    layers = {layer.name: values[layer][0] for layer in anatomy.layers}
    return Scores(name, layers, {group.name: tuple(values[group]) for group in anatomy.neurons})


def _mean_weight(module: nn.Module) -> float:
    weights = [_weight(part) for part in module.modules() if _has_weights(part)]
    total = sum(float(weight.abs().sum(dtype=torch.float64)) for weight in weights)
    return total / max(1, sum(weight.numel() for weight in weights))


def _incoming(modules: dict[str, nn.Module], group: Neurons) -> tuple[float, ...]:
    total = torch.zeros(group.count, dtype=torch.float64)
    fan_in = 0
    for member in group.members:
        module = modules[member.module]
        if member.side == "in" or not _has_weights(module):
            continue
        weight = _weight(module).flatten(1)
        rows = weight[features_of(member, tuple(range(group.count))).to(weight.device)].abs()
        sums = rows.sum(dim=1, dtype=torch.float64).cpu()
        total += sums.reshape(group.count, -1).sum(dim=1)
        fan_in += rows.shape[1] * member.repeat
    return tuple((total / max(1, fan_in)).tolist())


def _weight(module: nn.Module) -> Tensor:
    """The weight of a dense or convolutional module, [out, in, ...]."""
    return module.weight.detach() if isinstance(module, _ConvNd) else dense_weight(module)


def _has_weights(module: nn.Module) -> bool:
    return isinstance(module, _ConvNd) or is_dense(module)
