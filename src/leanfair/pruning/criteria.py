"""How important a structure is: functions from a model and batches to `Scores`.

Every criterion is for layers and for neurons alike, and none needs labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from leanfair.batches import Batch, forward
from leanfair.errors import InputError
from leanfair.evaluation.mode import evaluating
from leanfair.pruning.masks import (
    consumers,
    feature_dim,
    features_of,
    first_tensor,
    masked,
    with_first_tensor,
)
from leanfair.pruning.replay import Outputs, outputs, sites
from leanfair.pruning.types import Anatomy, Layer, NeuronCut, Neurons, Scores, Structure
from leanfair.similarity import cka as linear_cka

Progress: TypeAlias = Callable[[float], None]
Criterion: TypeAlias = Callable[[nn.Module, Anatomy, Sequence[Batch], int, Progress], Scores]
"""(model, anatomy, calibration batches, seed, progress) -> Scores."""


def kl(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], seed: int, progress: Progress
) -> Scores:
    """The paper's criterion (arXiv 2506.04513): the mean over samples of KL(p_without || p_with),
    in nats, p the class probabilities and "without" the structure's contribution at zero.

    It is taken on log-probabilities; the official code takes the softmax of a softmax instead.
    """

    def divergence(without: Outputs, whole: Outputs) -> float:
        return mean_kl(without.logits, whole.logits)

    return _by_masking("kl", divergence, model, anatomy, batches, progress)


def cka(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], seed: int, progress: Progress
) -> Scores:
    """1 - CKA of the penultimate representations with and without the structure (arXiv
    2405.17081, section 3): what resembles the whole network most without it matters least."""

    def dissimilarity(without: Outputs, whole: Outputs) -> float:
        return 1.0 - linear_cka(without.features, whole.features)

    return _by_masking("cka", dissimilarity, model, anatomy, batches, progress)


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


def fisher(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], seed: int, progress: Progress
) -> Scores:
    """Half the Fisher information of a gate on the structure: with g the derivative of log p(y|x)
    by a factor on the structure's contribution, the mean over samples of g²/2, y drawn from the
    model's own probabilities (Theis et al. 2018, arXiv 1801.05787, equation 8).

    It is the second-order estimate of the `kl` criterion, for every structure at once at the price
    of one backward pass a batch.
    """
    generator = torch.Generator().manual_seed(seed)
    sums: dict[str, Tensor] = {}
    count = 0
    with torch.inference_mode(False), evaluating(model):
        for i, batch in enumerate(batches):
            for name, gates in _gate_gradients(model, anatomy, batch, generator).items():
                sums[name] = sums.get(name, 0.0) + gates.double().square().sum(dim=0)
            count += len(batch)
            progress((i + 1) / len(batches))
    half = {name: (total / (2 * count)).tolist() for name, total in sums.items()}
    layers = {layer.name: float(half[_key(layer)][0]) for layer in anatomy.layers}
    neurons = {group.name: tuple(half[_key(group)]) for group in anatomy.neurons}
    return Scores("fisher", layers, neurons)


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


def mean_kl(without: Tensor, whole: Tensor) -> float:
    """The mean over samples of KL(softmax(without) || softmax(whole)), logits [n, classes]."""
    p = F.log_softmax(without.double(), dim=-1)
    q = F.log_softmax(whole.double(), dim=-1)
    terms = torch.where(p == -torch.inf, 0.0, p.exp() * (p - q))  # 0 log 0 is 0
    return float(terms.sum(dim=-1).clamp(min=0.0).mean())  # rounding alone may bring it below


def _by_masking(
    name: str,
    loss: Callable[[Outputs, Outputs], float],
    model: nn.Module,
    anatomy: Anatomy,
    batches: Sequence[Batch],
    progress: Progress,
) -> Scores:
    """Scores by zeroing each structure in turn and comparing with the whole network's outputs."""
    whole = outputs(model, batches)
    layers: dict[str, float] = {}
    neurons: dict[str, tuple[float, ...]] = {}
    total = len(anatomy.layers) + sum(group.count for group in anatomy.neurons)
    done = 0
    for site in sites(model, anatomy, batches):
        for structure in site.structures:
            scores = []
            for mask in _single_masks(structure):
                with masked(model, **mask):
                    scores.append(loss(site.run(), whole))
                done += 1
                progress(done / total)
            if isinstance(structure, Layer):
                layers[structure.name] = scores[0]
            else:
                neurons[structure.name] = tuple(scores)
    return Scores(name, layers, neurons)


def _single_masks(structure: Structure) -> Iterator[dict[str, Any]]:
    if isinstance(structure, Layer):
        yield {"layers": (structure,)}
    else:
        for i in range(structure.count):
            yield {"neurons": (NeuronCut(structure, (i,)),)}


def _mean_weight(module: nn.Module) -> float:
    weights = [
        part.weight.detach().abs().flatten().double()
        for part in module.modules()
        if isinstance(part, (_ConvNd, nn.Linear))
    ]
    return float(torch.cat(weights).mean()) if weights else 0.0


def _incoming(modules: dict[str, nn.Module], group: Neurons) -> tuple[float, ...]:
    total = torch.zeros(group.count, dtype=torch.float64)
    fan_in = 0
    for member in group.members:
        module = modules[member.module]
        if member.side == "in" or not isinstance(module, (_ConvNd, nn.Linear)):
            continue
        rows = features_of(member, tuple(range(group.count)))
        weight = module.weight.detach().abs().flatten(1).double().cpu()[rows]
        total += weight.reshape(group.count, -1).sum(dim=1)
        fan_in += weight.shape[1] * member.repeat
    return tuple((total / fan_in).tolist())


def _key(structure: Structure) -> str:
    return f"{'layer' if isinstance(structure, Layer) else 'neurons'}:{structure.name}"


def _gate_gradients(
    model: nn.Module, anatomy: Anatomy, batch: Batch, generator: torch.Generator
) -> dict[str, Tensor]:
    """For each structure, d log p(y|x) / d gate: [n, neurons], or [n, 1] for a layer."""
    gates: dict[str, Tensor] = {}
    n = len(batch)
    handles = []
    modules = dict(model.named_modules())
    everything: tuple[Structure, ...] = (*anatomy.layers, *anatomy.neurons)
    for structure in everything:
        count = structure.count if isinstance(structure, Neurons) else 1
        device = next(model.parameters()).device
        gate = torch.ones(n, count, device=device, requires_grad=True)
        gates[_key(structure)] = gate
        if isinstance(structure, Layer):
            handles += [
                modules[exit].register_forward_hook(_gated_output(gate)) for exit in structure.exits
            ]
        else:
            for member in consumers(structure):
                rows = features_of(member, tuple(range(count)))
                hook = _gated_input(gate, rows, member.repeat, feature_dim(modules[member.module]))
                handles.append(
                    modules[member.module].register_forward_pre_hook(hook, with_kwargs=True)
                )
    try:
        with torch.enable_grad():
            logits = forward(model, batch.inputs)
            log_p = F.log_softmax(logits, -1, dtype=torch.promote_types(logits.dtype, torch.float))
            drawn = torch.multinomial(log_p.detach().exp().cpu(), 1, generator=generator)
            chosen = log_p.gather(1, drawn.to(log_p.device)).sum()
            if not chosen.requires_grad:
                raise InputError("The network keeps no gradients: choose another criterion, as kl.")
            gradients = torch.autograd.grad(chosen, list(gates.values()), allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    found: dict[str, Tensor] = {}
    for structure, gradient in zip(everything, gradients, strict=True):
        if gradient is None:
            raise InputError(f"No gradient reaches {structure.name}: choose another criterion.")
        found[_key(structure)] = gradient
    return found


def _gated_output(gate: Tensor) -> Any:
    def hook(module: nn.Module, args: Any, output: Any) -> Any:
        first = output if isinstance(output, Tensor) else output[0]
        if len(first) != len(gate):
            raise _folded(len(first), len(gate))
        gated = first * gate.reshape(-1, *[1] * (first.ndim - 1)).to(first.dtype)
        return gated if isinstance(output, Tensor) else type(output)((gated, *output[1:]))

    return hook


def _gated_input(gate: Tensor, positions: Tensor, repeat: int, dim: int) -> Any:
    """Multiply the features at `positions` of the input by their neuron's gate."""

    def hook(module: nn.Module, args: Any, kwargs: Any) -> Any:
        _, x = first_tensor(args, kwargs)
        if len(x) != len(gate):
            raise _folded(len(x), len(gate))
        factor = torch.ones(len(gate), x.shape[dim], dtype=x.dtype, device=x.device)
        spread = gate.repeat_interleave(repeat, dim=1).to(x.dtype)
        factor = factor.index_copy(1, positions.to(x.device), spread)
        shape = [len(gate)] + [1] * (x.ndim - 1)
        shape[dim] = x.shape[dim]
        return with_first_tensor(args, kwargs, x * factor.reshape(shape))

    return hook


def _folded(found: int, samples: int) -> InputError:
    """Where images are cut into windows, say, which become samples of their own."""
    return InputError(
        f"Inside the network there are {found} rows for {samples} samples, so the criterion fisher "
        f"cannot tell the samples apart: choose another criterion, as kl."
    )
