"""Structures tried out one by one: the divergence of each sample with a structure silenced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward
from leanfair.data.language import shortened, token_mask
from leanfair.evaluation.problem import Problem
from leanfair.pruning.criteria.divergence import divergences, total_divergence
from leanfair.pruning.criteria.partial_forward import Plans, sites_by_batch
from leanfair.pruning.surgery.activations import inferring, observed
from leanfair.pruning.surgery.masking import masked
from leanfair.pruning.types import Anatomy, Layer, NeuronCut, Scores, Structure


class Trial(NamedTuple):
    """The divergence of some `samples` (by number) without a `structure`, or without its neuron
    `i`: float64, summed over the rows of each sample."""

    structure: Structure
    i: int
    samples: Tensor
    divergence: Tensor


Wanted: TypeAlias = Mapping[Structure, Sequence[int]]
"""Which neurons of which groups are to be tried; of a layer 0."""

STARTS = 64
"""Tokens of a text on which it is found where passes may start, as many as removals are proven
on."""


def single_masks(structure: Structure) -> list[dict[str, Any]]:
    """What silences each neuron of a group, or a layer."""
    if isinstance(structure, Layer):
        return [{"layers": (structure,)}]
    return [{"neurons": (NeuronCut(structure, (i,)),)} for i in range(structure.count)]


def every(anatomy: Anatomy) -> dict[Structure, range]:
    """All structures."""
    layers: dict[Structure, range] = {layer: range(1) for layer in anatomy.layers}
    return layers | {group: range(group.count) for group in anatomy.neurons}


def count_of_all(anatomy: Anatomy) -> int:
    """How many structures there are."""
    return sum(map(len, every(anatomy).values()))


def all_tried(
    model: nn.Module,
    anatomy: Anatomy,
    batches: Sequence[Batch],
    problem: Problem,
    progress: Callable[[float], None],
) -> Scores:
    """The criterion `kl` of every structure; the logits of one batch at a time are in memory."""
    sums = {structure: [0.0] * len(each) for structure, each in every(anatomy).items()}
    samples, done, passes = 0, 0, count_of_all(anatomy) * len(batches)
    for whole, places in sites_by_batch(model, anatomy, batches):
        samples += len(whole.logits)
        for site in places:
            for structure in site.structures:
                for i, mask in enumerate(single_masks(structure)):
                    with masked(model, **mask):
                        out = site.run().logits
                    sums[structure][i] += total_divergence(problem, out, whole.logits)
                    done += 1
                    progress(done / passes)
    means = {each: [total / samples for total in totals] for each, totals in sums.items()}
    layers = {layer.name: means[layer][0] for layer in anatomy.layers}
    return Scores("kl", layers, {group.name: tuple(means[group]) for group in anatomy.neurons})


@dataclass
class Trials:
    """What is tried out of the structures of `model`, on samples of `batches`. `rows` is how many
    rows each sample has in the outputs, those of its tokens where it has any, int64 [samples]."""

    model: nn.Module
    anatomy: Anatomy
    batches: Sequence[Batch]
    problem: Problem
    rows: Tensor = field(init=False)
    plans: Plans = field(default_factory=dict)

    def __post_init__(self) -> None:
        with inferring(self.model):
            self.rows = rows_by_sample(self.model, self.batches)

    def prepare(self) -> None:
        """Find out, on two samples or the start of a text, where a pass may start for each
        structure."""
        few = self.batches[0][:1] if bool((self.rows > 1).all()) else self.batches[0][:2]
        few = shortened(few, STARTS)
        for _, sites in sites_by_batch(self.model, self.anatomy, [few], self.plans):
            for _ in sites:
                pass

    def each(self, wanted: Wanted, samples: Tensor) -> Iterator[Trial]:
        """A trial of all of `wanted` on all of the `samples` (by number), some of them at once."""
        few = replace(
            self.anatomy,
            layers=tuple(layer for layer in self.anatomy.layers if layer in wanted),
            neurons=tuple(group for group in self.anatomy.neurons if group in wanted),
        )
        for places, batch in taken(self.batches, samples):
            for whole, sites in sites_by_batch(self.model, few, [batch], self.plans):
                for site in sites:
                    for structure in site.structures:
                        masks = single_masks(structure)
                        for i in wanted[structure]:
                            with masked(self.model, **masks[i]):
                                out = site.run().logits
                            found = divergences(self.problem, out, whole.logits).cpu()
                            yield Trial(structure, i, places, self._summed(places, found))

    def together(self, wanted: Wanted) -> float:
        """The divergence of all samples with all neurons `wanted` silenced at once."""
        cuts = tuple(
            NeuronCut(each, tuple(drop))
            for each, drop in wanted.items()
            if not isinstance(each, Layer)
        )
        total = 0.0
        with inferring(self.model):
            for batch in self.batches:
                whole = observed(self.model, self.anatomy.head, batch).logits
                with masked(self.model, neurons=cuts):
                    out = observed(self.model, self.anatomy.head, batch).logits
                total += total_divergence(self.problem, out, whole)
        return total

    def _summed(self, places: Tensor, found: Tensor) -> Tensor:
        """What was `found` of each row, summed by sample."""
        if len(found) == len(places):
            return found
        sample = torch.arange(len(places)).repeat_interleave(self.rows[places])
        return found.new_zeros(len(places)).index_add(0, sample, found)


def rows_by_sample(model: nn.Module, batches: Sequence[Batch]) -> Tensor:
    """How many rows each sample has in the outputs: its tokens where there is an output for each,
    else 1; int64 [samples]. The model runs on one sample of each shape."""
    lengths: dict[Any, int] = {}
    rows = []
    for batch in batches:
        shape = _shape(batch)
        if shape not in lengths:
            one = forward(model, batch[:1].inputs)
            lengths[shape] = one.shape[1] if one.ndim == 3 else 0
        length = lengths[shape]
        mask = token_mask(batch, length) if length else None
        every = torch.full((len(batch),), length or 1)
        rows.append(every if mask is None else mask.sum(dim=1).cpu())
    return torch.cat(rows)


def taken(batches: Sequence[Batch], samples: Tensor) -> list[tuple[Tensor, Batch]]:
    """Some `samples` of all, by number, with the numbers of each batch; those of one shape come
    together, but no more at once than in any of `batches`."""
    most = max(map(len, batches))
    parts: dict[Any, tuple[Tensor, Batch]] = {}
    done: list[tuple[Tensor, Batch]] = []
    start = 0
    for batch in batches:
        inside = samples[(samples >= start) & (samples < start + len(batch))].sort().values
        rows = inside - start
        start += len(batch)
        if not len(inside):
            continue
        new = inside, Batch(batch.mapped(partial(_at, rows)).inputs)
        shape = _shape(new[1])
        if shape not in parts:
            parts[shape] = new
        elif len(parts[shape][0]) + len(inside) <= most:
            parts[shape] = _joined(parts[shape], new)
        else:
            done.append(parts[shape])
            parts[shape] = new
    return [*done, *parts.values()]


def _at(rows: Tensor, values: Tensor) -> Tensor:
    return values[rows.to(values.device)]


def _shape(batch: Batch) -> Any:
    if isinstance(batch.inputs, Tensor):
        return batch.inputs.shape[1:]
    return tuple((name, value.shape[1:]) for name, value in batch.inputs.items())


def _joined(one: tuple[Tensor, Batch], other: tuple[Tensor, Batch]) -> tuple[Tensor, Batch]:
    first, second = one[1].inputs, other[1].inputs
    numbers = torch.cat([one[0], other[0]])
    if isinstance(first, Tensor) or isinstance(second, Tensor):
        return numbers, Batch(torch.cat([torch.as_tensor(first), torch.as_tensor(second)]))
    return numbers, Batch({name: torch.cat([x, second[name]]) for name, x in first.items()})
