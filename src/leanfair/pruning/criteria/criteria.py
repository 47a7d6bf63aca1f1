"""How important a structure is: functions from a model and batches to `Scores`.

Every criterion is for layers and for neurons alike, and none needs labels.
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
from leanfair.pruning.criteria.divergence import total_kl
from leanfair.pruning.criteria.fisher_information import fisher
from leanfair.pruning.criteria.partial_forward import sites, sites_by_batch
from leanfair.pruning.surgery.activations import features
from leanfair.pruning.surgery.masking import masked
from leanfair.pruning.surgery.modules import dense_weight, features_of, is_dense
from leanfair.pruning.types import Anatomy, Layer, NeuronCut, Neurons, Scores, Structure
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
Criterion: TypeAlias = Callable[[nn.Module, Anatomy, Sequence[Batch], int, Progress], Scores]
"""(model, anatomy, calibration batches, seed, progress) -> Scores."""

MOST_TRIED = 4096
"""The most structures that are tried one by one, a pass through the network each."""


def kl(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], seed: int, progress: Progress
) -> Scores:
    """The paper's criterion (arXiv 2506.04513): the mean over samples of KL(p_without || p_with),
    in nats, p the class probabilities and "without" the structure's contribution at zero. In a
    language model every token is a sample.

    It is taken on log-probabilities; the official code takes the softmax of a softmax instead.

    Where a network has more than `MOST_TRIED` structures, as language models and large CNNs have,
    layers and heads are still tried one by one, but channels (all of them, so that like is compared
    with like) are estimated by `fisher`: the second-order estimate of the same number. For single
    MLP units of SmolLM2-135M the estimate is 0.9 of it in the median.
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
    """1 - CKA of the penultimate representations with and without the structure (arXiv
    2405.17081, section 3): what resembles the whole network most without it matters least.

    Raises InputError where there are more than `MOST_TRIED` structures: it is a matter of the whole
    representation, of which no gradient tells every structure's part at once, and an estimate of
    something else would not be in its unit.
    """
    count = _count(anatomy)
    if count > MOST_TRIED:
        raise InputError(
            f"The criterion cka tries each of the {count:,} structures by itself, and more than "
            f"{MOST_TRIED:,} take too long: choose kl, which estimates them, fisher or "
            f"contribution."
        )
    whole = features(model, batches)
    found: dict[Structure, list[float]] = {}
    for site in sites(model, anatomy, batches, logits=False):
        for structure in site.structures:
            found[structure] = []
            for mask in _single_masks(structure):
                with masked(model, **mask):
                    found[structure].append(1.0 - linear_cka(site.run().features, whole))
                progress(sum(map(len, found.values())) / count)
    return _scores("cka", anatomy, found)


def l1(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], seed: int, progress: Progress
) -> Scores:
    """The mean absolute weight: of a neuron's incoming weights (so it is normalised by fan-in,
    which the official code is not for blocks), and of all weights of a block's operations."""
    modules = dict(model.named_modules())
    layers = {layer.name: _mean_weight(modules[layer.name]) for layer in anatomy.layers}
    neurons = {group.name: _incoming(modules, group) for group in anatomy.neurons}
    progress(1.0)
    return Scores("l1", layers, neurons)


def random(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], seed: int, progress: Progress
) -> Scores:
    """Uniform in [0, 1): the control that every criterion has to beat."""
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
    """The criterion of that name, or the function itself. Raises InputError for unknown names."""
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
    """Batch by batch, so that the logits of no more than one are ever held."""
    if not _count(anatomy):
        progress(1.0)
        return Scores("kl", {}, {})
    sums: dict[Structure, list[float]] = {}
    samples, done, all_in_all = 0, 0, _count(anatomy) * len(batches)
    for whole, places in sites_by_batch(model, anatomy, batches):
        samples += len(whole.logits)
        for site in places:
            for structure in site.structures:
                of_each = sums.setdefault(structure, [0.0] * len(list(_single_masks(structure))))
                for i, mask in enumerate(_single_masks(structure)):
                    with masked(model, **mask):
                        of_each[i] += total_kl(site.run().logits, whole.logits)
                    done += 1
                    progress(done / all_in_all)
    means = {structure: [each / samples for each in of_each] for structure, of_each in sums.items()}
    return _scores("kl", anatomy, means)


def _single_masks(structure: Structure) -> Iterator[dict[str, Any]]:
    if isinstance(structure, Layer):
        yield {"layers": (structure,)}
    else:
        for i in range(structure.count):
            yield {"neurons": (NeuronCut(structure, (i,)),)}


def _scores(name: str, anatomy: Anatomy, found: dict[Structure, list[float]]) -> Scores:
    layers = {layer.name: found[layer][0] for layer in anatomy.layers}
    return Scores(name, layers, {group.name: tuple(found[group]) for group in anatomy.neurons})


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
    """The weight, its first dimension that of the output."""
    return module.weight.detach() if isinstance(module, _ConvNd) else dense_weight(module)


def _has_weights(module: nn.Module) -> bool:
    return isinstance(module, _ConvNd) or is_dense(module)
