"""What each neuron's removal would do to the outputs by their first-order change: an estimate of
the `kl` criterion for all neurons at once, from a few backward passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.data.language import token_mask
from leanfair.errors import InputError
from leanfair.evaluation.mode import evaluating
from leanfair.evaluation.problem import Problem
from leanfair.pruning.criteria.divergence import divergences
from leanfair.pruning.criteria.gates import Gauge, gated, unreached
from leanfair.pruning.types import Anatomy, Neurons

_RANDOM = 3
"""Random directions of the outputs that are followed: a backward pass for each."""
OF_TOKENS = 2
"""As many where each token has an output of its own."""
_LEADING = 8
"""The most directions that are followed where those that matter are known."""
_CARRIED = 0.95
"""The share of the Fisher information that they have to carry, where as many can."""
_CLASSES = 32
"""The most probable classes of a sample among which the directions are looked for."""
_PAIRS = 2**22
"""Changed outputs, (samples x neurons x classes), that are in memory at a time."""


def linearised(
    model: nn.Module,
    anatomy: Anatomy,
    batches: Sequence[Batch],
    problem: Problem,
    seed: int,
    progress: Callable[[float], None],
    *,
    of_tokens: int = OF_TOKENS,
) -> dict[str, Tensor]:
    """For each group of neurons an estimate of the divergence of each sample without each neuron,
    float32 [samples, count]: of a sample, or summed over its tokens.

    With a factor g on a neuron's contribution, the outputs z change by about -dz/dg where the
    neuron is removed. A backward pass gives u.dz/dg for all neurons and one direction u of each
    sample's outputs. Of one class among several, u are the eigenvectors with the largest
    eigenvalues of the Fisher information F = diag(p) - pp', in which alone the outputs can change
    the probabilities much (of a trained network two or three of each sample), and the divergence
    is that of the outputs changed along them: but for the curvature of the network it is exact.
    Where an output has a row for each token or pixel, and for several numbers or yes-or-no
    answers, the directions are random signs through a root of F, and the divergence is the mean of
    (u.dz/dg)²/2, as dz'F dz/2 is its second-order term; of tokens, each has a gate of its own (as
    in `fisher`) and `of_tokens` directions.

    Raises InputError where no gradient reaches a neuron, or samples cannot be told apart inside.
    """
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, list[Tensor]] = {group.name: [] for group in anatomy.neurons}
    with torch.inference_mode(False), evaluating(model):
        for i, batch in enumerate(batches):
            for name, part in _of_batch(
                model, anatomy, batch, problem, generator, of_tokens
            ).items():
                found[name].append(part)
            progress((i + 1) / len(batches))
    return {name: torch.cat(parts) for name, parts in found.items()}


@dataclass(frozen=True)
class _Direction:
    """Directions of the outputs, each of the shape of them, and how much of the divergence each
    random one stands for. `kept`: the classes that a sample's move in, [n, m], and the directions
    there, [n, m, directions]; None for random ones."""

    along: tuple[Tensor, ...]
    kept: tuple[Tensor, Tensor] | None = None


@dataclass
class _Slopes:
    """What gauges heard in each backward pass: one tensor [gates, count] a group and pass."""

    heard: dict[str, list[Tensor]] = field(default_factory=dict)

    def gauge(self, group: Neurons) -> Gauge:
        """A gauge of `group` that keeps its slopes here."""
        return Gauge(group, partial(self._keep, group.name))

    def _keep(self, name: str, slopes: Tensor) -> None:
        self.heard.setdefault(name, []).append(slopes.detach())


def _of_batch(
    model: nn.Module,
    anatomy: Anatomy,
    batch: Batch,
    problem: Problem,
    generator: torch.Generator,
    of_tokens: int,
) -> dict[str, Tensor]:
    slopes = _Slopes()
    gauges = [slopes.gauge(group) for group in anatomy.neurons]
    anchor = torch.zeros((), requires_grad=True)
    with torch.enable_grad():
        outputs, length = gated(model, gauges, batch, anchor)
        chosen = _directions(problem, outputs.detach(), generator, of_tokens if length else 0)
        for i, along in enumerate(chosen.along):
            last = i + 1 == len(chosen.along)
            torch.autograd.grad(
                outputs, anchor, along.to(outputs), retain_graph=not last, allow_unused=True
            )
            for gauge in gauges:
                gauge.settle()
    if error := unreached(gauges):
        raise error
    samples = _sample_of_token(batch, length) if length else None
    return {
        name: _divergence(problem, outputs.detach(), chosen, heard, samples, len(batch))
        for name, heard in slopes.heard.items()
    }


def _directions(
    problem: Problem, outputs: Tensor, generator: torch.Generator, of_tokens: int
) -> _Direction:
    """The directions in which the `outputs` [n, ...] are followed: `of_tokens` of them, and 0
    where tokens have no gates of their own."""
    if not bool((outputs.isfinite() | (outputs == -torch.inf)).all()):
        raise InputError("The network has outputs that are not numbers: look for NaN in it.")
    single = problem.type == "single_label_classification"
    if single and not of_tokens and outputs.ndim == 2 and outputs.shape[1] > 1:
        return _leading(outputs)
    # Tokens are many, each with signs of its own, and their outputs are large.
    many = of_tokens or _RANDOM
    every = _signs(outputs, many, generator)
    return _Direction(tuple(_random(problem, outputs, signs) for signs in every))


def _leading(logits: Tensor) -> _Direction:
    """The leading eigenvectors of the Fisher information of each sample, among its most probable
    classes."""
    classes = min(_CLASSES, logits.shape[1])
    kept = logits.topk(classes, dim=1).indices
    p = logits.double().softmax(dim=1).gather(1, kept)
    information = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    sizes, vectors = torch.linalg.eigh(information)
    carried = sizes.flip(1).sum(dim=0).cumsum(dim=0)
    whole = (1.0 - logits.double().softmax(dim=1).square().sum(dim=1)).sum()
    enough = 1 + int((carried < _CARRIED * whole).sum())
    # A common shift of all classes changes nothing.
    among = vectors[:, :, -min(enough, _LEADING, classes, logits.shape[1] - 1) :]
    along = tuple(
        torch.zeros_like(logits).scatter(1, kept, each.to(logits)) for each in among.unbind(dim=2)
    )
    return _Direction(along, (kept, among))


def _random(problem: Problem, outputs: Tensor, signs: Tensor) -> Tensor:
    """Random `signs` through a root of the Fisher information of the outputs, of their shape."""
    if problem.type == "multi_label_classification":
        p = outputs.sigmoid()
        return signs * (p * (1.0 - p)).sqrt()
    if problem.type != "single_label_classification":
        return signs
    dim = 1 if outputs.ndim > 3 else -1
    p = outputs.softmax(dim=dim)
    rooted = signs.mul_(p.sqrt())
    return rooted.sub_(p.mul_(rooted.sum(dim=dim, keepdim=True)))


def _signs(outputs: Tensor, many: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Random signs of the shape of `outputs`, so `many` times: eight of each random byte, as to
    draw each by itself takes longer than the softmax over a vocabulary. Those of a row do not
    depend on how rows come in batches."""
    size = outputs[0].numel()
    shape = (len(outputs), many, -(-size // 8))
    drawn = torch.randint(0, 2**8, shape, generator=generator, dtype=torch.uint8)
    bits = torch.arange(2**8)[:, None] >> torch.arange(8)
    table = 2.0 * (bits & 1).to(outputs.dtype) - 1.0
    for each in drawn.unbind(dim=1):
        signs = table[each.int()].flatten(1)[:, :size]
        yield signs.reshape(outputs.shape).to(outputs.device)


def _divergence(
    problem: Problem,
    outputs: Tensor,
    chosen: _Direction,
    heard: list[Tensor],
    samples: Tensor | None,
    count: int,
) -> Tensor:
    """The estimated divergence of each sample without each neuron, float32 [count, neurons], from
    the slopes `heard` along each direction, [gates, neurons]."""
    slopes = torch.stack(heard, dim=-1).double()
    if chosen.kept is not None:
        return _changed(problem, outputs, chosen.kept, slopes).float().cpu()
    each = slopes.square().mean(dim=-1) / 2
    if samples is not None:
        each = each.new_zeros(count, each.shape[1]).index_add(0, samples.to(each.device), each)
    return each.float().cpu()


def _changed(
    problem: Problem, logits: Tensor, kept: tuple[Tensor, Tensor], slopes: Tensor
) -> Tensor:
    """The divergence where the logits [n, classes] change by -`slopes` [n, neurons, directions]
    along the directions that are `kept`; all other classes count as one, which stays."""
    places, among = kept
    z = logits.double()
    rest = z.scatter(1, places, -torch.inf).logsumexp(dim=1, keepdim=True)
    whole = torch.cat([z.gather(1, places), rest], dim=1)
    many = max(1, _PAIRS // whole.numel())
    found = []
    for part in torch.split(slopes, many, dim=1):
        moved = F.pad(-torch.einsum("nmk,nsk->nsm", among, part), (0, 1))
        before = whole[:, None].expand(-1, part.shape[1], -1).flatten(0, 1)
        after = before + moved.flatten(0, 1)
        found.append(_finite(problem, after, before).reshape(len(logits), -1))
    return torch.cat(found, dim=1)


def _finite(problem: Problem, after: Tensor, before: Tensor) -> Tensor:
    """The divergences of rows of logits, in which a class may be impossible in both."""
    possible = before.isfinite()
    lowest = torch.finfo(before.dtype).min / 4
    return divergences(
        problem, torch.where(possible, after, lowest), torch.where(possible, before, lowest)
    )


def _sample_of_token(batch: Batch, length: int) -> Tensor:
    """Which sample each of the flattened tokens belongs to, int64 [tokens]."""
    places = torch.arange(len(batch))[:, None].expand(-1, length)
    mask = token_mask(batch, length)
    return places.flatten() if mask is None else places[mask.cpu()]
