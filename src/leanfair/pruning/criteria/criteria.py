"""Importance criteria: functions from a model and calibration batches to `Scores`.

Every criterion scores both layers and neurons, and none needs labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from math import ceil
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from leanfair.data.batches import Batch
from leanfair.errors import FORWARD_ERRORS, InputError, raise_if_out_of_memory
from leanfair.evaluation.problem import Problem
from leanfair.pruning.criteria.contributions import contribution
from leanfair.pruning.criteria.divergence import solved_by
from leanfair.pruning.criteria.fisher_information import fisher
from leanfair.pruning.criteria.layer_race import Goes, layers_raced
from leanfair.pruning.criteria.linearised import linearised
from leanfair.pruning.criteria.partial_forward import head_known, sites
from leanfair.pruning.criteria.race import Estimates, NeuronRace
from leanfair.pruning.criteria.trials import Trials, all_tried, count_of_all, single_masks
from leanfair.pruning.surgery.activations import features
from leanfair.pruning.surgery.masking import masked
from leanfair.pruning.surgery.modules import dense_weight, features_of, is_dense
from leanfair.pruning.types import Anatomy, Criterion, Cut, NeuronCut, Neurons, Scores, Structure
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
_FEW = 32
"""A number of structures that are tried out sooner than estimated."""


def kl(
    model: nn.Module,
    anatomy: Anatomy,
    batches: Sequence[Batch],
    seed: int,
    progress: Progress,
    *,
    exact: bool = False,
    goes: Goes | None = None,
) -> Scores:
    """The criterion of the paper (arXiv 2506.04513): the mean over samples of
    KL(p_without || p_with), in nats, with p the class probabilities and "without" the structure's
    contribution set to zero. In a language model each token is a sample. Of several yes or no
    answers it is the sum of their Bernoulli divergences, and of numbers half the squared difference
    (`total_divergence`). It is computed from log-probabilities; the official code applies the
    softmax twice.

    exact: a partial forward pass for each structure and batch. Else only what decides is found
        exactly. All neurons are estimated by the first-order change of the outputs (`linearised`).
        Those for which that leaves open whether they go are tried out, on those samples first that
        have most of the divergence, until the same ones go though all estimates were three standard
        deviations wrong, each to its disadvantage, with the deviation as measured on those that
        were tried; at most five in a hundred may be open at the end (`Scores.doubt`). Layers, for
        which no estimate holds, are tried on ever more samples as long as they are within three
        standard errors of one that goes (`layers_raced`).
    goes: what some scores would remove. Without it the layer and the tenth of the neurons with the
        lowest scores.

    All structures are tried, as with `exact`, where there are few, or no gradient reaches them. In
    a network with more than `MOST_TRIED` structures, such as a language model, few neurons are
    tried, those whose estimates are least certain, and `doubt` may be large.
    """
    count = count_of_all(anatomy)
    if not count:
        progress(1.0)
        return Scores("kl", {}, {})
    problem = solved_by(model, anatomy, batches)
    if exact or count <= _FEW:
        return all_tried(model, anatomy, batches, problem, progress)
    estimates = _estimated(model, anatomy, batches, problem, seed, _part(progress, 0.0, 0.2))
    if estimates is None:
        return all_tried(model, anatomy, batches, problem, _part(progress, 0.2, 1.0))
    trials = Trials(model, anatomy, batches, problem)
    trials.prepare()
    rows = int(trials.rows.sum())
    known = Estimates({group.name: group for group in anatomy.neurons}, estimates, rows)
    goes = goes or partial(_lowest, anatomy)
    layers = layers_raced(trials, known.scores(), goes, seed, _part(progress, 0.2, 0.6))
    strict = count <= MOST_TRIED
    most = max(16.0, count / 32) if strict else 2.0
    race = NeuronRace(trials, known, layers, goes, most, strict)
    race.run(_part(progress, 0.6, 1.0))
    progress(1.0)
    neurons = {name: tuple(each.tolist()) for name, each in known.scores().items()}
    return Scores("kl", layers, neurons, race.doubt)


def cka(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], seed: int, progress: Progress
) -> Scores:
    """1 - linear CKA between the penultimate representations [n, d] with and without the structure
    (arXiv 2405.17081, section 3): a structure matters little if the representation without it is
    similar.

    Raises InputError for more than `MOST_TRIED` structures: CKA depends on the representation of
    all samples at once, so there is no gradient-based estimate for all structures.
    """
    count = count_of_all(anatomy)
    if count > MOST_TRIED:
        raise InputError(
            f"The criterion cka tries each of the {count:,} structures by itself, and more than "
            f"{MOST_TRIED:,} take too long: choose kl, which estimates them, fisher or "
            f"contribution."
        )
    whole = torch.cat(list(features(model, batches, head_known(model, anatomy, batches))))
    distances: dict[Structure, list[float]] = {}
    for site in sites(model, anatomy, batches, logits=False):
        for structure in site.structures:
            distances[structure] = []
            for mask in single_masks(structure):
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


def _estimated(
    model: nn.Module,
    anatomy: Anatomy,
    batches: Sequence[Batch],
    problem: Problem,
    seed: int,
    progress: Progress,
) -> dict[str, Tensor] | None:
    """The estimated divergence of each sample without each neuron, by group; None where it cannot
    be had and all structures can be tried out."""
    try:
        return linearised(model, anatomy, batches, problem, seed, progress)
    except FORWARD_ERRORS as error:  # some networks run, but cannot be differentiated
        raise_if_out_of_memory(error)
        if count_of_all(anatomy) > MOST_TRIED:
            raise
        return None


def _lowest(anatomy: Anatomy, scores: Scores) -> list[Cut]:
    """Cuts of the layer and of the tenth of the neurons with the lowest scores."""
    layers = sorted(anatomy.layers, key=lambda layer: scores.layers[layer.name])[:1]
    ranked = sorted(
        (score, place, i)
        for place, group in enumerate(anatomy.neurons)
        for i, score in enumerate(scores.neurons[group.name])
    )
    drops: dict[int, list[int]] = {}
    for _, place, i in ranked[: ceil(len(ranked) / 10)]:
        drops.setdefault(place, []).append(i)
    neurons = [NeuronCut(anatomy.neurons[at], tuple(sorted(i))) for at, i in drops.items()]
    return [Cut("layer", tuple(layers)), Cut("neurons", neurons=tuple(neurons))]


def _part(progress: Progress, start: float, end: float) -> Progress:
    """`progress` of a part of the whole, from `start` to `end`."""
    return lambda share: progress(start + (end - start) * share)


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
